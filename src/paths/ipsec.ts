import { type IpsecEvent, readIpsecPolicies, watchIpsec } from '../native/ipsec.ts';
import { HostWatch } from './host-watch.ts';
import type { Way } from './obstacle.ts';

/** Numbers of policies end with the way that they are for: XFRM_POLICY_IN and OUT (linux/xfrm.h). */
const WAY_BITS = 7;
const WAYS: Readonly<Record<Way, number>> = { input: 0, output: 1 };

/** Policies of IPsec, kept true by what is announced of them. */
export class Policies {
  readonly #indexes: Set<number>;

  constructor(indexes: Iterable<number> = []) {
    this.#indexes = new Set(indexes);
  }

  take(events: readonly IpsecEvent[]): void {
    for (const { index, isThere } of events) {
      if (index === 0) this.#indexes.clear();
      else if (isThere) this.#indexes.add(index);
      else this.#indexes.delete(index);
    }
  }

  /** In words; undefined when there is none for this way. */
  obstacle(way: Way): string | undefined {
    const isOnWay = (index: number) => (index & WAY_BITS) === WAYS[way];
    return [...this.#indexes].some(isOnWay)
      ? `IPsec has policies for ${way} (ip xfrm policy)`
      : undefined;
  }
}

/** What IPsec wants of packets: copies that leave as frames would be unprotected, and packets that come in unchecked. */
export function ipsecWatch() {
  let policies = new Policies();
  return new HostWatch({
    name: 'IPsec',
    has: 'policies',
    watch: watchIpsec,
    list: () => {
      policies = new Policies(readIpsecPolicies());
    },
    take: (events) => policies.take(events),
    obstacle: (way) => policies.obstacle(way),
    functions: ['xfrm_add_policy', 'pfkey_spdadd'],
    modules: /^(xfrm_user|af_key) /m,
  });
}
