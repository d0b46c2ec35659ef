import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { AbstractType } from '../../src/flow/elements/element.ts';
import { elementOf } from '../../src/flow/elements/elements.ts';
import {
  arbitraryMessages,
  type MakeTemplate,
  type WrittenRecord,
} from '../support/flow-messages/messages.ts';
import type { Random } from '../support/flow-messages/random.ts';
import { VARIABLE, type WrittenField } from '../support/flow-messages/templates.ts';
import { lengthsOf } from '../support/flow-messages/values.ts';
import { NetflowDecoding } from '../support/netflow-decoding.ts';
import type { Row } from '../support/rows.ts';

/** Elements that fill a column as they are; of several for one, a template has one. */
const COLUMNS: Readonly<Record<string, readonly number[]>> = {
  bytes: [1, 85],
  packets: [2, 86],
  proto: [4],
  srcPort: [7],
  dstPort: [11],
  inIf: [10],
  outIf: [14],
  srcMac: [56],
  dstMac: [80],
  srcAddr: [8, 27],
  dstAddr: [12, 28],
  nextHop: [15, 62],
  bgpNextHop: [18, 63],
  ipTos: [5],
  ipTtl: [192],
  tcpFlags: [6],
  fragmentId: [54],
  fragmentOffset: [88],
  srcAs: [16],
  dstAs: [17],
  nextHopAs: [128],
  srcNet: [9],
  dstNet: [13],
  direction: [61],
  ingressVrf: [234],
  egressVrf: [235],
};
const columnOf = new Map(
  Object.entries(COLUMNS).flatMap(([column, ids]) => ids.map((id) => [id, column] as const)),
);

/** A template with some of these columns, and between them elements that nobody knows. */
const makeTemplate: MakeTemplate = (random, version, id) => {
  const columns = Object.values(COLUMNS).filter(() => random.once(2));
  const fields = columns.flatMap((ids) => [
    known(random, random.pick(ids)),
    ...(random.once(4) ? [unknown(random, version)] : []),
  ]);
  return { id, kind: 'data', fields: [known(random, 1), ...fields.filter(notBytes)] };
};

const notBytes = ({ id }: WrittenField) => columnOf.get(id) !== 'bytes';

function known(random: Random, id: number): WrittenField {
  const type = elementOf(0, id)?.type as AbstractType;
  return { pen: 0, id, type, scope: false, length: random.pick(lengthsOf(type)) };
}

function unknown(random: Random, version: 9 | 10): WrittenField {
  const length = version === 10 && random.once(2) ? VARIABLE : random.int(0, 9);
  return { pen: version === 10 ? 424_242 : 0, id: 31_000, type: undefined, scope: false, length };
}

describe('columns have what was written', () => {
  for (const version of [9, 10] as const) {
    test(`version ${version}: of whatever length, in whatever order`, () => {
      fc.assert(
        fc.property(arbitraryMessages(version, makeTemplate), (messages) => {
          const rows = new NetflowDecoding().decode(messages.map(({ octets }) => octets));
          const records = messages.flatMap((message) => message.records);
          assert.equal(rows.length, records.length);
          for (const [i, record] of records.entries()) compare(rows[i] as Row, record);
        }),
        { numRuns: 60 },
      );
    });
  }
});

function compare(row: Row, { template, values }: WrittenRecord): void {
  for (const [i, { id }] of template.fields.entries()) {
    const column = columnOf.get(id) as keyof Row | undefined;
    const { meaning, octets } = values[i] as WrittenRecord['values'][number];
    // Rows leave out what is zero.
    if (column === undefined || octets.every((octet) => octet === 0)) continue;
    const got = row[column];
    const text = typeof got === 'bigint' || typeof got === 'number' ? String(got) : got;
    const wanted = column.endsWith('Mac') ? String(meaning).replaceAll(':', '') : String(meaning);
    assert.equal(text, wanted, `${column} of element ${id}`);
  }
}
