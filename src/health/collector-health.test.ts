import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import pino from 'pino';
import { waitFor } from '../../test/lab/shell.ts';
import { endpoint, exporter } from '../../test/support/rule-sets.ts';
import { watchKey } from '../model/collector-health.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import type { Collector, Health, RuleSet } from '../model/rules.ts';
import type { Check, Outcome, Question } from './checks/check.ts';
import { CollectorHealth, type HealthChange } from './collector-health.ts';

const FAST: Health = { intervalMs: 100, timeoutMs: 50, rise: 2, fall: 2 };

/** Collectors whose checks give what a test says. */
class World {
  readonly outcomes = new Map<string, Outcome>();
  readonly wayProblems = new Map<string, string>();
  readonly asked: string[] = [];
  readonly told: HealthChange[] = [];
  readonly published: ReadonlySet<string>[] = [];
  readonly logged: string[] = [];
  closed = 0;
  before: ReadonlySet<string> = new Set();
  readonly health: CollectorHealth;

  constructor() {
    const check: Check = {
      ask: (question) => Promise.resolve(this.#answer(question)),
      close: () => this.closed++,
    };
    const write = (line: string) => this.logged.push(line);
    this.health = new CollectorHealth({
      checks: { ICMP: check, PORT: check, TCP: check, HTTP: check },
      listeningPort: 2055,
      wayProblem: (of) => this.wayProblems.get(of.host),
      downBefore: () => this.before,
      publish: (down) => {
        this.published.push(down);
        return Promise.resolve();
      },
      tell: (change) => this.told.push(change),
      log: pino({}, { write }),
    });
  }

  state(collector: Collector): string | undefined {
    return this.health.find(collector)?.state;
  }

  async reach(collector: Collector, state: string): Promise<void> {
    await waitFor(`${state}`, () => this.state(collector) === state);
  }

  [Symbol.dispose](): void {
    this.health.stop();
  }

  #answer({ endpoint: of }: Question): Outcome {
    this.asked.push(formatEndpoint(of));
    return this.outcomes.get(of.host) ?? { kind: 'good' };
  }
}

function collector(host: string, health: Health = FAST): Collector {
  return { endpoint: endpoint(host), weight: 1, health };
}

function rules(...groups: readonly (readonly Collector[])[]): RuleSet {
  return {
    rules: groups.map((collectors, i) => ({
      exporter: exporter(`203.0.113.${i}`),
      outputs: [{ collectors }],
    })),
    defaultOutputs: [],
  };
}

const FAILED: Outcome = { kind: 'failed', cause: 'no answer within 0.05 s' };

test('H1: a collector is watched once, however many rules name it with the same settings', async () => {
  using world = new World();
  const same = Array.from({ length: 50 }, () => [collector('192.0.2.1', { ...FAST })]);
  await world.health.watch(rules(...same, [collector('192.0.2.1', { intervalMs: 60_000 })]));
  assert.equal(world.health.all().length, 2);
  await waitFor('three checks', () => world.asked.length >= 3);
  assert.ok(world.asked.length < 10, `${world.asked.length} checks`);
});

test('H2: states are kept over changes of rules that leave a collector as it is', async () => {
  using world = new World();
  const [dead, other] = [collector('192.0.2.1'), collector('192.0.2.2')];
  world.outcomes.set('192.0.2.1', FAILED);
  await world.health.watch(rules([dead, other]));
  await world.reach(dead, 'down');
  await world.health.watch(rules([collector('192.0.2.1')], [other]));
  assert.equal(world.state(dead), 'down');
  await world.health.watch(rules([other]));
  assert.equal(world.state(dead), undefined);
  await world.health.watch(rules([dead, other]));
  assert.equal(world.state(dead), 'unknown', 'what is new counts as up');
  await waitFor('nobody is left out', () => world.published.at(-1)?.size === 0);
});

test('H2: who was down for the process before is down until checks say otherwise', async () => {
  using world = new World();
  const was = collector('192.0.2.1');
  world.before = new Set([watchKey(was) as string]);
  await world.health.watch(rules([was, collector('192.0.2.2')]));
  assert.equal(world.state(was), 'down');
  await world.reach(was, 'up');
  await waitFor('it is served again', () => world.published.at(-1)?.size === 0);
});

test('H1: a check that cannot be made leaves the collector up, and is told once', async () => {
  using world = new World();
  const some = [1, 2, 3].map((i) => collector(`192.0.2.${i}`));
  for (const { endpoint: of } of some)
    world.outcomes.set(of.host, { kind: 'impossible', cause: 'Operation not permitted' });
  await world.health.watch(rules(some));
  await waitFor('a few checks', () => world.asked.length > 12);
  for (const each of some) {
    assert.equal(world.state(each), 'unknown');
    assert.equal(world.health.find(each)?.problem, 'Operation not permitted');
  }
  assert.deepEqual([world.published, world.told], [[], []]);
  const lines = world.logged.filter((line) => line.includes('cannot be checked'));
  assert.equal(lines.length, 1);
});

test('H1: silence is no good sign where the neighbour on the way does not answer', async () => {
  using world = new World();
  const [silent, answering] = [collector('192.0.2.1'), collector('192.0.2.2')];
  world.outcomes.set('192.0.2.1', { kind: 'good', isSilent: true });
  for (const host of ['192.0.2.1', '192.0.2.2']) world.wayProblems.set(host, 'no ARP');
  await world.health.watch(rules([silent, answering]));
  await world.reach(silent, 'down');
  await world.reach(answering, 'up');
});

test('H5: each change is told with its cause and what to do, and what lasts is not told again', async () => {
  using world = new World();
  const dead = collector('192.0.2.1');
  world.outcomes.set('192.0.2.1', FAILED);
  await world.health.watch(rules([dead]));
  await world.reach(dead, 'down');
  assert.deepEqual(world.health.find(dead)?.cause, 'no answer within 0.05 s');
  world.outcomes.delete('192.0.2.1');
  await world.reach(dead, 'up');
  const [down, up, ...more] = world.told;
  assert.deepEqual(more, []);
  assert.match(
    `${down?.cause} ${down?.advice}`,
    /ICMP echo: no answer within 0\.05 s is its host up/,
  );
  assert.deepEqual([down?.isDown, up?.isDown], [true, false]);
});

test('H4: 10,000 collectors that die together are one publication, or a few', async () => {
  using world = new World();
  const all = Array.from({ length: 10_000 }, (_, i) =>
    collector(`10.0.${i >> 8}.${i & 255}`, { intervalMs: 1000, fall: 1 }),
  );
  for (const { endpoint: of } of all) world.outcomes.set(of.host, FAILED);
  await world.health.watch(rules(all));
  await waitFor('all are left out', () => world.published.at(-1)?.size === 10_000);
  // Checks are spread over 2.5 s: a node makes 4,000 a second.
  assert.ok(world.published.length < 100, `${world.published.length} publications`);
  assert.equal(world.logged.filter((line) => line.includes('intervals are longer')).length, 1);
});

describe('CollectorHealth', () => {
  it('watches nothing after its end', async () => {
    const world = new World();
    await world.health.watch(rules([collector('192.0.2.1')]));
    world.health.stop();
    await world.health.watch(rules([collector('192.0.2.2')]));
    assert.equal(world.closed, 4);
    assert.equal(world.health.all().length, 1);
  });
});
