/** Values of forwardingStatus (89): status in the upper two bits, 2 for dropped (RFC 7270 section 4.12). */
const DROPPED = {
  unknown: 128,
  aclDeny: 129,
  unroutable: 131,
  fragmentationNeeded: 133,
  badTtl: 137,
  policer: 138,
  wred: 139,
  forUs: 141,
} as const;

/** Reasons of discarded packets (sflow.org/sflow_drops.txt): codes of ICMP unreachable up to 255, then its own. */
const BY_REASON = new Map<number, number>([
  [0, DROPPED.unroutable], // net unreachable
  [1, DROPPED.unroutable], // host unreachable
  [2, DROPPED.forUs], // protocol unreachable
  [3, DROPPED.forUs], // port unreachable
  [4, DROPPED.fragmentationNeeded],
  [6, DROPPED.unroutable], // destination network unknown
  [7, DROPPED.unroutable], // destination host unknown
  [9, DROPPED.aclDeny], // destination network administratively prohibited
  [10, DROPPED.aclDeny], // destination host administratively prohibited
  [13, DROPPED.aclDeny], // communication administratively prohibited
  [257, DROPPED.badTtl],
  [258, DROPPED.aclDeny],
  [260, DROPPED.wred],
  [261, DROPPED.policer],
  [262, DROPPED.fragmentationNeeded], // packet too big
]);

/** The forwardingStatus of a packet that was discarded for this reason. */
export function forwardingStatus(reason: number): number {
  return BY_REASON.get(reason) ?? DROPPED.unknown;
}
