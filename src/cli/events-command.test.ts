import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeApi } from '../../test/cli/fake-api.ts';
import { runFloxy } from '../../test/cli/fake-terminal.ts';

const DOWN = {
  kind: 'CollectorDown',
  number: '1764165000001',
  at: '2026-11-26T13:50:00.123Z',
  subject: '192.0.2.1:9996',
  cause: '3 of 3 ICMP echo requests were not answered',
  advice: 'is it running?',
};
const LOST = {
  kind: 'LossesGrowing',
  number: '1764165000002',
  at: '2026-11-26T13:51:00Z',
  subject: 'send error EPERM',
  collectors: ['192.0.2.1:5', '192.0.2.2:5'],
  exporters: ['10.0.0.1:4000\u001b[2J'],
};

const at = (port: number) => ['--api', `127.0.0.1:${port}`];

test('S41: events are a line each, and what is missed is said', async () => {
  await using api = await startFakeApi({ answer: [{ events: [DOWN, LOST], missed: '12' }] });
  const events = await runFloxy(['events', ...at(api.port)]);
  assert.equal(
    events.output,
    `2026-11-26 13:50:00Z  a collector is down: 192.0.2.1:9996 (3 of 3 ICMP echo requests were not answered; is it running?)
2026-11-26T13:51:00Z  losses are growing: send error EPERM (to 192.0.2.1:5, 192.0.2.2:5; of 10.0.0.1:4000\\u001b[2J)
`.replace('26T13', '26 13'),
  );
  assert.equal(events.errors, '… 12 events before these are not kept any more\n');
  assert.deepEqual(api.calls[0]?.request, { follow: false });
});

test('S41: a choice of kinds, a number to go on from, and JSON for programs', async () => {
  await using api = await startFakeApi({ answer: [{ events: [DOWN] }, { events: [LOST] }] });
  const options = ['--follow', '--kind', 'collector-down', 'losses-growing', '--after', '7'];
  const events = await runFloxy(['events', ...options, '-o', 'json', ...at(api.port)]);
  assert.deepEqual(
    events.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).number),
    [DOWN.number, LOST.number],
  );
  assert.deepEqual(api.calls[0]?.request, {
    kinds: ['CollectorDown', 'LossesGrowing'],
    follow: true,
    after: '7',
  });
});

test('a kind that there is not is refused, with those that there are', async () => {
  const events = await runFloxy(['events', '--kind', 'nothing']);
  assert.equal(events.exitCode, 2);
  assert.match(events.errors, /Allowed choices are collector-down, .*rules-changed/);
});
