import { firewallGeneration, readChains, watchFirewall } from '../native/firewall.ts';
import { Chains } from './chains.ts';
import { HostWatch } from './host-watch.ts';

/** What nftables does on the ways of packets: also what iptables-nft and Docker have put there. */
export function nftablesWatch() {
  let chains = new Chains([], 0);
  return new HostWatch({
    name: 'nftables',
    has: 'rules',
    watch: watchFirewall,
    list: () => {
      chains = listChains();
    },
    take: (events) => chains.take(events),
    obstacle: (way) => {
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
