import { firewallGeneration, readChains, watchFirewall } from '../native/firewall.ts';
import { OutputChains } from './output-chains.ts';
import { OutputWatch } from './output-watch.ts';

/** Whether nftables does something with output: also what iptables-nft and Docker have put there. */
export function nftablesWatch() {
  let chains = new OutputChains([], 0);
  return new OutputWatch({
    question: 'whether nftables has output rules',
    watch: watchFirewall,
    list: () => {
      chains = listChains();
    },
    take: (events) => chains.take(events),
    obstacle: () => {
      const chain = chains.obstacle();
      return chain && `nftables has an output chain (${chain})`;
    },
    functions: ['nf_tables_newchain'],
    modules: /^nf_tables /m,
  });
}

/** All of one generation. */
function listChains(): OutputChains {
  for (;;) {
    const generation = firewallGeneration();
    const chains = readChains();
    if (generation === firewallGeneration()) return new OutputChains(chains, generation);
  }
}
