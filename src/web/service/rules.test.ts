import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  collectorStatus,
  IDLE,
  presentRules,
  proxySource,
  serviceSource,
} from '../../../test/support/metric-sources.ts';
import { outputs, rule, ruleSet } from '../../../test/support/rule-sets.ts';
import type { ForwarderStatus } from '../../telemetry/status.ts';
import { familiesOf } from '../metric.ts';
import { formatMetrics } from '../prometheus.ts';
import { COLLECTOR_METRICS } from './collector-metrics.ts';
import { ALL_COLLECTORS, CollectorSums } from './collector-sums.ts';
import { RULE_METRICS, type ToldRules } from './rule-metrics.ts';
import { RuleReader, readRuleQuery } from './rule-reader.ts';
import type { ProxySource } from './source.ts';

const RULES = ruleSet(
  [
    rule('192.0.2.1', ['198.51.100.1:9', '198.51.100.2'], ['198.51.100.1:9']),
    rule('[2001:db8::1]:5', ['2001:db8:c::1']),
    { ...rule('192.0.2.3'), outputs: [{ pipeline: 'kafka' }] },
  ],
  outputs(['198.51.100.3']),
);

function reader(limit: number, proxy: ProxySource, received = { packets: 0n, bytes: 0n }) {
  const forwarders = [{ ...IDLE, received, index: 0, restarts: 0 } satisfies ForwarderStatus];
  return new RuleReader(serviceSource({ forwarders: () => forwarders }), proxy, limit);
}

function linesOf(told: ToldRules): string[] {
  const page = [...formatMetrics(familiesOf(RULE_METRICS, told))].join('');
  return page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

const PACKETS = /_packets_total/;

test('S30: each rule is told with what came, and each of its collectors and pipelines with what it was sent', async () => {
  const present = presentRules(RULES, { packets: 5n, bytes: 50n });
  const { rules } = await reader(3, proxySource({ presentRules: () => present })).all();
  const lines = linesOf(rules);
  assert.deepEqual(
    lines.filter((line) => PACKETS.test(line)),
    [
      'floxy_exporter_received_packets_total{exporter="192.0.2.1"} 5',
      'floxy_exporter_received_packets_total{exporter="[2001:db8::1]:5"} 5',
      'floxy_exporter_received_packets_total{exporter="192.0.2.3"} 5',
      // In both outputs.
      'floxy_exporter_sent_packets_total{exporter="192.0.2.1",collector="198.51.100.1:9"} 2',
      'floxy_exporter_sent_packets_total{exporter="192.0.2.1",collector="198.51.100.2"} 1',
      'floxy_exporter_sent_packets_total{exporter="[2001:db8::1]:5",collector="2001:db8:c::1"} 1',
      'floxy_exporter_sent_packets_total{exporter="192.0.2.3",pipeline="kafka"} 1',
      'floxy_exporter_sent_packets_total{exporter="default",collector="198.51.100.3"} 1',
      'floxy_mismatched_packets_total 3',
    ],
  );
  assert.ok(lines.includes('floxy_exporter_received_bytes_total{exporter="192.0.2.1"} 50'));
  assert.ok(
    lines.includes(
      'floxy_exporter_sent_bytes_total{exporter="192.0.2.1",collector="198.51.100.1:9"} 4',
    ),
  );
  assert.ok(lines.includes('floxy_rules_aggregated 0'));
});

test('S5: outputs that have a name are told apart by it', async () => {
  const [{ outputs: plain } = { outputs: [] }] = RULES.rules;
  const [first, second] = plain;
  assert.ok(first && second);
  const named = { ...rule('192.0.2.1'), outputs: [{ ...first, name: 'archive' }, second] };
  const present = presentRules(ruleSet([named]));
  const { rules } = await reader(3, proxySource({ presentRules: () => present })).all();
  assert.deepEqual(
    linesOf(rules).filter((line) => /sent_packets/.test(line)),
    [
      'floxy_exporter_sent_packets_total{exporter="192.0.2.1",collector="198.51.100.1:9",output="archive"} 1',
      'floxy_exporter_sent_packets_total{exporter="192.0.2.1",collector="198.51.100.2",output="archive"} 1',
      'floxy_exporter_sent_packets_total{exporter="192.0.2.1",collector="198.51.100.1:9"} 1',
    ],
  );
});

test('R21, R22: what outputs left out is told by output and reason', async () => {
  const [first, second] = outputs(['198.51.100.1:9'], ['198.51.100.2']);
  const all = [
    { ...first, collectors: first?.collectors ?? [], sampleOneIn: 2 },
    { collectors: second?.collectors ?? [], name: 'sflow', sampleOneIn: 3, filter: {} },
  ];
  const set = ruleSet([{ ...rule('192.0.2.1'), outputs: all }, rule('192.0.2.2')], all.slice(0, 1));
  const { rules } = await reader(3, proxySource({ presentRules: () => presentRules(set) })).all();
  const name = 'floxy_exporter_left_out_packets_total';
  assert.deepEqual(
    linesOf(rules).filter((line) => line.startsWith(name)),
    [
      `${name}{exporter="192.0.2.1",output="#0",reason="sampling"} 4`,
      `${name}{exporter="192.0.2.1",output="sflow",reason="filter"} 5`,
      `${name}{exporter="192.0.2.1",output="sflow",reason="sampling"} 4`,
      `${name}{exporter="default",output="#0",reason="sampling"} 4`,
    ],
  );
});

test('S31: more rules than the limit are one series, which says so', async () => {
  const present = presentRules(RULES, { packets: 5n, bytes: 50n });
  const proxy = proxySource({ presentRules: () => present });
  const { rules } = await reader(2, proxy, { packets: 103n, bytes: 1030n }).all();
  assert.deepEqual(linesOf(rules), [
    'floxy_exporter_received_packets_total{exporter="all rules"} 100',
    'floxy_exporter_received_bytes_total{exporter="all rules"} 1000',
    'floxy_exporter_sent_packets_total{exporter="default",collector="198.51.100.3"} 1',
    'floxy_exporter_sent_bytes_total{exporter="default",collector="198.51.100.3"} 2',
    'floxy_mismatched_packets_total 3',
    'floxy_mismatched_bytes_total 30',
    'floxy_rules_aggregated 1',
  ]);
});

test('S31: rules that are asked for are told alone, whatever the limit; what has no rule is counted', async () => {
  const present = presentRules(RULES, { packets: 5n, bytes: 50n });
  const asked = readRuleQuery(new URLSearchParams('rule=2001:DB8::1&rule=[2001:db8:0::1]:5'));
  const told = await reader(0, proxySource({ presentRules: () => present })).some(
    asked ?? new Set(),
  );
  assert.deepEqual(
    linesOf(told).filter((line) => !line.includes('_bytes_')),
    [
      'floxy_exporter_received_packets_total{exporter="[2001:db8::1]:5"} 5',
      'floxy_exporter_sent_packets_total{exporter="[2001:db8::1]:5",collector="2001:db8:c::1"} 1',
      'floxy_rules_not_found 1',
    ],
  );
});

test('S31: what is no exporter is refused by its text', () => {
  for (const text of ['', 'router1', '192.0.2.0/33', '192.0.2.1:0', '::ffff:1.2.3.4%eth0']) {
    const query = new URLSearchParams([['rule', text]]);
    assert.throws(() => readRuleQuery(query), { code: 'INVALID_INPUT', message: /is no exporter/ });
  }
  assert.equal(readRuleQuery(new URLSearchParams('collect[]=a')), undefined);
});

test('R18, S31: rules of prefixes and listening ports are asked for by their names', () => {
  const query = new URLSearchParams('rule=10.20.0.0/16&rule=[2001:DB8::/32]:7@9995');
  assert.deepEqual(readRuleQuery(query), new Set(['10.20.0.0/16', '[2001:db8::/32]:7@9995']));
});

test('S31: rules that change while they are counted are counted anew: all numbers are of one rule set', async () => {
  const many = ruleSet(
    Array.from({ length: 3000 }, (_, i) => rule(`10.0.${i >> 8}.${i & 255}`, ['198.51.100.1'])),
  );
  let looks = 0;
  const present = () => {
    const number = ++looks;
    const counted = presentRules(many, { packets: BigInt(number), bytes: 0n });
    const slow = {
      ...counted.counters,
      input: () => {
        const end = performance.now() + 0.02;
        while (performance.now() < end);
        return { packets: BigInt(number), bytes: 0n };
      },
    };
    return { ...counted, counters: slow, isPresent: () => number >= 3 };
  };
  const { rules } = await reader(10_000, proxySource({ presentRules: present })).all();
  assert.equal(looks, 3);
  assert.deepEqual(new Set(rules.counts.received.filter((_, i) => i % 2 === 0)), new Set([3]));
  assert.equal(rules.counts.received.length, 6000);
});

test('S30: what a collector was sent never goes back, also when rules that named it go', () => {
  const sums = new CollectorSums();
  const read = (...statuses: Parameters<typeof collectorStatus>[]) =>
    sums.read(
      statuses.map((parts) => collectorStatus(...parts)),
      10,
    );
  read(['198.51.100.1:9', 100n, 1000n]);
  const [less] = read(['198.51.100.1:9', 40n, 400n]);
  assert.deepEqual([less?.packets, less?.bytes], [100, 1000]);
  const [more] = read(['198.51.100.1:9', 45n, 450n]);
  assert.deepEqual([more?.packets, more?.bytes], [105, 1050]);
  read();
  const [anew] = read(['198.51.100.1:9', 1n, 10n]);
  assert.deepEqual([anew?.packets, anew?.bytes], [1, 10]);
});

test('S31: more collectors than the limit are one series', () => {
  const errors = [{ code: 'EPERM', count: 2n }];
  const statuses = ['198.51.100.1:9', '198.51.100.2:9', '198.51.100.3:9'].map((name) => ({
    ...collectorStatus(name, 5n, 50n),
    errors,
  }));
  const sums = new CollectorSums().read(statuses, 2);
  const page = [...formatMetrics(familiesOf(COLLECTOR_METRICS, sums))].join('');
  const label = `collector="${ALL_COLLECTORS}"`;
  assert.match(page, new RegExp(`^floxy_collector_sent_packets_total\\{${label}\\} 15$`, 'm'));
  assert.match(
    page,
    new RegExp(`^floxy_collector_send_errors_total\\{${label},error="EPERM"\\} 6$`, 'm'),
  );
});
