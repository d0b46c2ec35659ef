import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Reader } from 'mmdb-lib';
import { type MmdbNetwork, writeMmdb } from '../../../test/support/mmdb-writer.ts';
import { formatAddress } from '../../model/address.ts';
import { parseWords } from './address-words.ts';
import { readNetworks } from './network-file.ts';
import { countryCode } from './network-ranges.ts';

interface Entry {
  readonly autonomous_system_number: number;
  readonly country: { readonly iso_code: string };
}

const entry = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.constantFrom('DE', 'US', 'ZZ', 'AA'))
  .map(([as, iso]) => ({ autonomous_system_number: as, country: { iso_code: iso } }));

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Mostly of the part that is in use, and none of those that stand for IPv4. */
const ipv6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((octets) => Uint8Array.of(0x2a, ...octets.slice(1)));

function networkOf(octets: fc.Arbitrary<Uint8Array>, min: number, max: number) {
  return fc.record({ octets, length: fc.integer({ min, max }), entry });
}

async function lookUp(bytes: Buffer, addresses: readonly Uint8Array[]) {
  const networks = await readNetworks(bytes);
  return addresses.map((octets) => {
    const ranges = octets.length === 4 ? networks.ipv4 : networks.ipv6;
    const words = parseWords(formatAddress(octets)) ?? new Uint32Array(4);
    const found = ranges.find(words, octets.length === 4 ? 3 : 0);
    return { as: ranges.as[found], country: countryCode(ranges.countries[found] ?? 0) };
  });
}

function lookUpSlowly(bytes: Buffer, addresses: readonly Uint8Array[]) {
  const reader = new Reader(bytes);
  return addresses.map((octets) => {
    const found = reader.get(formatAddress(octets)) as unknown as Entry | null;
    return { as: found?.autonomous_system_number ?? 0, country: found?.country.iso_code ?? '' };
  });
}

/** The borders of networks, where errors are. */
function bordersOf({ octets, length }: MmdbNetwork): Uint8Array[] {
  const first = octets.map((octet, i) => octet & maskOctet(length - 8 * i));
  const last = octets.map((octet, i) => octet | (~maskOctet(length - 8 * i) & 0xff));
  return [first, last];
}

function maskOctet(bits: number): number {
  return bits >= 8 ? 0xff : (0xff00 >> Math.max(0, bits)) & 0xff;
}

for (const recordSize of [24, 28, 32] as const) {
  test(`expanded files answer what mmdb-lib answers, with records of ${recordSize} bits`, async () => {
    const network = fc.oneof(networkOf(ipv4, 1, 32), networkOf(ipv6, 3, 128));
    const addresses = fc.array(fc.oneof(ipv4, ipv6), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(network, { maxLength: 40 }),
        addresses,
        async (networks, others) => {
          const bytes = writeMmdb(networks, { recordSize });
          const asked = [...networks.flatMap(bordersOf), ...others];
          assert.deepEqual(await lookUp(bytes, asked), lookUpSlowly(bytes, asked));
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('a file of IPv4 alone knows nothing of IPv6', async () => {
  const octets = Uint8Array.of(192, 0, 2, 0);
  const bytes = writeMmdb([{ octets, length: 24, entry: { autonomous_system_number: 64_512 } }], {
    ipVersion: 4,
    recordSize: 24,
  });
  const asked = [Uint8Array.of(192, 0, 2, 255), new Uint8Array(16).fill(0x20)];
  assert.deepEqual(await lookUp(bytes, asked), [
    { as: 64_512, country: '' },
    { as: 0, country: '' },
  ]);
});

test("files of others say the same with other names: IPinfo's", async () => {
  const octets = Uint8Array.of(198, 51, 100, 0);
  const bytes = writeMmdb([{ octets, length: 24, entry: { asn: 'AS4200000000', country: 'NL' } }]);
  const [found] = await lookUp(bytes, [Uint8Array.of(198, 51, 100, 7)]);
  assert.deepEqual(found, { as: 4_200_000_000, country: 'NL' });
});

test('a file that is cut or is something else is refused, and hangs nobody', async () => {
  const networks = Array.from({ length: 64 }, (_, i) => ({
    octets: Uint8Array.of(10, i, 0, 0),
    length: 16,
    entry: { autonomous_system_number: i + 1 },
  }));
  const whole = writeMmdb(networks);
  await assert.rejects(readNetworks(Buffer.from('no such file')));
  await assert.rejects(readNetworks(whole.subarray(0, whole.length / 2)));
  // A tree that leads back into itself.
  const circle = Buffer.from(whole);
  circle.fill(0, 0, 7 * 64);
  await assert.rejects(readNetworks(circle), /no end/);
});
