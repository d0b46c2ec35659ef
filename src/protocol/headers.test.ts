import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import {
  ADDRESS_FORMAT_HEADER,
  EXPECTED_REVISION_HEADER,
  readAddressFormat,
  readExpectedRevision,
  readOverrideFollower,
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
