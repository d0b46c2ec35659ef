import { KERNEL } from '../../native/kernel-layout.ts';
import type { Qdisc } from '../../native/policy.ts';

const BITS = KERNEL.LINK_WORDS * 32;

/** They are no queues. */
const HOOKS: readonly string[] = ['ingress', 'clsact'];

/**
 * The interfaces that have no queue, which could drop what is handed to them: a bit for each, by the lower bits of its
 * index; those that share them with one that has a queue are not among them. Nor is loopback: by it go copies of packets
 * that no interface has received (kernel-probe.ts), and of those only clones leave.
 */
export function directLinks(qdiscs: readonly Pick<Qdisc, 'link' | 'kind'>[]): Uint32Array {
  const words = new Uint32Array(KERNEL.LINK_WORDS);
  const disciplines = qdiscs.filter(
    ({ kind, link }) => !HOOKS.includes(kind) && link !== KERNEL.LOOPBACK,
  );
  const bitsOf = (isDirect: boolean) =>
    disciplines
      .filter(({ kind }) => (kind === 'noqueue') === isDirect)
      .map(({ link }) => link % BITS);
  for (const bit of bitsOf(true)) words[bit >> 5] = (words[bit >> 5] ?? 0) | (1 << (bit & 31));
  for (const bit of bitsOf(false)) words[bit >> 5] = (words[bit >> 5] ?? 0) & ~(1 << (bit & 31));
  return words;
}
