import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { LOG_FORM } from './log-form.ts';
import { journalLine, readableLine } from './readable-line.ts';

function lineOf(write: (log: ReturnType<typeof pino>) => void): string {
  let text = '';
  write(pino(LOG_FORM, { write: (line) => (text = readableLine(line)) }));
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

test('in the journal each level has its priority, and people need no time', () => {
  const lines: string[] = [];
  const log = pino({ ...LOG_FORM, level: 'trace' }, { write: (line) => void lines.push(line) });
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
    log[level]('x');
  assert.deepEqual(
    lines.map((line) => journalLine(line, true)),
    [
      '<7>TRACE x\n',
      '<7>DEBUG x\n',
      '<6>INFO  x\n',
      '<4>WARN  x\n',
      '<3>ERROR x\n',
      '<2>FATAL x\n',
    ],
  );
  assert.deepEqual(
    lines.map((line) => journalLine(line, false)),
    lines.map((line, i) => `<${[7, 7, 6, 4, 3, 2][i]}>${line}`),
  );
});
