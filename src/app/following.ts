import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Control } from '../control/control.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { Follower } from '../follower/follower.ts';
import { FollowingControl } from '../follower/following-control.ts';

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
