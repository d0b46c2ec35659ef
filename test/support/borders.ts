import { pino } from 'pino';
import type { FloxyError } from '../../src/base/errors.ts';
import { ControlPlane } from '../../src/control/control-plane.ts';
import type {
  DataPlane,
  PreparedRules,
  RestoredRules,
  RuleStore,
  Sightings,
} from '../../src/control/ports.ts';
import type { SendLoss } from '../../src/model/collector-status.ts';
import {
  EMPTY_RULE_SET,
  exporterKey,
  type Revision,
  type RuleChange,
  type RuleSet,
} from '../../src/model/rules.ts';
import type { Counters } from '../../src/model/statistics.ts';
import type { SubsystemStatus } from '../../src/model/status.ts';
import type { HostAddresses } from '../../src/rules/validate.ts';
import { host } from './rule-sets.ts';

export const ZERO: Counters = { packets: 0n, bytes: 0n };

/** Both borders of the control plane, in memory, writing down what is asked of them. */
export class Borders implements RuleStore, DataPlane {
  readonly events: string[] = [];
  restored: RestoredRules = { revision: { number: 0 }, ruleSet: EMPTY_RULE_SET };
  /** What prepare() was told of how the rules came to be. */
  readonly changes: (RuleChange['kind'] | undefined)[] = [];
  storeError: FloxyError | undefined;
  prepareError: FloxyError | undefined;
  state: SubsystemStatus = { state: 'OK' };
  /** Publishing waits for this. */
  gate: Promise<void> = Promise.resolve();
  hasRulesFromBefore = false;
  host: HostAddresses = host();
  inputs = new Map<string, Counters>();

  async open(): Promise<RestoredRules> {
    return this.restored;
  }
  async write(change: RuleChange, { number }: Revision): Promise<void> {
    if (this.storeError) throw this.storeError;
    this.events.push(`store ${change.kind} ${number}`);
  }

  async close(): Promise<void> {
    this.events.push('close');
  }
  status(): SubsystemStatus {
    return this.state;
  }
  inForce(): boolean {
    return this.hasRulesFromBefore;
  }
  listeners(): [] {
    return [];
  }

  kernelEngine() {
    return undefined;
  }

  forwarders(): [] {
    return [];
  }
  endedForwarders(): undefined {}
  readonly listenPorts = [2055];
  losses: readonly SendLoss[] = [];
  sendLosses(): readonly SendLoss[] {
    return this.losses;
  }
  forgottenCopies(): bigint {
    return 0n;
  }
  seen: Sightings = { since: new Date(0), exporters: [], forgotten: 0n };
  async sightings(): Promise<Sightings> {
    return this.seen;
  }
  async prepare(set: RuleSet, change?: RuleChange): Promise<PreparedRules> {
    if (this.prepareError) throw this.prepareError;
    this.changes.push(change?.kind);
    return {
      putInForce: async () => {
        await this.gate;
        this.events.push(`in force ${set.rules.length}`);
        return {
          input: ({ exporter }) => this.inputs.get(exporterKey(exporter)) ?? ZERO,
          outputs: () => [],
          defaultOutputs: () => [],
          leftOut: () => [],
          leftOutByDefault: () => [],
          mismatched: () => ({ packets: 5n, bytes: 50n }),
        };
      },
      discard: () => {
        this.events.push('discard');
      },
    };
  }
}

/** @param hostAddresses of the host until the borders have others */
export function makeControl(borders: Borders, hostAddresses = borders.host): ControlPlane {
  borders.host = hostAddresses;
  const log = pino({ level: 'silent' });
  return new ControlPlane({
    store: borders,
    dataPlane: borders,
    hostAddresses: () => borders.host,
    log,
  });
}

export async function startedControl(borders = new Borders()): Promise<ControlPlane> {
  const control = makeControl(borders);
  await control.start();
  borders.events.length = 0;
  return control;
}
