import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import {
  arbitraryFlowRows,
  type FlowRow,
  type FlowValue,
  flowBatchOf,
  SOME_EXTRA_COLUMNS,
} from '../../../test/support/arbitrary-flow-batch.ts';
import { bigOf, isUnknown, microsecondsOf } from '../../../test/support/flow-values.ts';
import { packageRoot } from '../../package-root.ts';
import { COLUMNS, type Column } from '../model/columns.ts';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import { protobufFormat } from './protobuf.ts';
import { protobufField, protobufSchema } from './protobuf-fields.ts';

const columns: readonly Column[] = [...COLUMNS, ...SOME_EXTRA_COLUMNS];

function make(options: object = {}, keyed = false) {
  return protobufFormat.create(protobufFormat.options.parse(options), {
    extraColumns: SOME_EXTRA_COLUMNS,
    keyed,
  });
}

/** What the compiler of buf makes of a message. @param schema text of a .proto file */
function compile(schema: string): DescMessage {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'floxy-proto-'));
  writeFileSync(join(folder.path, 'flow.proto'), schema);
  const buf = join(packageRoot, 'node_modules/.bin/buf');
  const set = execFileSync(buf, ['build', folder.path, '--as-file-descriptor-set', '-o', '-']);
  const found = createFileRegistry(fromBinary(FileDescriptorSetSchema, set)).getMessage(
    'flowpb.FlowMessage',
  );
  assert.ok(found);
  return found;
}

/** Reads the messages of a batch, one by one or with their lengths before them. */
function read(schema: DescMessage, { bytes, ends }: EncodedBatch, delimited: boolean) {
  return [...ends].flatMap((end, i) => {
    const message = bytes.subarray(ends[i - 1] ?? 0, end);
    const records = delimited ? undelimit(message) : [message];
    return records.map((octets) => reflect(schema, fromBinary(schema, new Uint8Array(octets))));
  });
}

/** Takes records with their length (a varint) before them apart. */
function undelimit(octets: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < octets.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const octet = octets.readUInt8(at++);
      length += (octet & 0x7f) << shift;
      if (octet < 0x80) break;
    }
    assert.ok(at + length <= octets.length);
    records.push(octets.subarray(at, at + length));
    at += length;
  }
  return records;
}

function valueIn(message: ReflectMessage, number: number): unknown {
  const field = message.fields.find((candidate) => candidate.number === number);
  if (!field) return undefined;
  const value = message.get(field);
  return field.fieldKind === 'list' ? [...(value as Iterable<unknown>)] : value;
}

function octetsOf(value: FlowValue): Uint8Array {
  const words = value as readonly number[];
  const octets = Buffer.alloc(16);
  for (const [i, word] of words.entries()) octets.writeUInt32BE(word, i * 4);
  const isMapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return new Uint8Array(isMapped ? octets.subarray(12) : octets);
}

function expected({ key, kind }: Column, value: FlowValue): unknown {
  switch (kind) {
    case 'u8':
    case 'u16':
    case 'u32':
      if (key === 'samplingRate') return BigInt(value as number);
      if (key === 'mplsLabel') return value === 0 ? [] : [value];
      return value;
    case 'u64':
    case 'mac':
      return bigOf(value);
    case 'time':
      return BigInt(microsecondsOf(value)) * 1000n;
    case 'address':
      return isUnknown(value) ? new Uint8Array() : octetsOf(value);
    case 'text':
      return value;
  }
}

describe("protobuf of goflow2's FlowMessage", () => {
  const theirs = compile(
    readFileSync(join(packageRoot, 'test/support/goflow2/flow.proto'), 'utf8'),
  );
  const ours = compile(protobufSchema(SOME_EXTRA_COLUMNS));

  test('has every value of every row, for readers of goflow2 and for those of our own fields', () => {
    const delimited = make();
    const bare = make({ delimited: false });
    fc.assert(
      fc.property(
        arbitraryFlowRows(SOME_EXTRA_COLUMNS),
        fc.integer({ min: 1, max: 9 }),
        (rows, n) => {
          const batch = flowBatchOf(rows.map(wellFormed), SOME_EXTRA_COLUMNS);
          const byThem = read(theirs, bare.encode(batch, n), false);
          const encoded = delimited.encode(batch, n);
          assert.equal(encoded.ends.length, Math.ceil(rows.length / n));
          const byUs = read(ours, encoded, true);
          assert.equal(byThem.length, rows.length);
          assert.equal(byUs.length, rows.length);
          for (const [i, row] of rows.map(wellFormed).entries()) {
            for (const column of columns) {
              const { number } = protobufField(column, SOME_EXTRA_COLUMNS);
              const wanted = expected(column, row[column.key] as FlowValue);
              assert.deepEqual(valueIn(byUs[i] as ReflectMessage, number), wanted, column.key);
              const their = valueIn(byThem[i] as ReflectMessage, number);
              if (their !== undefined) assert.deepEqual(their, wanted, column.key);
            }
          }
        },
      ),
    );
  });

  test('gives goflow2 the fields that it knows, under its names and types', () => {
    const known = theirs.fields.filter(({ name }) => !NOT_DECODED.includes(name));
    assert.deepEqual(
      known.map(({ number, name }) => [number, name]).toSorted(),
      ours.fields
        .filter(({ number }) => number < 1000 && ![39, 40, 42].includes(number))
        .map(({ number, name }) => [number, name])
        .toSorted(),
    );
  });

  test('has a number of its own for every column', () => {
    const numbers = columns.map((column) => protobufField(column, SOME_EXTRA_COLUMNS).number);
    assert.equal(new Set(numbers).size, columns.length);
  });

  test('is described by the schema for consumers', () => {
    const shipped = readFileSync(join(packageRoot, 'deploy/protobuf/flow.proto'), 'utf8');
    assert.equal(shipped, protobufSchema(), 'deploy/protobuf/flow.proto is not what is written');
  });
});

/** What FlowMessage has and we have no column for. */
const NOT_DECODED = [
  'bgp_communities',
  'as_path',
  'mpls_ttl',
  'mpls_ip',
  'layer_stack',
  'ipv6_routing_header_addresses',
  'ipv6_routing_header_seg_left',
];

/** Texts of protobuf are UTF-8: halves of characters are none. */
function wellFormed(row: FlowRow): FlowRow {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'string' ? value.toWellFormed() : value,
    ]),
  );
}
