/**
 * `npm run bench -- --times`: how long things take that the documents promise a time for, on a machine that has
 * nothing else to do. The tests do them (test/lab/times.ts) and judge no time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ToldTime } from '../test/lab/times.ts';
import { measureRuleChanges } from './rule-changes.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Changes of rules may make the slowest packets this much slower, or this slow. */
const LATENCY_FACTOR = 3;
const LATENCY_FLOOR_MS = 1;
const PAUSE_MS = 1_000;
const RULE_CHANGES = 'rule changes';

/**
 * Prints what was promised and what was found.
 *
 * @param only files whose name contains this; `rule changes` is a name too
 * @returns whether every promise was kept
 */
export async function judgeTimes(say: (line: string) => void, only: string): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-times-'));
  try {
    const times = path.join(folder, 'times');
    const failed = [];
    for (const file of filesThatTell().filter((name) => name.includes(only))) {
      say(`${file} ...`);
      if (!(await runTests(file, times))) failed.push(file);
      await delay(PAUSE_MS);
    }
    const told = readTimes(times);
    if (RULE_CHANGES.includes(only)) {
      say(`${RULE_CHANGES} ...`);
      told.push(await tellRuleChanges(say));
    }
    say(`\n${describe(told)}`);
    if (failed.length > 0) say(`\ntests failed: ${failed.join(', ')}`);
    return failed.length === 0 && told.every(({ ms, limitMs }) => ms <= limitMs);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Test files in which a time is told, by themselves or by what they use of the lab. */
function filesThatTell(): string[] {
  const files = globSync('test/{announce,api,e2e,faults,follower,ha,load}/*.test.ts', {
    cwd: ROOT,
  });
  const tells = (file: string) =>
    /\b(tellTime|catchesUp|scenarios)\(/.test(readFileSync(path.join(ROOT, file), 'utf8'));
  return files.filter(tells).sort();
}

async function runTests(file: string, times: string): Promise<boolean> {
  const child = spawn(process.execPath, ['--no-warnings', '--test', file], {
    cwd: ROOT,
    env: { ...process.env, FLOXY_TIMES_FILE: times },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
  return child.exitCode === 0;
}

function readTimes(file: string): ToldTime[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as ToldTime);
}

async function tellRuleChanges(say: (line: string) => void): Promise<ToldTime> {
  const { packets, packetsPerSecond, capacity, ...found } = await measureRuleChanges();
  say(
    `${packets} packets at ${packetsPerSecond}/s of ${Math.floor(capacity)}/s, ${found.changesPerSecond.toFixed(1)} changes/s: p99 ${found.quietMs.toFixed(2)} ms without and ${found.changingMs.toFixed(2)} ms with changes; none lost, doubled or misrouted`,
  );
  return {
    what: 'p99 of packets while rules change 20 times a second, at 70 % load',
    ms: found.changingMs,
    limitMs: LATENCY_FACTOR * Math.max(found.quietMs, LATENCY_FLOOR_MS),
  };
}

/** A line for each promise, with the slowest of its kind. */
function describe(told: readonly ToldTime[]): string {
  const slowest = new Map<string, ToldTime & { count: number }>();
  for (const time of told) {
    const seen = slowest.get(time.what);
    const worse = seen === undefined || time.ms > seen.ms ? time : seen;
    slowest.set(time.what, { ...worse, count: (seen?.count ?? 0) + 1 });
  }
  const rows = [...slowest.values()].map(({ what, ms, limitMs, count }) => {
    const verdict = ms <= limitMs ? 'kept' : 'BROKEN';
    return `| ${what} | ${limitMs.toFixed(0)} | ${ms.toFixed(ms < 10 ? 2 : 0)} | ${count} | ${verdict} |`;
  });
  const head = ['| what | promised ms | slowest ms | times | |', '| --- | --- | --- | --- | --- |'];
  return [...head, ...rows].join('\n');
}
