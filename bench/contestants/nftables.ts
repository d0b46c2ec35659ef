import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Scenario } from '../scenarios.ts';
import { run } from '../shell.ts';
import {
  COLLECTOR_MAC,
  collectorAddresses,
  exporterAddress,
  FLOW_PORT,
  INPUT_INTERFACE,
  OUTPUT_INTERFACE,
} from '../topology.ts';
import { type Contestant, exporterFamily, type Running, type Start } from './contestant.ts';

export const nftables: Contestant = {
  name: 'nftables',
  description:
    'in the kernel: dup and fwd with stateless ip daddr set at the netdev ingress hook, a map of exporters',
  debianPackage: { name: 'nftables', command: 'nft' },
  start: startNftables,
};

async function startNftables(options: Start): Promise<Running> {
  const { path: at, scenario, folder } = options;
  const file = path.join(folder, 'rules.nft');
  await writeFile(file, rulesText(scenario));
  const inside = ['netns', 'exec', at.namespace];
  await run('ip', [...inside, 'nft', '-f', file]);
  return {
    forwarders: [],
    processes: [],
    [Symbol.asyncDispose]: async () => {
      await run('ip', [...inside, 'nft', 'flush', 'ruleset']);
    },
  };
}

function rulesText(scenario: Scenario): string {
  const family = exporterFamily(scenario);
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const collectors = collectorAddresses(family, scenario.copies);
  const copies = collectors.map((address, i) => {
    const way = i === collectors.length - 1 ? 'fwd' : 'dup';
    return `${ip} daddr set ${address} ${way} to "${OUTPUT_INTERFACE}"`;
  });
  const exporters = Array.from(
    { length: scenario.rules },
    (_, i) => `${exporterAddress(family, i)} : goto copies`,
  );
  return `
table netdev bench {
  chain copies {
    ether daddr set ${COLLECTOR_MAC} ${copies.join(' ')}
  }
  map exporters {
    type ${family}_addr : verdict
    elements = { ${exporters.join(', ')} }
  }
  chain input {
    type filter hook ingress device "${INPUT_INTERFACE}" priority 0;
    udp dport ${FLOW_PORT} ${ip} saddr vmap @exporters
  }
}
`;
}
