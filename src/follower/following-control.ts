import { FloxyError } from '../base/errors.ts';
import type { ChangeOptions, ChangeResult, Control } from '../control/control.ts';
import type { CollectorStatus } from '../model/collector-status.ts';
import type { ExporterReport } from '../model/exporter-status.ts';
import type { Exporter, NumberedRuleSet, Rule, RuleChange } from '../model/rules.ts';
import type { ProxyStatistics } from '../model/statistics.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { OVERRIDE_FOLLOWER_HEADER } from '../protocol/headers.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import type { Follower } from './follower.ts';

type FollowerPart = Pick<Follower, 'status' | 'isWaitingForFirstRules' | 'leaderNodes'>;

/**
 * The control plane of a node that follows another, as its API shows it: the rules are changed at the leader, and
 * here only by those who say that they mean it.
 */
export class FollowingControl implements Control {
  readonly #control: Control;
  readonly #follower: FollowerPart;

  constructor(control: Control, follower: FollowerPart) {
    this.#control = control;
    this.#follower = follower;
  }

  rules(): NumberedRuleSet {
    return this.#control.rules();
  }

  rulesProblem(): string | undefined {
    if (this.#follower.isWaitingForFirstRules()) return waiting(this.#follower.status().leader);
    return this.#control.rulesProblem();
  }

  restoring(): string | undefined {
    return this.#control.restoring();
  }

  nodes(): readonly string[] {
    return [...this.#control.nodes(), ...this.#follower.leaderNodes()];
  }

  onChange(listener: () => void): () => void {
    return this.#control.onChange(listener);
  }

  async change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    if (!options.overrideFollower) throw refusal(this.#follower.status().leader);
    return this.#control.change(change, expectedRevision, options);
  }

  statistics(exporters: readonly Exporter[]): Promise<ProxyStatistics> {
    return this.#control.statistics(exporters);
  }

  statisticsOf(rules: readonly Rule[]): ProxyStatistics {
    return this.#control.statisticsOf(rules);
  }

  collectors(): Promise<readonly CollectorStatus[]> {
    return this.#control.collectors();
  }

  exporters(silentAfterMs: number): Promise<ExporterReport> {
    return this.#control.exporters(silentAfterMs);
  }

  status(): SystemStatus {
    const status = this.#control.status();
    const follower = this.#follower.status();
    return { ...status, proxy: this.#proxyStatus(status.proxy, follower.leader), follower };
  }

  setDraining(isDraining: boolean): void {
    this.#control.setDraining(isDraining);
  }

  /** A new node must not draw traffic that it would only drop. */
  #proxyStatus(proxy: SubsystemStatus, leader: string): SubsystemStatus {
    if (proxy.state !== 'OK' || !this.#follower.isWaitingForFirstRules()) return proxy;
    return { state: 'Configuring', error: waiting(leader) };
  }
}

function waiting(leader: string): string {
  return `waiting for the first rules of the leader ${leader}`;
}

function refusal(leader: string): FloxyError {
  return new FloxyError(
    'FOLLOWER',
    `this node follows ${leader}: change the rules there, or send the header ${OVERRIDE_FOLLOWER_HEADER}: true (floxy --override-follower) to change them here until they change there`,
  );
}
