import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const NODE = fileURLToPath(new URL('../../bin/floxy-node', import.meta.url));
const LINES = 5000;

/** Writes far more than waits, says so on stderr, and closes the log when its input ends. */
const PROGRAM = `
  import { openLog } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)};
  const { log, close } = openLog('info');
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
