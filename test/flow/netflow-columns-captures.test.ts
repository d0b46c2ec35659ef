import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ADDRESS_SOURCES, NUMBER_SOURCES } from '../../src/flow/decode/columns/sources.ts';
import { fieldEnd, fieldStart } from '../../src/flow/decode/field-values.ts';
import type { MessageHeader, RecordConsumer } from '../../src/flow/decode/record-consumer.ts';
import type { Session } from '../../src/flow/decode/session.ts';
import type { RecordSet, Template } from '../../src/flow/decode/template.ts';
import { COLUMNS } from '../../src/flow/model/columns.ts';
import { capturesFolder, noCaptures, readCapture } from '../support/flow-captures.ts';
import { NetflowDecoding } from '../support/netflow-decoding.ts';
import { addressText, type Row } from '../support/rows.ts';

const BITS: Readonly<Record<string, number>> = { u8: 8, u16: 16, u32: 32, u64: 64 };
/** Columns that are not what a field says as it is. */
const MADE = new Set(['mplsLabel', 'ipFlags', 'etype', 'icmpType', 'icmpCode', 'srcMac', 'dstMac']);
const NUMBERS = Object.entries(NUMBER_SOURCES).flatMap(([key, ids]) => {
  const bits = BITS[COLUMNS.find((column) => column.key === key)?.kind ?? ''] ?? 0;
  return MADE.has(key) ? [] : [{ key, ids: ids as readonly number[], bits }];
});

/** Makes rows one by one, in the simplest way: what kernels make of many at once has to be the same. */
class PlainRows implements RecordConsumer {
  readonly rows: Record<string, unknown>[] = [];
  #header: MessageHeader | undefined;
  #session: Session | undefined;

  begin(header: MessageHeader, session: Session): void {
    this.#header = header;
    this.#session = session;
  }

  records(template: Template, set: RecordSet): void {
    for (let i = 0; i < set.count; i++) this.rows.push(this.#row(template, set, i));
  }

  options(): void {}
  end(): void {}

  endBatch(): void {}

  #row(template: Template, set: RecordSet, record: number): Record<string, unknown> {
    const octets = (id: number) => {
      const field = template.fields.find((one) => one.id === id && one.pen === 0 && one.length > 0);
      return (
        field && set.bytes.subarray(fieldStart(set, record, field), fieldEnd(set, record, field))
      );
    };
    const row: Record<string, unknown> = {
      sequenceNum: this.#header?.sequence,
      samplerPort: this.#session?.port,
      samplerAddress: addressText(this.#session?.exporter.address ?? []),
      observationDomainId: this.#header?.domain,
    };
    for (const { key, ids, bits } of NUMBERS) {
      const values = ids.map((id) => BigInt.asUintN(bits, BigInt(`0x0${hex(octets(id))}`)));
      row[key] = values.find((value) => value !== 0n) ?? 0n;
    }
    for (const [key, ids] of Object.entries(ADDRESS_SOURCES)) {
      row[key] = ids.map((id) => addressOf(octets(id))).find((text) => text !== '::') ?? '::';
    }
    return row;
  }
}

function hex(octets: Uint8Array | undefined): string {
  return Buffer.from(octets ?? []).toString('hex');
}

function addressOf(octets: Uint8Array | undefined): string {
  if (octets?.length === 4) return octets.join('.');
  const view = Buffer.from(octets ?? new Uint8Array(16));
  return addressText([0, 4, 8, 12].map((at) => view.readUInt32BE(at)));
}

/** The same columns of a decoded row; numbers as bigint, whatever their kind. */
function sameOf(plain: Record<string, unknown>, row: Row): Record<string, unknown> {
  const said = row as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => {
      if (typeof value === 'bigint') return [key, BigInt((said[key] as number | bigint) ?? 0)];
      return [key, said[key] ?? (typeof value === 'number' ? 0 : '::')];
    }),
  );
}

describe('rows of real exporters', { skip: noCaptures }, () => {
  const files = noCaptures === false ? readdirSync(capturesFolder ?? '.') : [];
  for (const file of files.filter((name) => /\.(pcap|dat)$/.test(name) && !/notflow/.test(name))) {
    test(`${file}: each is what its record says, in the order that they came`, () => {
      const plain = new PlainRows();
      const decoding = new NetflowDecoding({ consumers: [plain], batchRows: 700 });
      const rows = decoding.decodePackets(readCapture(file));
      assert.equal(rows.length, plain.rows.length);
      for (const [i, row] of rows.entries()) {
        const expected = plain.rows[i] ?? {};
        assert.deepEqual(sameOf(expected, row), expected, `row ${i}`);
      }
    });
  }
});
