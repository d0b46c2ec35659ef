/** Finds rules of prefixes in a compiled table. Layout and order: struct table_prefix, native/include/table.h. */
import { HEADER, PREFIX, TABLE } from './layout.ts';
import { BIT_SHIFT, IPV4_MARK, IPV4_PREFIX_BITS, MASKS } from './prefix-bits.ts';
import { prefixRulesAt } from './prefix-tree.ts';
import type { RuleProbe } from './rule-probe.ts';

export class PrefixSearch {
  readonly #words: Int32Array;
  readonly #probe: RuleProbe;
  /** Where roots are, in words from the start of the table, as all prefixes here. */
  readonly #ipv4: number;
  readonly #ipv6: number;
  /** The first entry, which is no prefix. */
  readonly #none: number;
  /** From a prefix to the rule beside it. */
  readonly #toRule: number;

  /** @param words of a table */
  constructor(words: Int32Array, probe: RuleProbe) {
    this.#words = words;
    this.#probe = probe;
    this.#none = words[HEADER.PREFIXES] as number;
    this.#toRule = prefixRulesAt(words) - this.#none;
    this.#ipv4 = this.#none + (words[HEADER.IPV4_PREFIX] as number) * PREFIX.WORDS;
    this.#ipv6 = this.#none + (words[HEADER.IPV6_PREFIX] as number) * PREFIX.WORDS;
  }

  /** Whether the table has no prefixes. */
  get isEmpty(): boolean {
    return this.#ipv4 === this.#none && this.#ipv6 === this.#none;
  }

  /** The rule of the longest prefix of an address that has one for the packet. @returns where it is, or 0 */
  find(a0: number, a1: number, a2: number, a3: number, port: number, listening: number): number {
    if (a0 === 0 && a1 === 0 && a2 === IPV4_MARK) return this.#findIpv4(a3, port, listening);
    const words = this.#words;
    let at = this.#ipv6;
    let rule = 0;
    // Each prefix is longer than the one before: no way is longer than the address.
    while (at !== this.#none) {
      const length = words[at + PREFIX.LENGTH] as number;
      const word = length >> 5;
      const part = wordOf(word, a0, a1, a2, a3);
      const different = part ^ (words[at + PREFIX.ADDRESS + word] as number);
      if ((different & (MASKS[length & 31] as number)) !== 0) break;
      if (word !== 0 && !this.#hasWords(at, word, a0, a1, a2)) break;
      const rules = words[at + PREFIX.RULES] as number;
      if (rules === TABLE.PREFIX_RULE) rule = at + this.#toRule;
      else if (rules !== 0) rule = this.#ruleOf(at, rules, port, listening) || rule;
      const bit = (part >>> ((length & 31) ^ BIT_SHIFT)) & 1;
      at = this.#none + (words[at + PREFIX.CHILDREN + bit] as number) * PREFIX.WORDS;
    }
    return rule;
  }

  /** Whether an address has the same whole words before the one in which a prefix ends. */
  #hasWords(at: number, word: number, a0: number, a1: number, a2: number): boolean {
    const words = this.#words;
    return (
      words[at] === a0 && (word < 2 || words[at + 1] === a1) && (word < 3 || words[at + 2] === a2)
    );
  }

  #findIpv4(a3: number, port: number, listening: number): number {
    const words = this.#words;
    let at = this.#ipv4;
    let rule = 0;
    while (at !== this.#none) {
      const length = (words[at + PREFIX.LENGTH] as number) - IPV4_PREFIX_BITS;
      const different = a3 ^ (words[at + PREFIX.ADDRESS + 3] as number);
      if ((different & (MASKS[length] as number)) !== 0) break;
      const rules = words[at + PREFIX.RULES] as number;
      if (rules === TABLE.PREFIX_RULE) rule = at + this.#toRule;
      else if (rules !== 0) rule = this.#ruleOf(at, rules, port, listening) || rule;
      const bit = (a3 >>> (length ^ BIT_SHIFT)) & 1;
      at = this.#none + (words[at + PREFIX.CHILDREN + bit] as number) * PREFIX.WORDS;
    }
    return rule;
  }

  /** That of one prefix, for the packet. @param rules table_prefix.rules @returns where it is, or 0 */
  #ruleOf(at: number, rules: number, port: number, listening: number): number {
    const hashed = this.#hashedRule(at, port, listening);
    return hashed === 0 && (rules & TABLE.PREFIX_RULE) !== 0 ? at + this.#toRule : hashed;
  }

  #hashedRule(at: number, port: number, listening: number): number {
    const words = this.#words;
    const length = words[at + PREFIX.LENGTH] as number;
    const kind = TABLE.RULE_PREFIX | (length << TABLE.RULE_PREFIX_LENGTH_SHIFT);
    const a0 = words[at] as number;
    const a1 = words[at + 1] as number;
    const a2 = words[at + 2] as number;
    const a3 = words[at + 3] as number;
    const hash = this.#probe.hashOf(a0, a1, a2, a3);
    let rule = 0;
    if (port !== 0) {
      if (listening !== 0) rule = this.#probe.at(hash, a0, a1, a2, a3, port, listening, kind);
      if (rule === 0) rule = this.#probe.at(hash, a0, a1, a2, a3, port, 0, kind);
    }
    if (rule === 0 && listening !== 0)
      rule = this.#probe.at(hash, a0, a1, a2, a3, 0, listening, kind);
    return rule;
  }
}

function wordOf(word: number, a0: number, a1: number, a2: number, a3: number): number {
  if (word === 0) return a0;
  if (word === 1) return a1;
  return word === 2 ? a2 : a3;
}
