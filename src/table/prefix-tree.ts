/**
 * Writes the trees of prefixes of a forwarding table (struct table_prefix, native/include/table.h): binary trees
 * without nodes that have neither rules nor two children (Morrison, "PATRICIA", 1968). A prefix that comes or goes
 * changes three of its nodes at most, and none moves.
 */
import { HEADER, PREFIX, RULE, TABLE } from './layout.ts';
import { bitAt, commonBits, copyMasked, IPV4_MARK, IPV4_PREFIX_BITS } from './prefix-bits.ts';
import { prefixLengthOf } from './rule-kind.ts';
import type { Runs } from './runs.ts';
import type { TouchedWords } from './touched-words.ts';

/** What table_prefix.rules grows by with each rule of it that is in the hash table. */
const HASHED_RULE = TABLE.PREFIX_RULE << 1;

export class PrefixTree {
  readonly #words: Int32Array;
  readonly #nodes: Runs;
  readonly #touched: TouchedWords | undefined;
  readonly #prefixesAt: number;
  readonly #rulesAt: number;

  /**
   * @param words with a header that says where prefixes are
   * @param nodes the indexes in use
   * @param touched is told what is written
   */
  constructor(words: Int32Array, nodes: Runs, touched?: TouchedWords) {
    this.#words = words;
    this.#nodes = nodes;
    this.#touched = touched;
    this.#prefixesAt = words[HEADER.PREFIXES] as number;
    this.#rulesAt = prefixRulesAt(words);
  }

  /**
   * Adds a rule that its prefix does not have.
   *
   * @param row struct table_rule, of a prefix
   * @param isHashed its place is in the hash table
   * @returns where its place is beside the prefix, in words from the start of the table; 0 when there is no room
   */
  add(rows: Int32Array, row: number, isHashed: boolean): number {
    const node = this.#make(rows, row);
    if (node === 0) return 0;
    const rules = this.#get(node, PREFIX.RULES) + (isHashed ? HASHED_RULE : TABLE.PREFIX_RULE);
    this.#set(node, PREFIX.RULES, rules);
    return this.#ruleOf(node);
  }

  /** Where the rule of exactly this prefix, any port and any listening port, is; or 0. */
  find(rows: Int32Array, row: number): number {
    const node = this.#way(rows, row)[0] as number;
    const isThere = this.#isPrefix(node, rows, row);
    return isThere && (this.#get(node, PREFIX.RULES) & TABLE.PREFIX_RULE) !== 0
      ? this.#ruleOf(node)
      : 0;
  }

  /** Takes out a rule that its prefix has. */
  remove(rows: Int32Array, row: number, isHashed: boolean): void {
    const [node, parent, grandparent] = this.#way(rows, row) as [number, number, number];
    const rules = this.#get(node, PREFIX.RULES) - (isHashed ? HASHED_RULE : TABLE.PREFIX_RULE);
    this.#set(node, PREFIX.RULES, rules);
    if (rules !== 0) return;
    const root = rootOf(rows, row);
    if (this.#splice(node, parent, root) && parent !== 0 && this.#get(parent, PREFIX.RULES) === 0) {
      this.#splice(parent, grandparent, root);
    }
  }

  /** The prefix of a row, made when it is not there. @returns its index, or 0 when there is no room */
  #make(rows: Int32Array, row: number): number {
    const length = prefixLengthOf(rows, row);
    const root = rootOf(rows, row);
    const [last, before] = this.#way(rows, row) as [number, number];
    if (last === 0) return this.#leaf(rows, row, length, 0, root);
    const lastLength = this.#get(last, PREFIX.LENGTH);
    const at = this.#at(last);
    const common = commonBits(rows, row, this.#words, at, Math.min(length, lastLength));
    if (common === lastLength) {
      return common === length ? last : this.#leaf(rows, row, length, last, root);
    }
    // It parts from the last one on the way, or is a part of it: then something comes between.
    const between = this.#take(rows, row, common);
    if (between === 0) return 0;
    this.#put(before, root, between);
    this.#set(between, PREFIX.CHILDREN + bitAt(this.#words, at, common), last);
    return common === length ? between : this.#leaf(rows, row, length, between, root);
  }

  /** @returns the index of a new one that is under its parent, or 0 */
  #leaf(rows: Int32Array, row: number, length: number, parent: number, root: number): number {
    const node = this.#take(rows, row, length);
    if (node !== 0) this.#put(parent, root, node);
    return node;
  }

  /**
   * The last three on the way to a prefix, the last one first: the prefix itself, or the one behind which it is to be,
   * or which it parts from.
   */
  #way(rows: Int32Array, row: number): readonly number[] {
    const length = prefixLengthOf(rows, row);
    let before = 0;
    let parent = 0;
    let node = this.#words[rootOf(rows, row)] as number;
    while (node !== 0) {
      const own = this.#get(node, PREFIX.LENGTH);
      if (own >= length || commonBits(rows, row, this.#words, this.#at(node), own) < own) break;
      const child = this.#get(node, PREFIX.CHILDREN + bitAt(rows, row, own));
      if (child === 0) break;
      before = parent;
      parent = node;
      node = child;
    }
    return [node, parent, before];
  }

  #isPrefix(node: number, rows: Int32Array, row: number): boolean {
    const length = prefixLengthOf(rows, row);
    return (
      node !== 0 &&
      this.#get(node, PREFIX.LENGTH) === length &&
      commonBits(rows, row, this.#words, this.#at(node), length) === length
    );
  }

  /** Takes out one that has no rules, unless it has two children. @returns whether it had none, and is gone */
  #splice(node: number, parent: number, root: number): boolean {
    const first = this.#get(node, PREFIX.CHILDREN);
    const second = this.#get(node, PREFIX.CHILDREN + 1);
    if (first !== 0 && second !== 0) return false;
    const child = first + second;
    this.#put(parent, root, child, node);
    this.#nodes.release(node - 1, 1);
    return child === 0;
  }

  /** Puts one, or none, under a parent, or as the root, where another one is, or would be. */
  #put(parent: number, root: number, node: number, place = node): void {
    if (parent === 0) {
      this.#words[root] = node;
      this.#touched?.add(root, 1);
      return;
    }
    const bit = bitAt(this.#words, this.#at(place), this.#get(parent, PREFIX.LENGTH));
    this.#set(parent, PREFIX.CHILDREN + bit, node);
  }

  /** A new one with neither rules nor children. @returns its index, or 0 when there is no room */
  #take(rows: Int32Array, row: number, length: number): number {
    const node = this.#nodes.take(1) + 1;
    if (node === 0) return 0;
    const at = this.#at(node);
    copyMasked(rows, row + RULE.ADDRESS, this.#words, at + PREFIX.ADDRESS, length);
    this.#words.fill(0, at + PREFIX.LENGTH, at + PREFIX.WORDS);
    this.#set(node, PREFIX.LENGTH, length);
    return node;
  }

  #get(node: number, member: number): number {
    return this.#words[this.#at(node) + member] as number;
  }

  #set(node: number, member: number, value: number): void {
    const at = this.#at(node);
    this.#words[at + member] = value;
    this.#touched?.add(at, PREFIX.WORDS);
  }

  #at(node: number): number {
    return this.#prefixesAt + node * PREFIX.WORDS;
  }

  #ruleOf(node: number): number {
    return this.#rulesAt + node * RULE.WORDS;
  }
}

/** Where rules of prefixes are, in words from the start of a table. */
export function prefixRulesAt(words: Int32Array): number {
  return (words[HEADER.PREFIXES] as number) + (words[HEADER.PREFIX_COUNT] as number) * PREFIX.WORDS;
}

/** The word of the header that has the root of the tree to which a row belongs. */
function rootOf(rows: Int32Array, row: number): number {
  const isIpv4 =
    rows[row] === 0 &&
    rows[row + 1] === 0 &&
    rows[row + 2] === IPV4_MARK &&
    prefixLengthOf(rows, row) >= IPV4_PREFIX_BITS;
  return isIpv4 ? HEADER.IPV4_PREFIX : HEADER.IPV6_PREFIX;
}
