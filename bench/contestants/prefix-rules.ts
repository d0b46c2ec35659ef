import { formatAddress, type Octets, parseAddress } from '../../src/model/address.ts';
import { networkAddress } from '../../src/model/prefix.ts';
import { exporterAddress } from '../topology.ts';

/** Lengths of prefixes begin here: so that some lie in each other, and all exporters of a scenario are in one. */
const LENGTHS = { ipv4: { first: 20, count: 12 }, ipv6: { first: 100, count: 28 } } as const;

/** Holds all exporters of its family. */
const ALL = { ipv4: '10.0.0.0', ipv6: 'fd00:e::' } as const;
const ALL_LENGTH = { ipv4: 8, ipv6: 32 } as const;

/** Where exporters are that do not send. */
const ELSEWHERE = 64 << 16;

export interface PrefixRules {
  /** Rules of addresses that do not send. */
  readonly addresses: number;
  /** Rules of prefixes of both families. */
  readonly prefixes: number;
  /** Of the exporters that send, which are in prefixes alone. */
  readonly family: 'ipv4' | 'ipv6';
  /** What each rule does, as text. */
  readonly outputs: string;
}

/** Rules by which each packet is looked up in vain by its address, and found by one of many prefixes. */
export function prefixRulesText({ addresses, prefixes, family, outputs }: PrefixRules): string[] {
  const exact = Array.from({ length: addresses }, (_, i) => {
    const host = exporterAddress(family, ELSEWHERE + i);
    return `rules {exporter {endpoint {host: "${host}"}} ${outputs}}`;
  });
  const own = networksOf(family, prefixes / 2);
  const other = networksOf(family === 'ipv4' ? 'ipv6' : 'ipv4', prefixes / 2);
  return [
    ...exact,
    ...own.map((network) => `rules {exporter {${network}} ${outputs}}`),
    ...other.map((network) => `rules {exporter {${network}}}`),
  ];
}

/** So many different ones, spread over the addresses of exporters, and one that holds them all. */
function networksOf(family: 'ipv4' | 'ipv6', count: number): string[] {
  const { first, count: lengths } = LENGTHS[family];
  const found = new Set([networkText(ALL[family], ALL_LENGTH[family])]);
  for (let i = 0; found.size < count; i++) {
    found.add(networkText(exporterAddress(family, i * 17), first + (i % lengths)));
  }
  return [...found];
}

function networkText(host: string, length: number): string {
  const network = networkAddress(parseAddress(host) as Octets, length);
  return `endpoint {host: "${formatAddress(network)}"} prefix_length: ${length}`;
}
