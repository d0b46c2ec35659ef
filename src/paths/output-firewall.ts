import { firewallGeneration, readChains, watchFirewall } from '../native/firewall.ts';
import { Chains, type Way } from './chains.ts';
import { OutputWatch } from './output-watch.ts';

/** Whether nftables does something on a way: also what iptables-nft and Docker have put there. */
export function nftablesWatch(way: Way = 'output') {
  let chains = new Chains([], 0);
  return new OutputWatch({
    question: `whether nftables has ${way} rules`,
    watch: watchFirewall,
    list: () => {
      chains = listChains();
    },
    take: (events) => chains.take(events),
    obstacle: () => {
      const chain = chains.obstacle(way);
      return chain && `nftables has an ${way} chain (${chain})`;
    },
    functions: ['nf_tables_newchain'],
    modules: /^nf_tables /m,
  });
}

/** All of one generation. */
function listChains(): Chains {
  for (;;) {
    const generation = firewallGeneration();
    const chains = readChains();
    if (generation === firewallGeneration()) return new Chains(chains, generation);
  }
}
