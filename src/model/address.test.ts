import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalOctets, formatAddress, mappedOctets, parseAddress } from './address.ts';

function canonicalText(text: string): string | undefined {
  const octets = parseAddress(text);
  return octets && formatAddress(octets);
}

describe('parseAddress() and formatAddress()', () => {
  const spellings: readonly [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['0:0:1:0:0:0:1:0', '0:0:1::1:0'],
  ];
  for (const [text, canonical] of spellings) {
    it(`E2: reads ${text} as ${canonical}`, () => {
      assert.equal(canonicalText(text), canonical);
    });
  }

  const refused = [
    '',
    ' ',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.01',
    '0x7f.1',
    'localhost',
    '1.2.3.4 ',
  ];
  for (const text of [...refused, '[::1]', 'fe80::1%eth0', ':::', '1:2:3:4:5:6:7', '1.2.3.4:5']) {
    it(`E1: refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseAddress(text), undefined);
    });
  }

  it('E2: reads back every address it prints, and prints the shortest zero-compressed form', () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc
        .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
        .map(Uint8Array.from.bind(Uint8Array)),
    );
    fc.assert(
      fc.property(octets, (bytes) => {
        const canonical = canonicalOctets(bytes);
        const text = formatAddress(canonical);
        assert.deepEqual(parseAddress(text), canonical);
        if (canonical.length === 16) {
          // WHATWG URLs serialise IPv6 hosts by RFC 5952.
          assert.equal(`[${text}]`, new URL(`http://[${text}]`).hostname);
        }
      }),
    );
  });
});

describe('mappedOctets()', () => {
  it('E2: is undone by canonicalOctets()', () => {
    const ipv4 = Uint8Array.of(192, 0, 2, 1);
    const mapped = mappedOctets(ipv4);
    assert.equal(formatAddress(mapped), '::ffff:c000:201');
    assert.deepEqual(canonicalOctets(mapped), ipv4);
  });
});
