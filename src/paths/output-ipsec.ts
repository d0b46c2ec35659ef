import { readIpsecPolicies, watchIpsec } from '../native/ipsec.ts';
import { OutputWatch } from './output-watch.ts';

/** Whether IPsec has policies for output: frames would leave unprotected. */
export function ipsecWatch() {
  let policies = new Set<number>();
  return new OutputWatch({
    question: 'whether IPsec has policies',
    watch: watchIpsec,
    list: () => {
      policies = new Set(readIpsecPolicies());
    },
    take: (events) => {
      for (const { index, isThere } of events) {
        if (index === 0) policies.clear();
        else if (isThere) policies.add(index);
        else policies.delete(index);
      }
    },
    obstacle: () => (policies.size > 0 ? 'IPsec has policies (ip xfrm policy)' : undefined),
    functions: ['xfrm_add_policy', 'pfkey_spdadd'],
    modules: /^(xfrm_user|af_key) /m,
  });
}
