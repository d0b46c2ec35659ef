import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownOctets } from './octets.ts';

test('octets that are kept hold no memory but their own', () => {
  const octets = ownOctets('192.0.2.1 – exporter');
  assert.equal(octets.toString(), '192.0.2.1 – exporter');
  assert.equal(octets.buffer.byteLength, octets.length);
});
