import type { HostWatch } from './host-watch.ts';
import { ipsecWatch } from './ipsec.ts';
import { nftablesWatch } from './nftables.ts';

/** Parts of the kernel that may do something with packets, and tell when that changes. */
export type HostWatches = readonly Pick<HostWatch<unknown>, 'on'>[];

export function hostWatches(): HostWatches {
  return [nftablesWatch(), ipsecWatch()];
}
