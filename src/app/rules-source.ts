import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Control } from '../control/control.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { Follower } from '../follower/follower.ts';
import { FollowingControl } from '../follower/following-control.ts';
import { FileOwnedControl } from '../rules-file/file-owned-control.ts';
import { FileRules } from '../rules-file/file-rules.ts';

/** Keeps the rules of this node those of somebody else. */
export interface RulesSource {
  /** The control plane must have restored its rules by then. */
  start(): void | Promise<void>;
  /** Waits for the change at work. */
  stop(): Promise<void>;
  /** Looks at once whether there are others. */
  reload?(): Promise<void>;
}

/** Makes the source of the rules, when this node has one beside its API, and what its API then serves. */
export function makeRulesSource(
  { follow, rulesFile }: Pick<Config, 'follow' | 'rulesFile'>,
  control: ControlPlane,
  log: Logger,
): { readonly source: RulesSource | undefined; readonly served: Control } {
  if (rulesFile !== undefined) {
    const component = log.child({ component: 'rules' });
    const source = new FileRules({ control, file: rulesFile, log: component });
    return { source, served: new FileOwnedControl(control, source) };
  }
  const { follower, served } = followLeader({ follow }, control, log);
  return { source: follower, served };
}

/** Makes the follower, when this node has a leader, and what its API then serves. */
export function followLeader(
  { follow }: Pick<Config, 'follow'>,
  control: ControlPlane,
  log: Logger,
): { readonly follower: Follower | undefined; readonly served: Control } {
  if (follow === undefined) return { follower: undefined, served: control };
  const follower = new Follower({ control, follow, log: log.child({ component: 'follower' }) });
  return { follower, served: new FollowingControl(control, follower) };
}
