/**
 * Whose of several collectors an exporter is, by weighted rendezvous hashing: native/include/table.h says how, bit by
 * bit, at struct table_output. Nothing in it is random, so all nodes choose alike.
 */
import { IS_LITTLE_ENDIAN, swapBytes } from '../base/byte-order.ts';

/** What an exporter and a collector begin with: the same address is two different numbers then. */
const EXPORTER = 0;
const COLLECTOR = 0x5eed;

/** An address and a port of 32 bits. */
const HASHED_BYTES = 20;

const COST_BITS = 25;
const ONE = 2 ** COST_BITS;
const STEPS = 256;
const REST = 2 ** 24;

const WORD = 2 ** 32;
const LEAST_COST = 1.44 / 2 ** 7;

/** Base 2 logarithms of 1 to 2 in equal steps, rounded down. */
const LOGS = Float64Array.from({ length: STEPS + 1 }, (_, k) =>
  Math.floor(ONE * Math.log2(1 + k / STEPS)),
);

/** How far each is from the next one. */
const SLOPES = Float64Array.from({ length: STEPS }, (_, k) => logAt(k + 1) - logAt(k));

/**
 * The number of an exporter.
 *
 * @param a0 words of its address as struct pio_packet has it, as the next three
 * @param port 0 when its address alone decides
 * @returns 32 bits, signed
 */
export function exporterNumber(a0: number, a1: number, a2: number, a3: number, port: number) {
  return numberOf(EXPORTER, a0, a1, a2, a3, port);
}

/**
 * The number of a collector (table_collector.seed).
 *
 * @param address words as addressWords() makes them
 * @param port as in the rule, 0 for none
 * @returns 32 bits, signed
 */
export function collectorNumber(address: readonly [number, number, number, number], port: number) {
  return numberOf(COLLECTOR, ...address, port);
}

/** How much an exporter wants a collector, weights aside. @returns 0 to 2^32 - 1 */
export function affinity(exporter: number, collector: number): number {
  return finish(exporter ^ collector) >>> 0;
}

/**
 * What it costs to choose a collector that has this affinity and weight 1: 32 less the logarithm of the affinity, in
 * units of 2^-25.
 *
 * @returns 1 to 2^30
 */
export function costOf(affinity: number): number {
  const leading = Math.clz32(affinity | (affinity === 0 ? 1 : 0));
  // Two shifts: one of 32 would be none.
  const fraction = ((affinity << leading) << 1) >>> 0;
  const step = fraction >>> 24;
  const rest = fraction & (REST - 1);
  const log = logAt(step) + Math.floor(((SLOPES[step] as number) * rest) / REST);
  return (leading + 1) * ONE - log;
}

/** Less than costOf(), and cheap: enough to know that a collector is not the one. 2^25 * (1 - a / 2^32) / log(2), and less. */
export function leastCostOf(affinity: number): number {
  return (WORD - affinity) * LEAST_COST;
}

function logAt(step: number): number {
  return LOGS[step] as number;
}

function numberOf(first: number, a0: number, a1: number, a2: number, a3: number, port: number) {
  let hash = mix(first, a0);
  hash = mix(hash, a1);
  hash = mix(hash, a2);
  hash = mix(hash, a3);
  return finish(mixed(hash, port) ^ HASHED_BYTES);
}

/** @param word of an address, as memory has it */
function mix(hash: number, word: number): number {
  return mixed(hash, IS_LITTLE_ENDIAN ? word : swapBytes(word));
}

/** A word of MurmurHash3_x86_32 (Austin Appleby, public domain). */
function mixed(hash: number, word: number): number {
  const scrambled = Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
  return (Math.imul(rotate(hash ^ scrambled, 13), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
