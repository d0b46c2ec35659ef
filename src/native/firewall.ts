/**
 * What nftables has, and what it announces (native/include/sys_watch.h). Who has CAP_NET_ADMIN may list it and begin to be
 * told; what is announced from then on comes also when the process has given that up.
 */
import { addon } from './addon.ts';
import { Announcements } from './announcements.ts';
import { readList } from './list.ts';
import { check } from './system-call.ts';

export interface ChainName {
  /** NFPROTO_* of linux/netfilter.h. */
  readonly family: number;
  readonly table: string;
  readonly chain: string;
}

export interface Chain extends ChainName {
  /** NF_INET_* of linux/netfilter.h; undefined where no packets come by themselves. */
  readonly hook: number | undefined;
  readonly accepts: boolean;
  /** How many rules it has; undefined: not told. */
  readonly rules: number | undefined;
}

export type FirewallEvent =
  /** It is there, or has changed. */
  | ({ readonly kind: 'chain' } & Chain)
  | ({ readonly kind: 'chain gone' | 'rule' | 'rule gone' } & ChainName)
  /** With all that it had. */
  | { readonly kind: 'table gone'; readonly family: number; readonly table: string }
  /** All before it, since the last one of these, has become true at once. */
  | { readonly kind: 'generation'; readonly generation: number };

/** By enum sys_firewall_kind. */
const KINDS = [
  undefined,
  'chain',
  'chain gone',
  'rule',
  'rule gone',
  'table gone',
  'generation',
] as const;

const EVENT_BYTES = 280;
const NAME_BYTES = 128;
const TABLE_AT = 24;
const CHAIN_AT = TABLE_AT + NAME_BYTES;
const NONE = 0xffffffff;
const ACCEPT = 1;

/** Number of the state that nftables is in. @throws SystemCallError EPERM without the right to ask */
export function firewallGeneration(): number {
  const generation = new Uint32Array(1);
  check('firewallGeneration', addon().firewallGeneration(generation));
  return generation[0] ?? 0;
}

/** All chains of this network namespace. @throws SystemCallError EPERM without the right to ask */
export function readChains(): Chain[] {
  const bytes = readList('readChains', EVENT_BYTES, (room) => addon().firewallChains(room));
  return parseEvents(bytes).flatMap((event) => (event.kind === 'chain' ? [event] : []));
}

/** Has nftables announce what changes from now on. @throws SystemCallError EPERM without the right to be told */
export function watchFirewall(): Announcements<FirewallEvent> {
  return new Announcements({
    name: 'watchFirewall',
    open: () => addon().firewallOpen(),
    take: (handle, bytes) => addon().firewallTake(handle, bytes),
    eventBytes: EVENT_BYTES,
    parse: parseEvents,
  });
}

function parseEvents(bytes: Uint8Array): FirewallEvent[] {
  return Array.from({ length: bytes.length / EVENT_BYTES }, (_, i) =>
    parseEvent(bytes, i * EVENT_BYTES),
  ).flatMap((event) => event ?? []);
}

function parseEvent(bytes: Uint8Array, at: number): FirewallEvent | undefined {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, TABLE_AT / 4);
  const [number = 0, family = 0, hook, policy, rules, generation = 0] = words;
  const kind = KINDS[number];
  const table = nameAt(bytes, at + TABLE_AT);
  const chain = nameAt(bytes, at + CHAIN_AT);
  if (kind === undefined) return undefined;
  if (kind === 'generation') return { kind, generation };
  if (kind === 'table gone') return { kind, family, table };
  if (kind !== 'chain') return { kind, family, table, chain };
  return {
    kind,
    family,
    table,
    chain,
    hook: hook === NONE ? undefined : hook,
    accepts: policy === ACCEPT,
    rules: rules === NONE ? undefined : rules,
  };
}

function nameAt(bytes: Uint8Array, at: number): string {
  const name = Buffer.from(bytes.subarray(at, at + NAME_BYTES)).toString();
  return name.replace(/\0.*/s, '');
}
