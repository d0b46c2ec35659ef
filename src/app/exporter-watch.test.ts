import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { endpoint, exporter, rule } from '../../test/support/rule-sets.ts';
import type { NewEvent } from '../model/events.ts';
import type { ExporterStatus, SilentRule } from '../model/exporter-status.ts';
import type { Rule } from '../model/rules.ts';
import { ExporterWatch } from './exporter-watch.ts';

const BEGIN_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

/** A network whose exporters send when the test says so, and what the watch tells of it. */
class Network {
  readonly told: NewEvent[] = [];
  nowMs = BEGIN_MS;
  sinceMs = BEGIN_MS - 3_600_000;
  rules: readonly Rule[] = [];
  readonly #seen = new Map<string, ExporterStatus>();
  readonly watch: ExporterWatch;

  constructor() {
    this.watch = new ExporterWatch({
      report: async () => ({
        since: new Date(this.sinceMs),
        seen: [...this.#seen.values()],
        silent: this.#neverHeard(),
        forgotten: 0n,
      }),
      rules: () => ({ rules: this.rules, defaultOutputs: [] }),
      events: { emit: (event) => this.told.push(event) },
      log: pino({ level: 'silent' }),
      now: () => this.nowMs,
    });
  }

  send(from: string, by?: Rule): void {
    const at = new Date(Math.floor(this.nowMs / 1000) * 1000);
    const { exporter: ruled, expectEveryMs } = by ?? {};
    this.#seen.set(from, {
      endpoint: endpoint(from),
      received: { packets: 1n, bytes: 1n },
      protocol: 'NETFLOW_V9',
      protocols: ['NETFLOW_V9'],
      missed: [],
      firstSeen: this.#seen.get(from)?.firstSeen ?? at,
      lastSeen: at,
      truncated: 0n,
      lost: 0n,
      ...(ruled && { rule: ruled }),
      ...(expectEveryMs !== undefined && { expectEveryMs }),
    });
  }

  /** What is told after so many minutes more. */
  async after(minutes: number): Promise<string[]> {
    this.nowMs += minutes * MINUTE_MS;
    this.told.length = 0;
    await this.watch.look();
    return this.told.map(({ kind, subject }) => `${kind} ${subject}`);
  }

  #neverHeard(): SilentRule[] {
    const heard = new Set(Array.from(this.#seen.values(), (seen) => seen.rule));
    return this.rules.flatMap(({ exporter: ruled, expectEveryMs }) => {
      if (heard.has(ruled) || expectEveryMs === undefined) return [];
      return [{ exporter: ruled, expectEveryMs }];
    });
  }
}

function expecting(text: string, minutes: number): Rule {
  return { ...rule(text), expectEveryMs: minutes * MINUTE_MS };
}

test('S43: who is silent for longer than its rule expects is told once, and when it is back', async () => {
  const network = new Network();
  const router = expecting('192.0.2.1', 5);
  network.rules = [router];
  network.send('192.0.2.1:1000', router);
  assert.deepEqual(await network.after(0), []);
  assert.deepEqual(await network.after(5), []);
  assert.deepEqual(await network.after(1), ['ExporterSilent 192.0.2.1']);
  assert.equal(network.told[0]?.cause, 'silent for 6m, expected every 5m');
  assert.equal(network.told[0]?.rule, '192.0.2.1');
  assert.deepEqual(await network.after(60), []);
  assert.equal(network.watch.silent().length, 1);
  network.send('192.0.2.1:1000', router);
  assert.deepEqual(await network.after(0), ['ExporterBack 192.0.2.1']);
  assert.equal(network.told[0]?.cause, 'it was silent for 1h 6m');
  assert.deepEqual(network.watch.silent(), []);
});

test('S43: one that sends and is silent again between two looks is told as both', async () => {
  const network = new Network();
  const router = expecting('192.0.2.1', 5);
  network.rules = [router];
  network.send('192.0.2.1:1000', router);
  assert.deepEqual(await network.after(6), ['ExporterSilent 192.0.2.1']);
  network.send('192.0.2.1:1000', router);
  const both = ['ExporterBack 192.0.2.1', 'ExporterSilent 192.0.2.1'];
  assert.deepEqual(await network.after(6), both);
  assert.deepEqual(await network.after(6), []);
});

test('S43: all ports of an address are one exporter, unless its rule has a port', async () => {
  const network = new Network();
  const router = expecting('192.0.2.1', 5);
  const engine = expecting('192.0.2.2:9000', 5);
  network.rules = [router, engine];
  for (const port of [1000, 1001]) network.send(`192.0.2.1:${port}`, router);
  network.send('192.0.2.2:9000', engine);
  await network.after(3);
  network.send('192.0.2.1:1001', router);
  assert.deepEqual(await network.after(4), ['ExporterSilent 192.0.2.2:9000']);
});

test('S43: of a network each address that was seen is expected', async () => {
  const network = new Network();
  const { exporter: first, ...rest } = expecting('10.0.0.0', 5);
  const site: Rule = { ...rest, exporter: { ...first, prefixLength: 8 } };
  network.rules = [site];
  assert.deepEqual(await network.after(6), ['ExporterSilent 10.0.0.0/8'], 'nothing ever came');
  network.send('10.1.1.1:5', site);
  assert.deepEqual(await network.after(0), ['ExporterBack 10.0.0.0/8']);
  network.send('10.2.2.2:5', site);
  await network.after(4);
  network.send('10.1.1.1:5', site);
  assert.deepEqual(await network.after(2), ['ExporterSilent 10.2.2.2']);
  assert.equal(network.told[0]?.rule, '10.0.0.0/8');
  network.send('10.1.1.1:5', site);
  assert.deepEqual(await network.after(8 * 1440), ['ExporterSilent 10.1.1.1'].slice(1));
  assert.deepEqual(network.watch.silent(), [], 'after a week nobody expects them');
});

test('S43: silence of a rule counts from when counting began, or when the rule came', async () => {
  const network = new Network();
  network.sinceMs = BEGIN_MS;
  network.rules = [expecting('192.0.2.1', 5)];
  assert.deepEqual(await network.after(1), []);
  assert.deepEqual(await network.after(3), []);
  network.rules = [...network.rules, expecting('192.0.2.2', 5)];
  network.watch.rulesChanged();
  assert.deepEqual(await network.after(2), ['ExporterSilent 192.0.2.1']);
  assert.deepEqual(await network.after(2), []);
  assert.deepEqual(await network.after(2), ['ExporterSilent 192.0.2.2']);
  assert.equal(network.told[0]?.cause, 'nothing has come for 6m, expected every 5m');
  network.rules = [];
  assert.deepEqual(await network.after(1), [], 'a rule that is no more is not back');
  assert.deepEqual(network.watch.silent(), []);
});

test('S44: a new address is told once, its other ports are no news', async () => {
  const network = new Network();
  network.send('192.0.2.1:1000');
  await network.after(1);
  network.send('192.0.2.1:1001');
  network.send('192.0.2.2:1000');
  const router = rule('192.0.2.3');
  network.send('192.0.2.3:1', router);
  assert.deepEqual(await network.after(1), [
    'ExporterNew 192.0.2.2:1000',
    'ExporterNew 192.0.2.3:1',
  ]);
  assert.match(network.told[0]?.cause ?? '', /^it sends NETFLOW_V9, and no rule matches it/);
  assert.equal(network.told[1]?.rule, '192.0.2.3');
  assert.deepEqual(await network.after(1), []);
});

test('S44: after counting began anew nobody is new for five minutes', async () => {
  const network = new Network();
  network.sinceMs = BEGIN_MS;
  network.nowMs += 10_000;
  network.send('192.0.2.1:1000');
  assert.deepEqual(await network.after(1), []);
  assert.deepEqual(await network.after(5), []);
  network.send('192.0.2.2:1000');
  assert.deepEqual(await network.after(1), ['ExporterNew 192.0.2.2:1000']);
});

test('S44: of many at the same time a hundred are told one by one', async () => {
  const network = new Network();
  await network.after(1);
  for (let i = 0; i < 250; i++) network.send(`10.0.0.${i}:1`);
  const told = await network.after(1);
  assert.equal(told.length, 101);
  assert.equal(told.at(-1), 'ExporterNew 150 more');
  assert.equal(network.told.at(-1)?.exporters?.length, 5);
});

test('an exporter of a rule that expects nothing is never silent', async () => {
  const network = new Network();
  network.rules = [{ exporter: exporter('192.0.2.1'), outputs: [] }];
  network.send('192.0.2.1:1', network.rules[0]);
  assert.deepEqual(await network.after(1_000_000), []);
});
