import type { Logger } from 'pino';
import { describeSocket } from '../../native/inherited.ts';
import { COUNTER } from '../../native/layout.ts';
import { socketDrops } from '../../native/sockets.ts';
import { CounterMemory } from '../memory/counter-memory.ts';
import type { SocketEngineConfig } from './socket-engine.ts';
import type { Succession } from './succession.ts';

const NONE = { packets: 0n, bytes: 0n };

const COUNTS_LOST =
  'forwarders have died while there was no control, and what they counted is lost: statistics have a new start time';

/**
 * The sums of forwarders that are no more, which know too since when all counters count (spec S25).
 *
 * @param settings of those that count from now on
 */
export function openEndedCounters(
  succession: Pick<Succession, 'endedCounters' | 'countersFound'>,
  { forwarders, listeners }: Pick<SocketEngineConfig, 'forwarders' | 'listeners'>,
  log: Logger,
): CounterMemory {
  const inherited = succession.endedCounters();
  const ended = new CounterMemory('ended', inherited);
  ended.notes.open();
  ended.listeners.keep(listeners);
  const before = Number(ended.counter(COUNTER.COUNTED_FORWARDERS));
  const missing = before - succession.countersFound();
  if (missing > 0) log.warn({ forwarders: missing }, COUNTS_LOST);
  if (inherited === undefined || missing > 0) {
    ended.setCounter(COUNTER.COUNTED_SINCE, BigInt(Date.now()));
  }
  ended.setCounter(COUNTER.COUNTED_FORWARDERS, BigInt(forwarders));
  return ended;
}

/** Adds what the kernel has dropped at sockets that nobody goes on with. */
export function addDrops(sockets: readonly number[], sums: CounterMemory): void {
  for (const fd of sockets) {
    const kernelDrops = BigInt(socketDrops(fd));
    sums.setCounter(COUNTER.KERNEL_DROPS, sums.counter(COUNTER.KERNEL_DROPS) + kernelDrops);
    sums.listeners.add(describeSocket(fd), { received: NONE, kernelDrops });
  }
}
