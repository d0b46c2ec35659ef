/** What rows of rules (struct table_rule, native/include/table.h) say of their exporter, and how many are of which kind. */
import { HEADER, RULE, TABLE } from './layout.ts';

const PORT = 0xffff;

/** Kinds of rules that are in the hash table, by the word of the header that counts them. */
const HASHED_KINDS = [
  HEADER.PORT_RULES,
  HEADER.ADDRESS_RULES,
  HEADER.LISTENING_PORT_RULES,
  HEADER.LISTENING_ADDRESS_RULES,
  HEADER.PREFIX_PORT_RULES,
] as const;

/** Whether a row is of a prefix. */
export function isPrefixRow(rows: Int32Array, row: number): boolean {
  return ((rows[row + RULE.PORT] as number) & TABLE.RULE_PREFIX) !== 0;
}

/** Whether a row names a port of its exporter. */
export function namesPort(rows: Int32Array, row: number): boolean {
  return ((rows[row + RULE.PORT] as number) & PORT) !== 0;
}

/** Whether the place of a row is in the hash table, not beside its prefix. */
export function isHashedRow(rows: Int32Array, row: number): boolean {
  return !isPrefixRow(rows, row) || namesPort(rows, row) || listeningPort(rows, row) !== 0;
}

/** The length of the prefix that a row is of, by the 16-byte form of its address. */
export function prefixLengthOf(rows: Int32Array, row: number): number {
  return (rows[row + RULE.PORT] as number) >>> TABLE.RULE_PREFIX_LENGTH_SHIFT;
}

/** The listening port that a row names, or 0. */
export function listeningPort(rows: Int32Array, row: number): number {
  return (rows[row + RULE.OUTPUTS] as number) >>> TABLE.RULE_LISTENING_SHIFT;
}

/** Counts a rule of the hash table that comes or goes, in the header of its table. */
export function countHashed(words: Int32Array, rows: Int32Array, row: number, by: 1 | -1): void {
  const kind = kindOf(rows, row);
  words[kind] = (words[kind] as number) + by;
}

/** How many rules are in the hash table. */
export function hashedRules(words: Int32Array): number {
  return HASHED_KINDS.reduce((sum, kind) => sum + (words[kind] as number), 0);
}

function kindOf(rows: Int32Array, row: number): number {
  if (isPrefixRow(rows, row)) return HEADER.PREFIX_PORT_RULES;
  const hasPort = namesPort(rows, row);
  if (listeningPort(rows, row) === 0) return hasPort ? HEADER.PORT_RULES : HEADER.ADDRESS_RULES;
  return hasPort ? HEADER.LISTENING_PORT_RULES : HEADER.LISTENING_ADDRESS_RULES;
}
