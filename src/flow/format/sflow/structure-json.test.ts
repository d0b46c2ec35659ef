import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRecord, parseExactly } from '../../../../test/support/arbitrary-sflow-records.ts';
import { COUNTER_RECORDS, FLOW_RECORDS } from '../../decode/sflow/structures/catalogue.ts';
import type { Field, Structure } from '../../decode/sflow/structures/structure.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import { planStructure, putStructure } from './structure-json.ts';

const STRUCTURES = [...COUNTER_RECORDS.values(), ...FLOW_RECORDS.values()];

function write(structure: Structure, data: Uint8Array, nameOf: (field: Field) => string) {
  const out = new GrowingBuffer();
  const before = Buffer.alloc(5, 0xee);
  const bytes = Buffer.concat([before, data, Buffer.alloc(64, 0xff)]);
  const plan = planStructure(structure, nameOf);
  const next = putStructure(out, plan, bytes, before.length, before.length + data.length);
  const text = Buffer.from(out.bytes.subarray(0, out.at)).toString();
  return { said: parseExactly(`{${text}}`) as object, read: next < 0 ? -1 : next - before.length };
}

const NAMES = [(field: Field) => field.key, (field: Field) => field.vflow];

test('every field of every record is written as it is', () => {
  for (const structure of STRUCTURES) {
    for (const nameOf of NAMES) {
      fc.assert(
        fc.property(arbitraryRecord(structure, nameOf), ({ data, said }) => {
          assert.deepEqual(write(structure, data, nameOf), { said, read: data.length });
        }),
        { numRuns: 15 },
      );
    }
  }
});

test('of a record that is cut, the fields before the cut are written', () => {
  const [nameOf = String] = NAMES as ((field: Field) => string)[];
  for (const structure of STRUCTURES) {
    fc.assert(
      fc.property(arbitraryRecord(structure, nameOf), fc.nat(), ({ data, said }, seed) => {
        const length = seed % (data.length + 1);
        const cut = write(structure, data.subarray(0, length), nameOf);
        assert.equal(cut.read, length === data.length ? length : -1);
        const keys = Object.keys(cut.said);
        assert.deepEqual(keys, Object.keys(said).slice(0, keys.length));
        // The last one may be a list of which elements are missing.
        for (const key of keys.slice(0, -1)) {
          assert.deepEqual(cut.said[key as never], said[key], key);
        }
      }),
      { numRuns: 15 },
    );
  }
});

test('any octets are written as valid JSON, in bounded room', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...STRUCTURES),
      fc.uint8Array({ maxLength: 300 }),
      (structure, data) => {
        const { said } = write(structure, data, ({ key }) => key);
        assert.ok(JSON.stringify(said).length < 4000 + data.length * 40);
      },
    ),
    { numRuns: 2000 },
  );
});

test('formats and names are unique, keys are unique in their record', () => {
  for (const records of [COUNTER_RECORDS, FLOW_RECORDS]) {
    const all = [...records.values()];
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    assert.equal(new Set(all.map(({ vflow }) => vflow)).size, all.length);
    for (const { name, fields } of all) {
      assert.equal(new Set(fields.map(({ key }) => key)).size, fields.length, name);
      assert.equal(new Set(fields.map(({ vflow }) => vflow)).size, fields.length, name);
    }
  }
});
