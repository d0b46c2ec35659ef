import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Borders, startedControl } from '../../test/support/borders.ts';
import { endpoint, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import type { CollectorStatus, SendLoss, Way } from '../model/collector-status.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import { type CollectorSource, collectCollectors } from './collectors.ts';
import { indexByExporter } from './statistics.ts';

const OK: Way = { route: 'ok', neighbour: 'reachable', device: 'eth0' };

function lossOf(collector: string, code: string, copies: bigint, seconds: number): SendLoss {
  return {
    collector: endpoint(collector),
    code,
    copies,
    at: new Date(seconds * 1000),
    exporter: endpoint(`192.0.2.${seconds}:1`),
  };
}

/** Rules that share a collector, of which each output slot has counted one packet of ten bytes. */
async function collect(
  losses: readonly SendLoss[],
  way: (host: string) => Way = () => OK,
  health: CollectorSource['health'] = () => undefined,
) {
  const rules = [
    rule('192.0.2.1', ['198.51.100.1:9'], ['198.51.100.1:9', '2001:db8::1']),
    rule('192.0.2.2', ['198.51.100.1:9']),
  ];
  const set = ruleSet(rules, outputs(['198.51.100.2']));
  const one = { packets: 1n, bytes: 10n };
  const counted = (groups: typeof set.defaultOutputs) =>
    groups.map(({ collectors = [] }) => collectors.map(() => one));
  const found = await collectCollectors({
    ruleSet: set,
    byExporter: indexByExporter(set),
    counters: {
      input: () => one,
      outputs: (of) => counted(of.outputs),
      defaultOutputs: () => counted(set.defaultOutputs),
      leftOut: () => [],
      leftOutByDefault: () => [],
      mismatched: () => one,
    },
    pause: () => true,
    listenPorts: [2055],
    losses,
    way: ({ host }) => way(host),
    health,
  });
  return new Map(found?.map((status) => [formatEndpoint(status.endpoint), status]));
}

test('S23: a collector is summed up over all rules and outputs that name it', async () => {
  const found = await collect([]);
  const seen = [...found].map(([name, { outputs, sent }]) => [name, outputs, sent.packets]);
  assert.deepEqual(seen, [
    ['198.51.100.1:9', 3, 3n],
    ['[2001:db8::1]:2055', 1, 1n],
    ['198.51.100.2:2055', 1, 1n],
  ]);
  assert.deepEqual(found.get('198.51.100.1:9')?.sent, { packets: 3n, bytes: 30n });
});

test('S23: errors are told by errno, most first, with the last one whole', async () => {
  const last = lossOf('198.51.100.1:9', 'EPERM', 2n, 9);
  const found = await collect([lossOf('198.51.100.1:9', 'ENETUNREACH', 7n, 5), last]);
  const { errors, lastError } = found.get('198.51.100.1:9') as CollectorStatus;
  assert.deepEqual(errors, [
    { code: 'ENETUNREACH', count: 7n },
    { code: 'EPERM', count: 2n },
  ]);
  assert.equal(lastError, last);
});

test('S23: losses of a collector that no rule names any more are told too', async () => {
  const found = await collect([lossOf('203.0.113.9:9', 'EPERM', 2n, 9)]);
  assert.equal(found.get('203.0.113.9:9')?.outputs, 0);
});

test('S26: what is wrong with the way to a collector is said with what to do', async () => {
  const found = await collect([], (host) =>
    host === '198.51.100.1'
      ? { route: 'ok', neighbour: 'failed', device: 'eth0' }
      : { route: 'none', neighbour: 'unknown' },
  );
  const problems = [...found.values()].map(({ problem = '' }) => problem);
  assert.match(problems[0] ?? '', /^it does not answer ARP on eth0, .*count as sent/);
  assert.match(problems[1] ?? '', /^there is no route to it: add one/);
});

test('S23: the control plane tells collectors of the rules in force, and of losses', async () => {
  const borders = new Borders();
  borders.losses = [lossOf('198.51.100.1:9', 'EPERM', 2n, 9)];
  const control = await startedControl(borders);
  const rules = [rule('192.0.2.1', ['198.51.100.1:9'])];
  await control.change({ kind: 'replace', ruleSet: ruleSet(rules) });
  const [status] = await control.collectors();
  assert.deepEqual(status?.errors, [{ code: 'EPERM', count: 2n }]);
  assert.equal(status?.route, 'unknown');
});
