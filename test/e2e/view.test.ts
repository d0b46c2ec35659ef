/** What people see of a real service with real packets: status, exporters, collectors, top. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { attempt, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { STEADY_COLLECTOR, STEADY_RULES, startSteadyTraffic } from '../lab/steady-traffic.ts';

const PER_SECOND = 500;

/** Exporters with odd numbers send by IPv6; the first five have rules. */
const KNOWN = ['203.0.113.1:15000', '[2001:db8:e::2]:15001', '203.0.113.3:15002'];
const UNKNOWN = ['[2001:db8:e::6]:15005', '203.0.113.7:15006', '203.0.113.9:15008'];

const COLLECTOR = `[${STEADY_COLLECTOR.host}]:${STEADY_COLLECTOR.port}`;

async function startStage(): Promise<Stage> {
  const stage = await Stage.start();
  await stage.service.api.replace(STEADY_RULES);
  await startSteadyTraffic(stage, PER_SECOND);
  return stage;
}

function cli(stage: Stage, ...args: string[]) {
  return attempt(['ip', 'netns', 'exec', stage.lab.proxy, floxy, ...args]);
}

/** Rows of a table by their first cell. */
function rowsOf(table: string): Map<string, string[]> {
  const cells = table.split('\n').map((line) => line.split(/ {2,}/));
  return new Map(cells.map((row) => [row[0] ?? '', row]));
}

describe('what people see', { skip: requireRoot() }, () => {
  test('S20: status tells what goes through, what was lost and what to do', async () => {
    await using stage = await startStage();
    const fine = await waitFor('traffic was measured', async () => {
      const { stdout, status } = await cli(stage, 'status');
      return /^in [1-9]\d* pps .*, out [1-9]\d* pps/m.test(stdout) && { stdout, status };
    });
    assert.match(
      fine.stdout,
      /^OK {2}floxy \S+ \(\w+\) up \d+s, \[::\]:2055, 2 forwarders, revision 1, 5 rules, 1 default output$/m,
    );
    assert.equal(fine.status, 0);
    const far = { host: '192.88.99.1', port: 5 };
    await stage.service.api.replace({ rules: [], defaultOutputs: [[far]] });
    const lossy = await waitFor('losses are told, and that there is no route', async () => {
      const { stdout, status } = await cli(stage, 'status');
      const isTold =
        /- \d+ lost in \d+ s: send error ENETUNREACH\n {2}a route/.test(stdout) &&
        /- collector 192\.88\.99\.1:5: there is no route to it: add one/.test(stdout);
      return isTold && { stdout, status };
    });
    assert.match(lossy.stdout, /^Degraded .*\n.*, lost [1-9][\d,]* in /);
    assert.equal(lossy.status, 1);
    const [, , , , errors, , , , state] =
      rowsOf((await cli(stage, 'collectors')).stdout).get('192.88.99.1:5') ?? [];
    assert.match(errors ?? '', /^ENETUNREACH [\d.]+k?$/);
    assert.equal(state, 'there is no route to it: add one (ip route add)');
  });

  test('S22: exporters with and without rules, with their rates; collectors over all rules', async () => {
    await using stage = await startStage();
    const unknown = await waitFor('all unknown exporters are seen', async () => {
      const rows = rowsOf((await cli(stage, 'exporters', '--unknown')).stdout);
      return UNKNOWN.every((name) => rows.has(name)) && rows;
    });
    for (const name of KNOWN) assert.ok(!unknown.has(name), name);
    for (const name of UNKNOWN) {
      assert.equal(unknown.get(name)?.[1], 'default');
      assert.equal(unknown.get(name)?.at(-1), 'unknown');
    }
    const some = rowsOf((await cli(stage, 'exporters', '203.0.113.0/30')).stdout);
    assert.deepEqual([...some.keys()].sort(), [
      '',
      '203.0.113.1:15000',
      '203.0.113.3:15002',
      'EXPORTER',
    ]);
    assert.equal(some.get('203.0.113.1:15000')?.[1], '203.0.113.1');
    const { stdout } = await cli(stage, 'collectors', '-o', 'json', '--interval', '2');
    const [collector] = JSON.parse(stdout).collectors;
    assert.deepEqual(collector.endpoint, STEADY_COLLECTOR);
    assert.equal(collector.outputs, 6);
    assert.ok(collector.rate.packetsPerSecond > 0);
  });

  test('S21: status --settings are those of the service', async () => {
    await using stage = await startStage();
    const { stdout } = await cli(stage, 'status', '--settings');
    assert.match(stdout, /^COLLECTOR_FLOXY_ADDRESS=\[::\]:2055 {2}# /m);
    assert.match(stdout, /^COLLECTOR_FLOXY_THREAD_COUNT=2 {2}# /m);
  });

  test('S22: top draws in a terminal, and prints lines where there is none', async () => {
    await using stage = await startStage();
    const lines = await cli(stage, 'top', '-n', '2', '--interval', '1');
    assert.equal(lines.status, 0);
    assert.equal(lines.stdout.match(/^\d{4}-.*Z {2}in /gm)?.length, 2);
    assert.ok(lines.stdout.includes(COLLECTOR));
    assert.ok(!lines.stdout.includes('\u001b'));
    const size = 'stty rows 20 columns 100';
    const command = `${size}; ip netns exec ${stage.lab.proxy} ${floxy} top -n 2 --interval 1`;
    // script gives it a terminal of its own.
    const drawn = await attempt(['script', '-qec', command, '/dev/null']);
    assert.equal(drawn.status, 0, drawn.stdout);
    const frames = drawn.stdout.split('\u001b[H').slice(1);
    const last = (frames.at(-1) ?? '').split('\r\n').map((line) => line.split('\u001b')[0] ?? '');
    assert.equal(last.length, 20);
    assert.match(
      last[0] ?? '',
      /^floxy top {2}127\.0\.0\.1:8853 .* sorted by packets {2}10 exporters, 1 collector$/,
    );
    assert.ok(
      last.some((line) => line.startsWith(COLLECTOR)),
      last.join('\n'),
    );
    assert.ok(
      last.some((line) => line.startsWith('203.0.113.')),
      last.join('\n'),
    );
    assert.match(last[19] ?? '', /^q quit/);
    assert.ok(drawn.stdout.startsWith('\u001b[?1049h') && drawn.stdout.includes('\u001b[?1049l'));
  });

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`S22: top gives the terminal back on ${signal}`, async () => {
      await using stage = await startStage();
      const pidFile = path.join(stage.service.folder, 'top.pid');
      const top = `echo $$ > ${pidFile}; exec ip netns exec ${stage.lab.proxy} ${floxy} top`;
      const child = spawn('script', ['-qec', top, '/dev/null']);
      let drawn = '';
      child.stdout.on('data', (bytes: Buffer) => {
        drawn += bytes;
      });
      const ended = once(child, 'close');
      await waitFor('top has drawn', () => drawn.includes('q quit'));
      process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
      await ended;
      assert.equal(child.exitCode, 0);
      assert.ok(drawn.endsWith('\u001b[?25h\u001b[?1049l'), JSON.stringify(drawn.slice(-80)));
    });
  }
});
