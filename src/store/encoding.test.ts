import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalOctets } from '../model/address.ts';
import { makeEndpoint } from '../model/endpoint.ts';
import { makeCollector } from '../model/rules.ts';
import {
  DecodeError,
  decodeEndpoint,
  encodeCollectors,
  encodeOutputs,
  OutputDecoder,
} from './encoding.ts';

const endpoints = fc
  .tuple(
    fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    ),
    fc.integer({ min: 0, max: 65_535 }),
  )
  .map(([octets, port]) => makeEndpoint(canonicalOctets(Uint8Array.from(octets)), port));
const outputs = fc
  .array(endpoints.map(makeCollector), { minLength: 1, maxLength: 5 })
  .map((collectors) => ({ collectors }));

test('any outputs come back as they were written', () => {
  fc.assert(
    fc.property(fc.array(outputs, { maxLength: 5 }), (written) => {
      assert.deepEqual(new OutputDecoder().outputs(encodeOutputs(written)), written);
      for (const one of written) {
        assert.deepEqual(new OutputDecoder().output(encodeCollectors(one)), one);
      }
    }),
  );
});

test('the stored text is plain JSON that an operator can read', () => {
  const collectors = [
    { endpoint: decodeEndpoint('192.0.2.1', 1001) },
    { endpoint: decodeEndpoint('2001:db8::1', 0) },
  ];
  assert.equal(encodeOutputs([{ collectors }]), '[[["192.0.2.1",1001],["2001:db8::1",0]]]');
});

test('text that was not written by the encoder is refused', () => {
  const bad: unknown[] = [
    null,
    17,
    '',
    '[[["192.0.2.1",1001]]',
    '{}',
    '"x"',
    '[1]',
    '[[]]',
    '[[[]]]',
    '[[["192.0.2.1"]]]',
    '[[["192.0.2.1",1,2]]]',
    '[[["192.0.2.1","1001"]]]',
    '[[["192.0.2.1",-1]]]',
    '[[["192.0.2.1",65536]]]',
    '[[["192.0.2.1",1.5]]]',
    '[[["192.0.2.256",1]]]',
    '[[["::ffff:192.0.2.1",1]]]',
    '[[["2001:DB8::1",1]]]',
    '[[["fe80::1%eth0",1]]]',
    '[[["localhost",1]]]',
    '[[[3221225985,1]]]',
    '[[{"host":"192.0.2.1","port":1}]]',
  ];
  for (const text of bad) {
    assert.throws(() => new OutputDecoder().outputs(text), DecodeError, String(text));
  }
});

test('a wrong port is refused also when the same collector was read before', () => {
  const text = '[[["192.0.2.1",1001],["192.0.2.1","1001"]]]';
  assert.throws(() => new OutputDecoder().outputs(text), DecodeError);
});

test('a message quotes damaged text escaped and cut', () => {
  const text = `\u001b[31m${'x'.repeat(10_000)}`;
  assert.throws(
    () => new OutputDecoder().outputs(text),
    (error: Error) => error.message.length < 150 && !error.message.includes('\u001b'),
  );
});
