import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import fc from 'fast-check';
import { exporter } from '../../test/support/rule-sets.ts';
import {
  ADDRESS_FORMAT_HEADER,
  CHANGE_MESSAGE_HEADER,
  changeHeaders,
  changeMessageHeader,
  DRY_RUN_HEADER,
  EXPECTED_REVISION_HEADER,
  readAddressFormat,
  readChangeMessage,
  readDryRun,
  readExpectedRevision,
  readOverrideFollower,
  readWarnings,
  revisionHeaders,
} from './headers.ts';

/** As node:http2 shows them: of a header that is repeated, the values joined. */
function headers(name: string, ...values: string[]): IncomingHttpHeaders {
  return { [name]: values.join(', ') };
}

test('E4: the address format is text unless the header says binary', () => {
  assert.equal(readAddressFormat({}), 'text');
  assert.equal(readAddressFormat(headers(ADDRESS_FORMAT_HEADER, 'text')), 'text');
  assert.equal(readAddressFormat(headers(ADDRESS_FORMAT_HEADER, 'binary')), 'binary');
});

test('E4: any other address format is refused, also two of them', () => {
  for (const values of [
    ['Binary'],
    [''],
    ['text '],
    ['text', 'binary'],
    ['text', 'text'],
    ['text, text'],
  ]) {
    assert.throws(() => readAddressFormat(headers(ADDRESS_FORMAT_HEADER, ...values)), {
      code: 'INVALID_INPUT',
      message: /^header collector-address-format: /,
    });
  }
});

test('A9: the expected revision is a decimal number, or none', () => {
  assert.equal(readExpectedRevision({}), undefined);
  assert.equal(readExpectedRevision(headers(EXPECTED_REVISION_HEADER, '0')), 0);
  assert.equal(readExpectedRevision(headers(EXPECTED_REVISION_HEADER, '42')), 42);
});

test('A9: an expected revision that is no decimal number is refused', () => {
  const bad = [
    '',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' ',
    'one',
    '9007199254740993',
    '99999999999999999999',
  ];
  for (const value of bad) {
    assert.throws(() => readExpectedRevision(headers(EXPECTED_REVISION_HEADER, value)), {
      code: 'INVALID_INPUT',
      message: /^header collector-expected-rules-revision: /,
    });
  }
  assert.throws(() => readExpectedRevision(headers(EXPECTED_REVISION_HEADER, '1', '1')), {
    code: 'INVALID_INPUT',
  });
});

test('A9: answers carry the revision as text', () => {
  assert.deepEqual(revisionHeaders(7), { 'collector-rules-revision': '7' });
});

test('the override of a follower is "true" or "false", and is not meant without the header', () => {
  assert.equal(readOverrideFollower({}), false);
  assert.equal(readOverrideFollower(headers('collector-override-follower', 'false')), false);
  assert.equal(readOverrideFollower(headers('collector-override-follower', 'true')), true);
  for (const value of ['', '1', 'TRUE', 'yes', 'true, true']) {
    assert.throws(() => readOverrideFollower(headers('collector-override-follower', value)), {
      code: 'INVALID_INPUT',
      message: /collector-override-follower/,
    });
  }
});

test('A40: a dry run is asked for with true, and nothing else', () => {
  assert.equal(readDryRun({}), false);
  assert.equal(readDryRun(headers(DRY_RUN_HEADER, 'false')), false);
  assert.equal(readDryRun(headers(DRY_RUN_HEADER, 'true')), true);
  for (const values of [['yes'], [''], ['True'], ['true', 'true'], ['1']]) {
    const bad = headers(DRY_RUN_HEADER, ...values);
    assert.throws(() => readDryRun(bad), {
      code: 'INVALID_INPUT',
      message: /collector-dry-run: "/,
    });
  }
});

test('A41: a message is one line of percent-encoded UTF-8, up to 512 octets', () => {
  const read = (value: string) => readChangeMessage(headers(CHANGE_MESSAGE_HEADER, value));
  assert.equal(readChangeMessage({}), undefined);
  assert.equal(read('%20'), undefined);
  assert.equal(read('CHG123: new%20collector'), 'CHG123: new collector');
  assert.equal(read(encodeURIComponent('ж'.repeat(256))), 'ж'.repeat(256));
  const bad: readonly [string, RegExp][] = [
    ['%', /not percent-encoded UTF-8/],
    ['%ff', /not percent-encoded UTF-8/],
    ['a%0ab', /control characters/],
    ['a%1b[2J', /control characters/],
    ['a%c2%85b', /control characters/],
    [encodeURIComponent(`${'ж'.repeat(256)}x`), /513 octets of UTF-8, the limit is 512/],
  ];
  for (const [value, message] of bad) {
    assert.throws(() => read(value), { code: 'INVALID_INPUT', message }, value);
  }
});

test('A41: whatever a message is, it comes back as it was sent', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 60 })
    .map((text) => text.replaceAll(/\p{Cc}/gu, '').trim())
    .filter((text) => Buffer.byteLength(text) <= 512);
  fc.assert(
    fc.property(line, (text) => {
      assert.equal(readChangeMessage(changeMessageHeader(text)) ?? '', text);
    }),
  );
});

test('A40: the answer to a change tells what is different, and what to know of it', () => {
  const difference = {
    added: [exporter('192.0.2.1'), exporter('192.0.2.2')],
    removed: [],
    changed: [exporter('192.0.2.3')],
    areDefaultOutputsChanged: true,
    isReordered: false,
  };
  const warnings = ['pipeline "ö" is not there, yet', '100 %'];
  const answer = changeHeaders({ revision: 7, isDryRun: true, difference, warnings });
  const { 'collector-warnings': sent, ...rest } = answer;
  assert.deepEqual(rest, {
    'collector-rules-revision': '7',
    'collector-rules-difference': 'added=2 removed=0 changed=1 default_outputs=1 order=0',
    'collector-dry-run': 'true',
  });
  assert.deepEqual(readWarnings(String(sent)), warnings);
  assert.deepEqual(readWarnings(undefined), []);
  const plain = changeHeaders({ revision: 8, isDryRun: false, difference, warnings: [] });
  assert.deepEqual(Object.keys(plain), ['collector-rules-revision', 'collector-rules-difference']);
});
