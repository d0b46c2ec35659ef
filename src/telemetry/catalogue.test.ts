import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { COUNTER } from '../native/layout.ts';
import { packageRoot } from '../package-root.ts';
import { FORWARDER_COUNTERS, type ForwarderCounter } from './catalogue.ts';

const ROWS: readonly ForwarderCounter[] = FORWARDER_COUNTERS;

/** The sign of life of a forwarder; of forwarders that are no more, what others tell elsewhere. */
const NOT_SHOWN = ['HEARTBEAT', 'KERNEL_DROPS', 'COUNTED_SINCE', 'COUNTED_FORWARDERS'];

/** Fields of ForwarderStatus that tell of its process. */
const PROCESS_FIELDS = ['index', 'pid', 'restarts', 'started_at'];

function read(file: string): string {
  return readFileSync(path.join(packageRoot, file), 'utf8');
}

function fieldName({ key }: ForwarderCounter): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function namesOf({ kind, counter }: ForwarderCounter): string[] {
  if (counter === undefined) return [];
  return kind === 'traffic' ? [`${counter}_PACKETS`, `${counter}_BYTES`] : [counter];
}

/** ForwarderStatus of the compiled protocol: name and type of each field. */
function statusFields(): Record<string, string> {
  const bytes = readFileSync(path.join(packageRoot, 'dist/proto/floxy.binpb'));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const fields = registry.getMessage('collector.proto.ForwarderStatus')?.fields ?? [];
  return Object.fromEntries(
    fields.map((field) => [
      field.name,
      field.message === undefined ? field.fieldKind : `${field.fieldKind} ${field.message.name}`,
    ]),
  );
}

test('every counter that packet I/O writes is in the catalogue, and no other is', () => {
  const shown = ROWS.flatMap(namesOf);
  assert.deepEqual([...shown, ...NOT_SHOWN].sort(), Object.keys(COUNTER).sort());
});

test('the protocol has a field of the right type for every counter, and no other field', () => {
  const types = { traffic: 'message Counters', count: 'scalar', errors: 'list ErrnoCount' };
  const expected = ROWS.map((row) => [fieldName(row), types[row.kind]]);
  const process = PROCESS_FIELDS.map((name) => [name, 'scalar']);
  assert.deepEqual(statusFields(), Object.fromEntries([...process, ...expected]));
});

test('the protocol says of every counter what the catalogue says', () => {
  const proto = read('proto/settings.proto').replace(/\n\s*\/\/ /g, ' ');
  for (const row of ROWS) {
    const sentence = new RegExp(`${fieldName(row)} (?:counts|are) (.*)`).exec(proto)?.[1];
    assert.ok(sentence?.startsWith(row.meaning), `${fieldName(row)}: ${sentence}`);
  }
});

test('the table of losses in docs/operating.md has a row for every counter that can be helped', () => {
  const rows = ROWS.filter(({ advice }) => advice !== undefined).map(
    (row) => `| \`${fieldName(row)}\` | ${row.meaning} | ${row.advice} |`,
  );
  const section = /\n## Losses\n(.*?)\n## /s.exec(read('docs/operating.md'))?.[1] ?? '';
  const table = section.split('\n').filter((line) => line.startsWith('| `'));
  assert.deepEqual(table, rows);
});

test('docs/troubleshooting.md knows every loss by the name that the log and the status give it', () => {
  const text = read('docs/troubleshooting.md');
  const names = ROWS.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  assert.deepEqual(
    names.filter((name) => !text.includes(`| \`${name}`)),
    [],
  );
});

test('what is called a loss says what helps', () => {
  for (const { key, loss, advice } of ROWS) {
    assert.ok(loss === undefined || advice !== undefined, key);
  }
});
