/** What is measured, as data. */

export type Family = 'ipv4' | 'ipv6' | 'ipv4-to-ipv6';

export type ContestantName =
  | 'floxy'
  | 'raw'
  | 'kernel'
  | 'pmacct'
  | 'nftables'
  | 'limit'
  | 'bare'
  | 'dgram';

export interface Scenario {
  readonly name: string;
  /** UDP payload in bytes, 24 to 1472. */
  readonly payloadBytes: number;
  /** Collectors that get a copy of each packet, 1 to 8. */
  readonly copies: number;
  /** Rules in force, each for one exporter address. */
  readonly rules: number;
  /** Rules of prefixes, IPv4 and IPv6: then exporters are in those alone, and the rules of addresses are of others. */
  readonly prefixes?: number;
  /** Exporter endpoints that send in turn. All match a rule; there are `rules` addresses. */
  readonly exporters: number;
  readonly family: Family;
  /** MTU of the link to the collectors. */
  readonly mtuBytes: number;
  /** Collectors are behind a gateway, not on the link: the kernel then keeps the route of a raw packet. */
  readonly isRouted: boolean;
  /** Every packet goes to a pipeline of the proxy too. */
  readonly hasPipeline?: boolean;
  /** Collectors that take turns in each output; absent: 1. */
  readonly sharing?: number;
  /** Packets are NetFlow v9, and have templates in the beginning. */
  readonly isNetflow9?: boolean;
  /** What outputs say of templates; absent: nothing, which is ALL. */
  readonly templates?: 'ONE';
  /** What rules say of how copies leave, as text after the collector's endpoint. */
  readonly way?: string;
  /** How the collectors of an output share its packets; absent: they take turns. */
  readonly balance?: 'BY_EXPORTER';
  /** Collectors of an output have different weights. */
  readonly isWeighted?: boolean;
  /** A filter of each output, which all packets pass. */
  readonly filter?: string;
  /** A pipeline gets one of so many packets. */
  readonly pipelineSample?: number;
  /** The proxy core receives packets for who has sockets, too, and all that it does is counted. */
  readonly receives?: boolean;
  /** Packets that wait for a core before they are lost (net.core.netdev_max_backlog); absent: as the host has it. */
  readonly backlog?: number;
  /** Who runs it. */
  readonly contestants: readonly ContestantName[];
  /** Packets per second to try in any case, besides the rates that are searched. */
  readonly fixedRate?: number;
}

/** Scenarios whose figures are compared with each other: their runs alternate. */
export interface Group {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

const FAST: readonly ContestantName[] = [
  'floxy',
  'raw',
  'kernel',
  'pmacct',
  'nftables',
  'limit',
  'bare',
];
const ALL: readonly ContestantName[] = [...FAST, 'dgram'];
const OURS: readonly ContestantName[] = ['floxy'];
/** Where both engines have work of their own to do. */
const ENGINES: readonly ContestantName[] = ['floxy', 'kernel'];

export const BASE: Scenario = {
  name: 'base',
  payloadBytes: 1400,
  copies: 2,
  rules: 10,
  exporters: 100,
  family: 'ipv4',
  mtuBytes: 1500,
  isRouted: false,
  contestants: ALL,
};

function scenario(name: string, changes: Partial<Scenario>): Scenario {
  return { ...BASE, contestants: FAST, ...changes, name };
}

function group(title: string, ...scenarios: Scenario[]): Group {
  return { title, scenarios };
}

export const BASE_NAME = BASE.name;

/** The same, and all pay for receiving. */
export const RECEIVING_NAME = 'receiving';

/** The scenario of 100,000 packets a second, three copies, 1,000 bytes. */
export const NAMED_NAME = '100,000/s × 3';

/** A machine that stands still for 10 ms must not lose packets, whatever forwards them: as `floxy doctor` advises. */
const NAMED = scenario(NAMED_NAME, {
  payloadBytes: 1000,
  copies: 3,
  fixedRate: 100_000,
  backlog: 10_000,
});

const SHARED: Partial<Scenario> = {
  copies: 1,
  sharing: 4,
  isNetflow9: true,
  contestants: OURS,
};

const SHARED_BLIND: Partial<Scenario> = { copies: 1, templates: 'ONE', contestants: OURS };

export const GROUPS: readonly Group[] = [
  group('Base: 1400 bytes, 2 copies', BASE),
  group(
    'Base, and all pay for receiving',
    scenario(RECEIVING_NAME, { receives: true, fixedRate: 50_000 }),
  ),
  group('Payload: 64 bytes', scenario('64 bytes', { payloadBytes: 64, contestants: ALL })),
  group('Payload: 512 bytes', scenario('512 bytes', { payloadBytes: 512 })),
  group('Copies: 1', scenario('1 copy', { copies: 1 })),
  group('Copies: 4', scenario('4 copies', { copies: 4 })),
  group('Copies: 8', scenario('8 copies', { copies: 8 })),
  group(
    'Rules, with 10,000 exporters',
    scenario('10 rules', { exporters: 10_000, contestants: [...ENGINES, 'nftables'] }),
    scenario('1,000 rules', { rules: 1000, exporters: 10_000, contestants: OURS }),
    scenario('100,000 rules', {
      rules: 100_000,
      exporters: 10_000,
      contestants: [...ENGINES, 'nftables'],
    }),
  ),
  group(
    'Prefixes, with 10,000 exporters',
    scenario('10 addresses', { exporters: 10_000, contestants: ENGINES }),
    scenario('prefixes', {
      rules: 100_000,
      prefixes: 10_000,
      exporters: 10_000,
      contestants: ENGINES,
    }),
  ),
  group(
    'Exporters, with 10 rules',
    scenario('1 exporter', { exporters: 1, contestants: OURS }),
    scenario('100 exporters', { contestants: OURS }),
    scenario('10,000 exporters', { exporters: 10_000, contestants: OURS }),
  ),
  group('Collectors behind a gateway', scenario('gateway', { isRouted: true })),
  group(
    'How copies leave',
    scenario('from the proxy', { way: 'source: PROXY', contestants: OURS }),
    scenario('fixed source, dscp', {
      way: 'source_endpoint {host: "192.0.2.250"} hop_limit: 32 dscp: 8',
      contestants: OURS,
    }),
  ),
  group(
    'Collectors that are watched',
    scenario('watched', { way: 'health {interval: "100ms" timeout: "100ms"}', contestants: OURS }),
  ),
  group('IPv6', scenario('IPv6', { family: 'ipv6' })),
  group(
    'IPv4 → IPv6',
    scenario('IPv4 → IPv6', { family: 'ipv4-to-ipv6', contestants: ['floxy', 'raw', 'kernel'] }),
    scenario('fragments', { mtuBytes: 1280, contestants: OURS }),
  ),
  group('100,000 packets/s × 3 copies of 1,000 bytes', NAMED),
  group(
    'NetFlow v9 that 4 collectors share',
    scenario('v9, blind', { ...SHARED, templates: 'ONE' }),
    scenario('v9, templates', SHARED),
  ),
  group(
    'Collectors that share an output',
    scenario('4 in turns', { ...SHARED_BLIND, sharing: 4 }),
    scenario('4 by exporter', { ...SHARED_BLIND, sharing: 4, balance: 'BY_EXPORTER' }),
    scenario('64 in turns', { ...SHARED_BLIND, sharing: 64 }),
    scenario('64 by exporter', { ...SHARED_BLIND, sharing: 64, balance: 'BY_EXPORTER' }),
    scenario('64 by weight', {
      ...SHARED_BLIND,
      sharing: 64,
      balance: 'BY_EXPORTER',
      isWeighted: true,
    }),
  ),
  group(
    'Outputs that leave out packets',
    scenario('no filter', { isNetflow9: true, contestants: OURS }),
    scenario('filters', { isNetflow9: true, filter: 'protocols: NETFLOW_V9', contestants: OURS }),
    scenario('sampled out', { isNetflow9: true, pipelineSample: 1_000_000, contestants: OURS }),
  ),
];

export const QUICK_GROUPS: readonly Group[] = [
  group('Base: 1400 bytes, 2 copies', { ...BASE, contestants: FAST }),
  group(
    'Rules, with 10,000 exporters',
    scenario('10 rules', { exporters: 10_000, contestants: OURS }),
    scenario('100,000 rules', { rules: 100_000, exporters: 10_000, contestants: OURS }),
  ),
  group('100,000 packets/s × 3 copies of 1,000 bytes', {
    ...NAMED,
    contestants: OURS,
  }),
];

const IPV4_UDP_BYTES = 28;
const IPV6_UDP_BYTES = 48;

/** Packets on the wire for one copy: more than one when it is larger than the MTU. */
export function framesPerCopy(scenario: Scenario): number {
  const { payloadBytes, mtuBytes, family } = scenario;
  if (payloadBytes + (family === 'ipv4' ? IPV4_UDP_BYTES : IPV6_UDP_BYTES) <= mtuBytes) return 1;
  const headerBytes = family === 'ipv4' ? 20 : 48;
  const capacity = Math.floor((mtuBytes - headerBytes) / 8) * 8;
  return Math.ceil((payloadBytes + 8) / capacity);
}

/** Copies of the templates with which a run begins, for those whose turn it was not. */
export function templateCopies({
  sharing = 1,
  isNetflow9,
  templates,
  exporters,
}: Scenario): number {
  return isNetflow9 === true && templates !== 'ONE' ? exporters * (sharing - 1) : 0;
}

/** How exactly, and for how long, is measured. */
export interface Effort {
  /** Saturated measurements of each contestant; the median counts. */
  readonly rounds: number;
  readonly saturationMs: number;
  readonly searchSteps: number;
  readonly searchMs: number;
  readonly latencyMs: number;
}

export const FULL_EFFORT: Effort = {
  rounds: 8,
  saturationMs: 400,
  searchSteps: 5,
  searchMs: 350,
  latencyMs: 700,
};

export const QUICK_EFFORT: Effort = {
  rounds: 3,
  saturationMs: 300,
  searchSteps: 3,
  searchMs: 200,
  latencyMs: 300,
};
