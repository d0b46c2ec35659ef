/**
 * What this host has between a packet of its own and the link, besides a route (native/include/sys_policy.h). Looking
 * changes nothing and needs no privileges.
 */
import { addon } from './addon.ts';
import { readList } from './list.ts';
import { check } from './system-call.ts';

/** A rule of `ip rule`, but for those that each host has. */
export interface PolicyRule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** The routing table that it names. */
  readonly table: number;
}

/** A queueing discipline of a link, as `tc qdisc` shows it. */
export interface Qdisc {
  /** Index of the link. */
  readonly link: number;
  /** Such as `fq_codel`. */
  readonly kind: string;
  /** It has settings that make packets slower: a bandwidth of `cake`, a rate for each flow of `fq`. */
  readonly hasRate: boolean;
}

const RULE_BYTES = 12;
const QDISC_BYTES = 24;

/** Those of both families. @throws SystemCallError */
export function readPolicyRules(): PolicyRule[] {
  const bytes = readList('readPolicyRules', RULE_BYTES, (room) => addon().policyRules(room));
  return Array.from({ length: bytes.length / RULE_BYTES }, (_, i) => {
    const [priority = 0, table = 0] = new Uint32Array(bytes.buffer, i * RULE_BYTES, 2);
    return { family: bytes[i * RULE_BYTES + 8] === 4 ? 4 : 6, priority, table };
  });
}

/** Those of all links, those in others as well. @throws SystemCallError */
export function readQdiscs(): Qdisc[] {
  const bytes = readList('readQdiscs', QDISC_BYTES, (room) => addon().qdiscs(room));
  return Array.from({ length: bytes.length / QDISC_BYTES }, (_, i) => {
    const at = i * QDISC_BYTES;
    const [link = 0, limits] = new Uint32Array(bytes.buffer, at, 2);
    const kind = Buffer.from(bytes.subarray(at + 8, at + QDISC_BYTES)).toString('latin1');
    return { link, kind: kind.replace(/\0.*/s, ''), hasRate: limits === 1 };
  });
}

/**
 * How many filters look at what leaves by a link that has the queueing discipline `clsact`.
 *
 * @throws SystemCallError
 */
export function countEgressFilters(link: number): number {
  return check('countEgressFilters', addon().egressFilters(link));
}
