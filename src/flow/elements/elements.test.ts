import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ABSTRACT_TYPES } from './element.ts';
import {
  ElementRegistry,
  elementOf,
  netflow9NameOf,
  netflow9ScopeOf,
  REVERSE_PEN,
} from './elements.ts';

const SEMANTICS = [
  'quantity',
  'totalCounter',
  'deltaCounter',
  'identifier',
  'flags',
  'list',
  'snmpCounter',
  'snmpGauge',
];

test('every line of the data is a whole element, and no id is there twice', () => {
  const seen = new Set<string>();
  for (const one of new ElementRegistry()) {
    const key = `${one.pen}/${one.id}`;
    assert.ok(!seen.has(key), `${key} twice`);
    seen.add(key);
    assert.ok(Number.isInteger(one.id) && one.id > 0 && one.id < 65_536, key);
    assert.match(one.name, /^[A-Za-z][A-Za-z0-9_]*$/, key);
    assert.ok(ABSTRACT_TYPES.includes(one.type), `${key} ${one.type}`);
    assert.ok(one.semantics === undefined || SEMANTICS.includes(one.semantics), key);
    assert.ok(one.units !== '', key);
  }
  assert.ok(seen.size > 1_300, `${seen.size}`);
});

test('IANA has all ids from 1 to 533 but the unassigned and reserved ones', () => {
  const missing = Array.from({ length: 533 }, (_, i) => i + 1).filter((id) => !elementOf(0, id));
  const ranges = [...range(65, 69), 97, ...range(105, 127), 416, 419];
  assert.deepEqual(missing, ranges);
});

test('an element has name, type, semantics and units', () => {
  assert.deepEqual(elementOf(0, 1), {
    pen: 0,
    id: 1,
    name: 'octetDeltaCount',
    type: 'unsigned64',
    semantics: 'deltaCounter',
    units: 'octets',
  });
  assert.deepEqual(elementOf(0, 27), {
    pen: 0,
    id: 27,
    name: 'sourceIPv6Address',
    type: 'ipv6Address',
  });
  assert.deepEqual(elementOf(0, 152)?.type, 'dateTimeMilliseconds');
  assert.equal(elementOf(0, 97), undefined);
  assert.equal(elementOf(1, 1), undefined);
});

test('the other direction of a biflow has the elements of IANA', () => {
  assert.deepEqual(elementOf(REVERSE_PEN, 1), {
    pen: REVERSE_PEN,
    id: 1,
    name: 'reverseOctetDeltaCount',
    type: 'unsigned64',
    semantics: 'deltaCounter',
    units: 'octets',
  });
  assert.equal(elementOf(REVERSE_PEN, 97), undefined);
});

test('vendors are known by their number, and by high field types in NetFlow v9', () => {
  assert.equal(elementOf(3054, 111)?.name, 'l7ApplicationName');
  assert.equal(elementOf(6876, 881)?.type, 'ipv4Address');
  assert.equal(elementOf(35632, 82)?.name, 'SRC_TO_DST_MAX_THROUGHPUT');
  assert.deepEqual(elementOf(0, 57_554), {
    pen: 0,
    id: 57_554,
    name: 'SRC_TO_DST_MAX_THROUGHPUT',
    type: 'unsigned32',
  });
  assert.equal(elementOf(0, 40_001)?.name, 'XLATE_SRC_ADDR_IPV4');
});

test('NetFlow v9 has names and scopes of its own', () => {
  assert.equal(netflow9NameOf(1), 'IN_BYTES');
  assert.equal(netflow9NameOf(152), 'flowStartMilliseconds');
  assert.equal(netflow9NameOf(33_002), 'FW_EXT_EVENT');
  assert.equal(netflow9NameOf(97), undefined);
  assert.equal(netflow9ScopeOf(2), 'Interface');
});

test("the user's own elements win", () => {
  const own = { pen: 0, id: 1, name: 'bytes', type: 'unsigned32' } as const;
  const registry = new ElementRegistry([own, { ...own, pen: 99_999, id: 7 }]);
  assert.deepEqual(registry.of(0, 1), own);
  assert.equal(registry.of(99_999, 7)?.name, 'bytes');
  assert.equal(registry.of(0, 2)?.name, 'packetDeltaCount');
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
