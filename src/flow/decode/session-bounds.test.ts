import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetflowDecoding } from '../../../test/support/netflow-decoding.ts';
import { ipfixMessage, ipfixTemplate, set, u32 } from '../../../test/support/netflow-writer.ts';
import type { DecodeLimits } from './limits.ts';

const TEMPLATE = ipfixMessage([set(2, ipfixTemplate(256, [[2, 4]]))]);
const DATA = ipfixMessage([set(256, u32(7))]);
const START_MS = 1_700_000_000_000;

const EXPORTER = [0, 0, 0xffff, 0xc000_0201];
const stranger = (i: number) => [0, 0, 0xffff, 0x0a00_0000 + i];

/** Small bounds, so that they are soon reached. */
const LIMITS: Partial<DecodeLimits> = {
  sessions: 4,
  newcomers: 8,
  newSessionsPerSecond: 10,
  newSessionsBurst: 100,
  fields: 64,
};

/** An exporter that has sent for a while. */
function establish(decoding: NetflowDecoding, source: number[], nowMs = START_MS): void {
  for (const after of [0, 1000, 2000]) {
    decoding.decode([TEMPLATE], { source, receivedMs: nowMs + after });
  }
}

test('strangers push out each other, and no exporter that has sent for a while', () => {
  const decoding = new NetflowDecoding({ limits: LIMITS });
  establish(decoding, EXPORTER);
  for (let i = 0; i < 50; i++) {
    decoding.decode([TEMPLATE], { source: stranger(i), receivedMs: START_MS + 3000 });
  }
  assert.equal(decoding.counts['sessions'], 9);
  assert.equal(decoding.counts['templates'], 9);
  assert.equal(
    decoding.decode([DATA], { source: EXPORTER, receivedMs: START_MS + 3000 }).length,
    1,
  );
  assert.equal(
    decoding.decode([DATA], { source: stranger(0), receivedMs: START_MS + 3000 }).length,
    0,
  );
});

test('new sessions are limited a second; what comes without one is decoded as far as it goes', () => {
  const decoding = new NetflowDecoding({ limits: LIMITS });
  for (let i = 0; i < 150; i++) {
    decoding.decode([TEMPLATE], { source: stranger(i), receivedMs: START_MS });
  }
  assert.equal(decoding.counts['sessionsRefused'], 50);
  const whole = ipfixMessage([set(2, ipfixTemplate(256, [[2, 4]])), set(256, u32(7))]);
  assert.equal(decoding.decode([whole], { source: stranger(999), receivedMs: START_MS }).length, 0);
  assert.equal(
    decoding.decode([whole], { source: stranger(999), receivedMs: START_MS + 1000 }).length,
    1,
  );
});

test('when there is no room for one more, those that are silent go', () => {
  const decoding = new NetflowDecoding({ limits: LIMITS });
  const exporter = (i: number) => [0, 0, 0xffff, 0xc000_0200 + i];
  for (let i = 0; i < 4; i++) establish(decoding, exporter(i));
  establish(decoding, exporter(4), START_MS + 10_000);
  for (let i = 0; i < 9; i++)
    decoding.decode([TEMPLATE], { source: stranger(i), receivedMs: START_MS + 20_000 });
  const isThere = (i: number, nowMs: number) =>
    decoding.decode([DATA], { source: exporter(i), receivedMs: nowMs }).length === 1;
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((i) => isThere(i, START_MS + 20_000)),
    [true, true, true, true, false],
  );
  const later = START_MS + 700_000;
  for (const i of [0, 1, 3]) isThere(i, later);
  establish(decoding, exporter(5), later);
  for (let i = 0; i < 9; i++)
    decoding.decode([TEMPLATE], { source: stranger(i), receivedMs: later + 3000 });
  assert.deepEqual(
    [0, 1, 2, 3, 5].map((i) => isThere(i, later + 3000)),
    [true, true, false, true, true],
  );
});

test('templates and fields are bounded: of one, of a session, of all strangers', () => {
  const template = (id: number, fields: number) =>
    ipfixMessage([
      set(
        2,
        ipfixTemplate(
          id,
          Array.from({ length: fields }, (_, i) => [100 + i, 1]),
        ),
      ),
    ]);
  const one = new NetflowDecoding();
  one.decode([template(256, 1025)]);
  assert.equal(one.counts['templatesRefused'], 1);
  const session = new NetflowDecoding({ limits: { templatesPerSession: 10 } });
  session.decode(Array.from({ length: 15 }, (_, i) => template(256 + i, 2)));
  assert.equal(session.counts['templates'], 10);
  assert.equal(session.counts['templatesRefused'], 5);
  const all = new NetflowDecoding({ limits: { ...LIMITS, newcomers: 1000 } });
  for (let i = 0; i < 50; i++) all.decode([template(256, 5)], { source: stranger(i) });
  assert.equal(all.counts['templates'], 3);
  assert.equal(all.counts['sessions'], 3);
});

test('new templates are limited a second; the same again is no new one', () => {
  const decoding = new NetflowDecoding({
    limits: { newTemplatesPerSecond: 5, newTemplatesBurst: 20 },
  });
  const numbered = (i: number) => ipfixMessage([set(2, ipfixTemplate(256, [[100 + i, 1]]))]);
  decoding.decode(Array.from({ length: 30 }, (_, i) => numbered(i)));
  assert.equal(decoding.counts['templatesLearnt'], 20);
  assert.equal(decoding.counts['templatesRefused'], 10);
  decoding.decode([numbered(19), numbered(3), numbered(19)]);
  assert.equal(decoding.counts['templatesRefused'], 10);
});
