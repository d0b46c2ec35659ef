import { FloxyError } from '../base/errors.ts';
import type { ChangeOptions, ChangeResult, Control } from '../control/control.ts';
import { DelegatingControl } from '../control/delegating-control.ts';
import type { RuleChange } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { OVERRIDE_FOLLOWER_HEADER } from '../protocol/headers.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import type { Follower } from './follower.ts';

type FollowerPart = Pick<Follower, 'status' | 'isWaitingForFirstRules' | 'leaderNodes'>;

/**
 * The control plane of a node that follows another, as its API shows it: the rules are changed at the leader, and
 * here only by those who say that they mean it.
 */
export class FollowingControl extends DelegatingControl {
  readonly #follower: FollowerPart;

  constructor(control: Control, follower: FollowerPart) {
    super(control);
    this.#follower = follower;
  }

  override rulesProblem(): string | undefined {
    if (this.#follower.isWaitingForFirstRules()) return waiting(this.#follower.status().leader);
    return super.rulesProblem();
  }

  override nodes(): readonly string[] {
    return [...super.nodes(), ...this.#follower.leaderNodes()];
  }

  override async change(
    change: RuleChange,
    expectedRevision?: number,
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    if (!options.overrideFollower) throw refusal(this.#follower.status().leader);
    return super.change(change, expectedRevision, options);
  }

  override status(): SystemStatus {
    const status = super.status();
    const follower = this.#follower.status();
    return { ...status, proxy: this.#proxyStatus(status.proxy, follower.leader), follower };
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
