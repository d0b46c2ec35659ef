import { closeSync } from 'node:fs';
import { COUNTER } from '../../native/layout.ts';
import type { Tap } from '../../native/packet-sender.ts';
import type { CounterMemory } from '../memory/counter-memory.ts';
import { type DescriptorName, type Descriptors, presentDescriptors } from './descriptors.ts';
import type { ForwarderOptions } from './forwarder/messages.ts';
import { ForwarderProcess } from './forwarder-process.ts';
import type { ForwarderSpec } from './supervisor.ts';

/** What the processes of a forwarder are started with, one after the other. */
export interface SpecParts {
  readonly options: Omit<ForwarderOptions, 'table' | 'taps' | 'descriptors'>;
  readonly descriptors: Descriptors;
  /** For the first one alone, which counts what is left there. */
  readonly formerRing: number | undefined;
  readonly counters: CounterMemory;
  /** What captures want at the moment. */
  taps(): readonly Tap[];
  /** One has been started, with descriptors of these names. */
  started(pid: number, names: readonly DescriptorName[]): void;
}

/** @returns who starts them */
export function forwarderSpec(parts: SpecParts): ForwarderSpec {
  const { options, descriptors, counters } = parts;
  let { formerRing } = parts;
  return {
    index: options.index,
    spawn: (table, events) => {
      const present = presentDescriptors({ ...descriptors, 'former kernel ring': formerRing });
      const names = present.map(([name]) => name);
      const forwarder = new ForwarderProcess(
        { ...options, descriptors: names, table, taps: parts.taps() },
        present.map(([, fd]) => fd),
        events,
      );
      if (formerRing !== undefined) closeSync(formerRing);
      formerRing = undefined;
      if (forwarder.pid !== undefined) parts.started(forwarder.pid, names);
      return forwarder;
    },
    heartbeat: () => counters.counter(COUNTER.HEARTBEAT),
  };
}
