/** What the generator sends, held against what the judge says of it: the tests under load rest on both. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lab } from '../../test/lab/lab.ts';
import { LinkDrops } from '../../test/lab/link-drops.ts';
import { requireRoot } from '../../test/lab/require-root.ts';
import { HANG_MS, waitFor } from '../../test/lab/shell.ts';
import { Generator, HOSTILE_KINDS, type Sent, type Traffic } from './generator.ts';
import { type Arrived, Judge } from './judge.ts';
import { buildPrograms } from './programs.ts';

const EXPORTERS = [
  { host: '203.0.113.1', port: 1001 },
  { host: '2001:db8:e::5', port: 2002 },
];
/** Of class 0, member 0. */
const COLLECTOR = { destination4: '192.0.2.0', destination6: '2001:db8:c::' };
const FIRST_PORT = 20_000;
const COUNT = 40;

/** Exporters and a judge with nothing between them; class 0 wants one output under even generations, two under odd. */
class Bench implements AsyncDisposable {
  readonly lab: Lab;
  readonly judge: Judge;
  readonly #resources: AsyncDisposableStack;
  readonly #drops: LinkDrops;
  #sent = 0;

  private constructor(lab: Lab, judge: Judge, drops: LinkDrops, resources: AsyncDisposableStack) {
    this.lab = lab;
    this.judge = judge;
    this.#drops = drops;
    this.#resources = resources;
  }

  static async start(): Promise<Bench> {
    await using resources = new AsyncDisposableStack();
    await buildPrograms();
    const lab = resources.use(await Lab.create());
    const judge = resources.use(new Judge(['ip', 'netns', 'exec', lab.proxy]));
    const exporters = EXPORTERS.map(({ host, port }) => `stream ${host} ${port} 0`);
    for (const command of ['listen exp', 'class 0 0 1 3', ...exporters, 'start'])
      await judge.ask(command);
    const drops = await LinkDrops.start(lab.linkEnds);
    return new Bench(lab, judge, drops, resources.move());
  }

  /** Sends packets as copies of the first output under generation 0, unless it is said otherwise. */
  async send(traffic: Partial<Traffic> = {}): Promise<Sent> {
    const generator = Generator.start(['ip', 'netns', 'exec', this.lab.exporters], {
      interface: 'prx',
      destinationMac: '02:f1:00:00:01:01',
      ...COLLECTOR,
      port: FIRST_PORT,
      sizes: [40, 100, 1400],
      packetsPerSecond: 5_000,
      packets: COUNT,
      exporters: EXPORTERS,
      ...traffic,
    });
    const sent = await generator.finish();
    this.#sent += sent.numbered;
    await waitFor('all are judged', async () => (await this.report()).copies >= this.#sent);
    return sent;
  }

  report(): Promise<Arrived> {
    return this.judge.ask<Arrived>('report');
  }

  /** Counts that are not 0 when so many were sent by each exporter. */
  async verdict(sentByEach: number): Promise<Partial<Arrived>> {
    assert.equal(await this.#drops.total(), 0, 'this machine dropped frames of the lab');
    const sent = EXPORTERS.map(() => sentByEach).join(' ');
    const arrived = await this.judge.ask<Arrived>(`finish ${sent}`);
    const counts = Object.entries(arrived).filter(
      ([, count]) => typeof count === 'number' && count,
    );
    return Object.fromEntries(counts.filter(([name]) => name !== 'bytes' && name !== 'copies'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const EACH = COUNT / EXPORTERS.length;
const odd = (output: number) => ({ port: FIRST_PORT + 4 + output });

/** What was sent besides the packets themselves, and what has to be said of it. */
const CASES: readonly {
  readonly what: string;
  readonly sends: readonly Partial<Traffic>[];
  readonly sentByEach?: number;
  readonly verdict: Partial<Arrived>;
}[] = [
  { what: 'all as it should be', sends: [{}], verdict: { packets: COUNT } },
  {
    what: 'copies to both outputs of an odd generation',
    sends: [odd(0), odd(1)],
    verdict: { packets: COUNT },
  },
  {
    what: 'packets that never come',
    sends: [{}],
    sentByEach: EACH + 3,
    verdict: { packets: COUNT, missing: 6 },
  },
  {
    what: 'copies that come twice',
    sends: [{}, {}],
    verdict: { packets: COUNT, doubled: COUNT, disordered: COUNT },
  },
  {
    what: 'an output that got no copy',
    sends: [odd(1)],
    verdict: { packets: COUNT, incomplete: COUNT, copiesMissing: COUNT },
  },
  {
    what: 'a copy at an output that is none of the generation',
    sends: [{ port: FIRST_PORT + 2 }],
    verdict: { packets: COUNT, misrouted: COUNT, incomplete: COUNT, copiesMissing: COUNT },
  },
  {
    what: 'a copy at a collector of another class',
    sends: [{ destination4: '192.0.2.16', destination6: '2001:db8:c::10' }],
    verdict: { packets: COUNT, misrouted: COUNT },
  },
  {
    what: 'copies by two generations, the older one last',
    sends: [odd(0), odd(1), {}],
    verdict: {
      packets: COUNT,
      mixed: COUNT,
      stale: EXPORTERS.length,
      doubled: COUNT,
      disordered: COUNT,
    },
  },
  {
    what: 'packets in another order',
    sends: [{ firstSequence: EACH }, {}],
    sentByEach: 2 * EACH,
    verdict: { packets: 2 * COUNT, disordered: COUNT },
  },
  {
    what: 'another source than the exporter',
    sends: [{ exporters: EXPORTERS.map(({ host }) => ({ host, port: 9 })) }],
    sentByEach: 0,
    verdict: { damaged: COUNT },
  },
  {
    what: 'packets of exporters that nobody knows',
    sends: [{ exporters: [...EXPORTERS, { host: '203.0.113.9', port: 9 }], packets: 30 }],
    sentByEach: 10,
    verdict: { packets: 20, unknown: 10 },
  },
];

describe('the judge of traffic', { skip: requireRoot() }, () => {
  for (const { what, sends, sentByEach = EACH, verdict } of CASES) {
    test(`it tells ${what}`, async () => {
      await using bench = await Bench.start();
      for (const traffic of sends) await bench.send(traffic);
      assert.deepEqual(await bench.verdict(sentByEach), verdict);
    });
  }

  test('hostile packets are sent of each kind, and are none of the exporters', async () => {
    await using bench = await Bench.start();
    const hostile = { kinds: HOSTILE_KINDS, packetsPerSecond: 5_000 };
    const sent = await bench.send({ hostile });
    const kinds = HOSTILE_KINDS.map((kind) => sent.hostile[kind]);
    assert.ok(Math.min(...kinds) > 0, JSON.stringify(sent.hostile));
    // What they carry has no number; a first fragment is a copy that is cut.
    const all = kinds.reduce((sum, count) => sum + count, COUNT);
    await waitFor('all are here', async () => (await bench.report()).copies >= all, HANG_MS);
    const { unnumbered, damaged, packets } = await bench.report();
    assert.deepEqual(
      { unnumbered, damaged, packets },
      { unnumbered: all - COUNT, damaged: 0, packets: COUNT },
    );
  });
});
