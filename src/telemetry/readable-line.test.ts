import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { readableLine } from './readable-line.ts';

function lineOf(write: (log: ReturnType<typeof pino>) => void): string {
  let text = '';
  write(pino({ base: null }, { write: (line) => (text = readableLine(line)) }));
  return text.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} /, 'NOW ');
}

test('a line for people has time, level, component, message and details', () => {
  const text = lineOf((log) =>
    log.child({ component: 'dataplane' }).warn({ kind: 'truncated', packets: 5 }, 'packets lost'),
  );
  assert.equal(text, 'NOW WARN  dataplane: packets lost kind="truncated" packets=5\n');
  assert.equal(
    lineOf((log) => log.info('floxy stopped')),
    'NOW INFO  floxy stopped\n',
  );
  assert.match(
    lineOf((log) => log.error({ list: [1, { a: null }] })),
    /ERROR {2}list=\[1,\{"a":null\}\]\n$/,
  );
});

test('what others have written cannot steer the terminal', () => {
  const text = lineOf((log) => log.info({ peer: '\u001b[2J\n\u009b' }, 'a call'));
  assert.equal(text, 'NOW INFO  a call peer="\\u001b[2J\\n\\u009b"\n');
});
