import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const NODE = fileURLToPath(new URL('../../bin/floxy-node', import.meta.url));
const LINES = 5000;

/** Writes far more than waits, says so on stderr, and closes the log when its input ends. */
const PROGRAM = `
  import { openLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
  const { log, close } = openLog({ logLevel: 'info', logFormat: 'auto' });
  for (let i = 0; i < ${LINES}; i++) log.info({ i, padding: 'x'.repeat(1000) });
  process.stderr.write('written');
  process.stdin.on('end', () => close()).resume();`;

test('what a log that nobody reads drops is counted in it when somebody reads', async () => {
  const child = spawn(NODE, ['--input-type=module-typescript', '-e', PROGRAM], {
    stdio: 'pipe',
  });
  const ended = once(child, 'exit');
  const [written] = await once(child.stderr, 'data');
  assert.equal(String(written), 'written');
  const lines: { i?: number; msg: string; lines: number; error: string }[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(JSON.parse(line));
    // What still waits when the log is closed is given up soon, however busy the reader is.
    if (lines.at(-1)?.i === undefined) child.stdin.end();
  }
  assert.deepEqual(await ended, [0, null]);
  const kept = lines.filter(({ i }) => i !== undefined);
  assert.deepEqual(
    kept.map(({ i }) => i),
    kept.map((_, i) => i),
  );
  const last = lines.at(-1);
  assert.ok(last);
  assert.equal(last.msg, 'log lines were dropped: they could not be written');
  assert.equal(last.lines, LINES - kept.length);
  assert.match(last.error, /EAGAIN/);
});

/** Writes two lines. */
const TWO_LINES = `
  import { openLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
  const { log, close } = openLog({ logLevel: 'info', logFormat: process.argv[1] });
  log.child({ component: 'a' }).warn({ b: 1 }, 'c');
  log.debug('nothing');
  await close();`;

/** @param stream what JOURNAL_STREAM says, as the shell has it */
function writtenBy(format: string, stream: string): string {
  const script = `{ exec 3>&1; JOURNAL_STREAM=${stream} exec "$0" --input-type=module-typescript -e "$1" "$2"; } | cat`;
  const words = ['-c', script, NODE, TWO_LINES, format];
  const result = spawnSync('sh', words, { encoding: 'utf8' });
  assert.equal(result.stderr, '');
  return result.stdout;
}

/** The pipe to `cat`, as the shell sees it. */
const OWN_PIPE = '$(stat -Lc %d:%i /proc/self/fd/3)';

test('lines are JSON with the name of their level and an ISO time, or for people', () => {
  const { time, ...line } = JSON.parse(writtenBy('auto', ''));
  assert.deepEqual(line, { level: 'warn', component: 'a', b: 1, msg: 'c' });
  assert.equal(new Date(time).toISOString(), time);
  assert.match(writtenBy('text', ''), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARN {2}a: c b=1\n$/);
});

test('in the journal lines begin with their priority, and not where JOURNAL_STREAM is of something else', () => {
  assert.match(writtenBy('auto', OWN_PIPE), /^<4>\{"level":"warn",.*\}\n$/);
  assert.equal(writtenBy('text', OWN_PIPE), '<4>WARN  a: c b=1\n');
  assert.match(writtenBy('auto', '1:1'), /^\{"level":"warn"/);
});
