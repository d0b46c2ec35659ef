import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MAX_PORT, makeEndpoint } from '../model/endpoint.ts';
import { affinity, collectorNumber, costOf, exporterNumber, leastCostOf } from './rendezvous.ts';
import { addressWords } from './rows.ts';

const WORD = 2n ** 32n;
const word = (value: bigint) => value % WORD;
const rotated = (value: bigint, by: bigint) => word(value << by) | (value >> (32n - by));

/** MurmurHash3_x86_32 as its author writes it, of any bytes. */
function murmur3(bytes: Uint8Array, seed: number): number {
  const whole = bytes.length & ~3;
  const scramble = (k: bigint) => word(rotated(word(k * 0xcc9e2d51n), 15n) * 0x1b873593n);
  const little = (from: number, to: number) =>
    bytes.slice(from, to).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  let hash = BigInt(seed);
  for (let at = 0; at < whole; at += 4) {
    hash = word(rotated(hash ^ scramble(little(at, at + 4)), 13n) * 5n + 0xe6546b64n);
  }
  hash ^= scramble(little(whole, bytes.length));
  return Number(finish(hash ^ BigInt(bytes.length)));
}

function finish(hash: bigint): bigint {
  const first = word((hash ^ (hash >> 16n)) * 0x85ebca6bn);
  const second = word((first ^ (first >> 13n)) * 0xc2b2ae35n);
  return second ^ (second >> 16n);
}

/** The base 2 logarithm of 1 to 2, as 256ths + 256, in units of 2^-25, rounded down: bit by bit. */
function logarithm(numerator: bigint): bigint {
  const precision = 200n;
  let value = (numerator << precision) / 256n;
  let bits = 0n;
  for (let i = 0; i < 25; i++) {
    value = (value * value) >> precision;
    bits *= 2n;
    if (value >= 2n << precision) {
      value >>= 1n;
      bits++;
    }
  }
  return bits;
}

/** As native/include/table.h has it. */
function cost(affinity: bigint): bigint {
  const known = affinity === 0n ? 1n : affinity;
  const leading = BigInt(32 - known.toString(2).length);
  const fraction = word(known << (leading + 1n));
  const [step, rest] = [fraction >> 24n, fraction % (1n << 24n)];
  const [log, next] = [logarithm(256n + step), step === 255n ? 1n << 25n : logarithm(257n + step)];
  return ((leading + 1n) << 25n) - log - (((next - log) * rest) >> 24n);
}

const addresses = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map((octets) => makeEndpoint(Uint8Array.from(octets), 0));
const ports = fc.integer({ min: 0, max: MAX_PORT });

/** What is hashed of an endpoint: 16 bytes of the address, 4 of the port. */
function hashed(octets: Uint8Array, port: number): Uint8Array {
  const mapped = octets.length === 4 ? [...new Array(10).fill(0), 0xff, 0xff] : [];
  return Uint8Array.from([...mapped, ...octets, port & 0xff, port >> 8, 0, 0]);
}

describe('R20: rendezvous hashing, as C would do it', () => {
  it('rests on a hash that is MurmurHash3', () => {
    const text = (value: string) => new TextEncoder().encode(value);
    assert.equal(murmur3(text(''), 0), 0);
    assert.equal(murmur3(text('test'), 0), 0xba6bd213);
    assert.equal(murmur3(text('Hello, world!'), 0), 0xc0363e43);
    assert.equal(murmur3(text('The quick brown fox jumps over the lazy dog'), 0), 0x2e4ff723);
    const property = fc.property(addresses, ports, ({ octets, ...rest }, port) => {
      const words = addressWords({ octets, ...rest });
      const bytes = hashed(octets, port);
      assert.equal(exporterNumber(...words, port) >>> 0, murmur3(bytes, 0));
      assert.equal(collectorNumber(words, port) >>> 0, murmur3(bytes, 0x5eed));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it('chooses by the same numbers for ever: nodes of different versions agree', () => {
    const exporter = exporterNumber(...addressWords(endpointOf(192, 0, 2, 1)), 0);
    const collector = collectorNumber(addressWords(endpointOf(198, 51, 100, 1)), 2055);
    const found = affinity(exporter, collector);
    assert.deepEqual(
      [exporter >>> 0, collector >>> 0, found, costOf(found)],
      [1_901_444_202, 3_294_229_290, 1_598_888_461, 47_834_483],
    );
  });

  it('has costs that are logarithms, to the last bit', () => {
    const edges = [0, 1, 2, 3, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1];
    const numbers = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: 2 ** 32 - 1 }));
    const property = fc.property(numbers, fc.integer({ min: 0, max: 31 }), (number, shift) => {
      const some = number >>> shift;
      assert.equal(BigInt(costOf(some)), cost(BigInt(some)));
      const exact = (32 - Math.log2(some || 1)) * 2 ** 25;
      assert.ok(Math.abs(costOf(some) - exact) <= exact / 400 + 1, `${some}`);
    });
    fc.assert(property, { numRuns: 2000 });
    assert.equal(costOf(1), 2 ** 30);
    assert.equal(costOf(2 ** 32 - 1), 1);
  });

  it('costs no less than the cheap bound says', () => {
    const numbers = fc.oneof(
      fc.nat({ max: 2 ** 32 - 1 }),
      fc.nat({ max: 2000 }).map((less) => 2 ** 32 - 1 - less),
      fc.nat({ max: 255 }).map((step) => 2 ** 32 - 1 - step * 2 ** 23),
    );
    const property = fc.property(numbers, (number) => {
      assert.ok(leastCostOf(number) <= costOf(number), `${number}`);
    });
    fc.assert(property, { numRuns: 5000 });
  });

  it('costs less with more affinity', () => {
    const property = fc.property(fc.nat({ max: 2 ** 32 - 2 }), (number) => {
      assert.ok(costOf(number + 1) <= costOf(number));
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

function endpointOf(...octets: number[]) {
  return makeEndpoint(Uint8Array.from(octets), 0);
}
