/** Collectors that die and come back, on the wire of the real service. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WatchedMessage } from '../lab/api.ts';
import { killHosts, NOBODY, reviveHosts, startCollector } from '../lab/collectors.ts';
import type { CollectorText, RuleSetText } from '../lab/reference.ts';
import { requireRoot } from '../lab/require-root.ts';
import { Service } from '../lab/service.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { Stage } from '../lab/stage.ts';
import { tellTime } from '../lab/times.ts';
import { assertWellFormed, verify } from '../lab/verify.ts';

const ICMP = { interval: '300ms', timeout: '100ms', rise: 2, fall: 3 };
const PORT = { check: 'PORT', interval: '1s', timeout: '200ms', rise: 2, fall: 2 };
const EXPORTER = { host: '203.0.113.7', port: 5007 };
const SECOND = { host: '203.0.113.8', port: 5008 };
const EXPORTER_V6 = { host: '2001:db8:e::7', port: 5007 };

const collector = (host: string, health: object = ICMP, more: object = {}): CollectorText => ({
  host,
  port: 9995,
  health,
  ...more,
});
const A = collector('198.51.100.1');
const B = collector('198.51.100.2');
const C = collector('198.51.100.3');

describe('collectors that are down', { skip: requireRoot() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage[Symbol.asyncDispose]());

  async function watched(): Promise<Map<string, WatchedMessage>> {
    const { collectors } = await stage.api.traffic();
    return new Map(
      collectors.flatMap(({ endpoint, health }) => (health ? [[endpoint.host ?? '', health]] : [])),
    );
  }

  /** What statistics say of the collectors of the first output. */
  async function told(): Promise<Record<string, string | undefined>> {
    const { rules } = await stage.api.statistics();
    const { collectors = [] } = rules[0]?.outputs[0] ?? {};
    return Object.fromEntries(
      collectors.map(({ endpoint, health }) => [endpoint.host ?? '', health]),
    );
  }

  async function reach(state: string, ...hosts: readonly string[]): Promise<void> {
    let seen = '';
    await waitFor(
      () => `${hosts} are ${state}: ${seen}`,
      async () => {
        const found = await watched();
        seen = JSON.stringify([...found.values()]);
        return hosts.every((host) => found.get(host)?.state === state);
      },
    );
  }

  /** Holds the wire against the rules and who is down; first waits until what was known is in force. */
  async function forward(ruleSet: RuleSetText, count = 120, from = [EXPORTER]) {
    await waitFor('what is known is in force', () =>
      send(ruleSet, 24, from).then(
        () => true,
        (error) => {
          if (error instanceof assert.AssertionError) return false;
          throw error;
        },
      ),
    );
    return send(ruleSet, count, from);
  }

  async function send(ruleSet: RuleSetText, count: number, from: (typeof EXPORTER)[]) {
    const payload = (i: number) => Buffer.from(`packet ${i}`);
    const shots = Array.from({ length: count }, (_, i) =>
      from.map((endpoint) => ({ from: endpoint, payload: payload(i) })),
    ).flat();
    const everything = await stage.exchange(shots);
    // The others are checks of ports.
    const arrived = everything.filter(({ payload: { length } }) => length > 0);
    verify(arrived, {
      ruleSet,
      sent: from.map((endpoint) => ({ from: endpoint, count, payload })),
      unevenness: 2,
    });
    assertWellFormed(arrived);
    return countsOf(arrived.map(({ destination }) => destination));
  }

  const one = (outputs: RuleSetText['rules'][number]['outputs']): RuleSetText => ({
    rules: [
      { exporter: { host: EXPORTER.host }, outputs },
      { exporter: { host: SECOND.host }, outputs },
    ],
  });

  test('H3, H5: one whose process dies leaves its output, others share what it got, and it comes back', async () => {
    const all = [A, B, C].map(({ host }) => collector(host, PORT));
    const programs = await Promise.all(all.map((each) => startCollector(stage, each)));
    try {
      const rules = one([all]);
      await stage.api.replace(rules);
      await reach('up', ...all.map(({ host }) => host));
      await forward(rules, 120, [EXPORTER, SECOND]);
      await programs[1]?.[Symbol.asyncDispose]();
      const killedMs = performance.now();
      const isDown = async () => (await stage.api.status()).health?.down === 1;
      await waitFor('one is down', isDown, HANG_MS, 20);
      // Twice the interval of PORT, and what it takes to publish and to look.
      tellTime('a dead collector is out', performance.now() - killedMs, 2_200);
      await reach('down', B.host);
      assert.deepEqual(await told(), { [A.host]: 'up', [B.host]: 'down', [C.host]: 'up' });
      const shared = await forward({ ...rules, down: [B] }, 120, [EXPORTER, SECOND]);
      assert.deepEqual(Object.keys(shared).sort(), [A.host, C.host]);
      const { troubled = [], ...counts } = (await stage.api.status()).health ?? {};
      assert.deepEqual(counts, { watched: 3, down: 1, unknown: 0 });
      assert.equal(troubled[0]?.endpoint.host, B.host);
      assert.match(troubled[0]?.cause ?? '', /the port is closed \(ECONNREFUSED\)/);
      programs[1] = await startCollector(stage, B);
      await reach('up', B.host);
      const after = await forward(rules, 120);
      assert.deepEqual(after, { [A.host]: 40, [B.host]: 40, [C.host]: 40 }, 'no burst');
    } finally {
      for (const program of programs) await program[Symbol.asyncDispose]();
    }
  });

  test('H4: every packet has one copy and each copy is counted, whatever happens meanwhile', async () => {
    const weighted = [{ ...A, weight: 3 }, B, { ...C, weight: 2 }];
    const rules = one([weighted, [C, B]]);
    await stage.api.replace(rules);
    await reach('up', A.host, B.host, C.host);
    const { response: before } = await stage.api.call<{ revision?: string }>(
      'Settings',
      'ListProxyRules',
    );
    const inputBefore = await totals();
    const traffic = stage.exporters.startTraffic({
      name: 'flapping',
      streams: [
        {
          stream: 1,
          from: EXPORTER,
          to: { host: '198.18.1.1', port: 2055 },
          sizes: { fixed: 100 },
        },
      ],
      packetsPerSecond: 2000,
    });
    await traffic;
    for (const hosts of [[A.host], [B.host, C.host], [A.host, B.host, C.host]]) {
      await killHosts(stage, hosts);
      await waitFor('they are down', async () => {
        const found = await watched();
        return hosts.every((host) => found.get(host)?.state === 'down');
      });
      await reviveHosts(stage, hosts);
      await waitFor('they are up', async () => {
        const found = await watched();
        return hosts.every((host) => found.get(host)?.state === 'up');
      });
    }
    const { sentPerStream, failed } = await stage.exporters.stopTraffic('flapping');
    assert.equal(failed, 0);
    // An earlier test had ports checked, whose last datagram can come now.
    const arrived = (await stage.settle(sentPerStream)).filter(({ payload }) => payload.length > 0);
    assert.equal(arrived.length, 2 * sentPerStream, 'one copy for each output');
    const copies = new Map<string, number>();
    for (const { payload } of arrived) {
      const key = payload.toString('latin1', 0, 8);
      copies.set(key, (copies.get(key) ?? 0) + 1);
    }
    assert.ok([...copies.values()].every((count) => count === 2));
    const counted = await totals();
    assert.equal(counted.input - inputBefore.input, sentPerStream);
    assert.equal(counted.output - inputBefore.output, 2 * sentPerStream);
    const { response: same } = await stage.api.call('Settings', 'ListProxyRules');
    assert.deepEqual(same, before, 'no change of rules');
  });

  async function totals() {
    const { rules } = await stage.api.statistics();
    const sum = (numbers: readonly string[]) =>
      numbers.reduce((all, each) => all + Number(each), 0);
    return {
      input: sum(rules.map(({ exporter }) => exporter.input.packets)),
      output: sum(
        rules.flatMap(({ outputs }) =>
          outputs.flatMap(({ collectors }) => collectors.map(({ output }) => output.packets)),
        ),
      ),
    };
  }

  test('H3: standby collectors serve while no other is up, and all do as if they were up when none is', async () => {
    const spare = { ...C, standby: true };
    const rules = one([[A, B, spare]]);
    await stage.api.replace(rules);
    await reach('up', A.host, B.host, C.host);
    assert.deepEqual(Object.keys(await forward(rules)).sort(), [A.host, B.host]);
    await killHosts(stage, [A.host]);
    await reach('down', A.host);
    assert.deepEqual(await forward({ ...rules, down: [A] }), { [B.host]: 120 });
    await killHosts(stage, [B.host]);
    await reach('down', A.host, B.host);
    assert.deepEqual(await forward({ ...rules, down: [A, B] }), { [C.host]: 120 });
    await killHosts(stage, [C.host]);
    await reach('down', A.host, B.host, C.host);
    await forward({ ...rules, down: [A, B, C] });
    await reviveHosts(stage, [A.host, B.host, C.host]);
    await reach('up', A.host, B.host, C.host);
    await forward(rules);
  });

  test('H3: IPv6 packets, and IPv4 packets to IPv6 collectors, go to those that are up', async () => {
    const six = ['2001:db8:c::1', '2001:db8:c::2', '2001:db8:c::3'].map((host) => collector(host));
    const [dead = A, ...living] = six;
    const rules: RuleSetText = {
      rules: [
        { exporter: { host: EXPORTER_V6.host }, outputs: [six] },
        { exporter: { host: EXPORTER.host }, outputs: [[...six, A]] },
      ],
      defaultOutputs: [[...six, A, B]],
    };
    await stage.api.replace(rules);
    await reach('up', ...six.map(({ host }) => host), A.host);
    const from = [EXPORTER, EXPORTER_V6, SECOND, { host: '2001:db8:e::8', port: 5008 }];
    await forward(rules, 60, from);
    await killHosts(stage, [`${dead.host}/128`]);
    try {
      await reach('down', dead.host);
      await forward({ ...rules, down: [dead] }, 60, from);
      assert.equal(living.length, 2);
    } finally {
      await reviveHosts(stage, [`${dead.host}/128`]);
    }
  });

  test('H3: 64 collectors, of which 40 die, share among the others', async () => {
    const all = Array.from({ length: 64 }, (_, i) => collector(`192.0.2.${i + 1}`));
    const dead = all.slice(10, 50);
    const rules = one([all]);
    await stage.api.replace(rules);
    await reach('up', ...all.map(({ host }) => host));
    await forward(rules, 640);
    await killHosts(
      stage,
      dead.map(({ host }) => host),
    );
    try {
      await reach('down', ...dead.map(({ host }) => host));
      const counts = await forward({ ...rules, down: dead }, 480);
      assert.equal(Object.keys(counts).length, 24);
    } finally {
      await reviveHosts(
        stage,
        dead.map(({ host }) => host),
      );
    }
  });

  test('H1: a collector on a network of this host that nobody has is down, though its port is silent', async () => {
    const away = collector(NOBODY, { ...PORT, timeout: '900ms', interval: '2s' });
    const rules = one([[away, { host: A.host, port: 9995 }]]);
    await stage.api.replace(rules);
    await waitFor('it is down', async () => (await watched()).get(NOBODY)?.state === 'down');
    const counts = await forward({ ...rules, down: [away] });
    assert.deepEqual(counts, { [A.host]: 120 });
  });

  test('H2: an upgrade goes on with who is down, and a change of other rules too', async () => {
    const rules = one([[A, B]]);
    await stage.api.replace(rules);
    await reach('up', A.host, B.host);
    await killHosts(stage, [A.host]);
    try {
      await reach('down', A.host);
      await stage.api.update({
        rules: [{ exporter: { host: '203.0.113.99' }, outputs: [[B, A]] }],
      });
      assert.equal((await watched()).get(A.host)?.state, 'down');
      await forward({ ...rules, down: [A] });
      process.kill(stage.service.pid, 'SIGUSR2');
      await stage.service.waitForEnd(20_000);
      await using next = await Service.start(stage.lab, { folder: stage.service.folder });
      const shots = Array.from({ length: 50 }, (_, i) => ({
        from: EXPORTER,
        payload: Buffer.from(`${i}`),
      }));
      await stage.exporters.send(
        shots.map((shot) => ({ to: { host: '198.18.1.1', port: 2055 }, ...shot })),
      );
      await waitFor('all have arrived', () =>
        stage.capture
          .arrived()
          .slice(-50)
          .every(({ source }) => source === EXPORTER.host),
      );
      const got = new Set(
        stage.capture
          .arrived()
          .slice(-50)
          .map(({ destination }) => destination),
      );
      assert.deepEqual([...got], [B.host]);
      assert.equal((await next.api.status()).health?.down, 1);
    } finally {
      await reviveHosts(stage, [A.host]);
    }
  });
});

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
