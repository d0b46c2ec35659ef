import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OutputQuestions, outputObstacles } from './output-obstacles.ts';

const LINKS = new Map([[2, 'eth0']]);

function obstacles(answers: Partial<OutputQuestions>) {
  return outputObstacles(LINKS, {
    readPolicyRules: () => [],
    readQdiscs: () => [],
    countEgressFilters: () => 0,
    legacyObstacle: () => undefined,
    ...answers,
  });
}

const qdisc = (kind: string, more: object = {}) => ({ link: 2, kind, hasRate: false, ...more });
const queued = (...qdiscs: ReturnType<typeof qdisc>[]) => obstacles({ readQdiscs: () => qdiscs });

test('R29: queueing disciplines that only queue are in nobody’s way, those that shape are', () => {
  for (const kind of [
    'noqueue',
    'mq',
    'pfifo_fast',
    'pfifo',
    'bfifo',
    'fq_codel',
    'fq',
    'cake',
    'clsact',
    'ingress',
  ])
    assert.deepEqual(queued(qdisc(kind)), [], kind);
  for (const kind of [
    'htb',
    'tbf',
    'hfsc',
    'netem',
    'prio',
    'drr',
    'mqprio',
    'taprio',
    'etf',
    'of the future',
  ])
    assert.deepEqual(queued(qdisc(kind)), [`eth0 has the queueing discipline ${kind}`]);
  for (const kind of ['cake', 'fq'])
    assert.deepEqual(queued(qdisc(kind, { hasRate: true })), [
      `eth0 has the queueing discipline ${kind}`,
    ]);
  assert.deepEqual(queued(qdisc('htb', { link: 3 })), [], 'of a link by which nothing leaves');
  assert.deepEqual(queued(qdisc('mq'), qdisc('fq_codel'), qdisc('tbf')), [
    'eth0 has the queueing discipline tbf',
  ]);
});

test('R29: filters at the egress of a link are in the way', () => {
  const readQdiscs = () => [qdisc('clsact')];
  const countEgressFilters = (link: number) => (link === 2 ? 1 : 0);
  assert.deepEqual(obstacles({ readQdiscs, countEgressFilters }), [
    'eth0 has filters at its egress (tc filter)',
  ]);
});

test('R29: policy rules and tables of iptables-legacy are in the way', () => {
  const rules = [
    { family: 6, priority: 100, table: 7 },
    { family: 4, priority: 9, table: 7 },
  ] as const;
  assert.deepEqual(obstacles({ readPolicyRules: () => rules, legacyObstacle: () => 'tables' }), [
    'tables',
    'there is a policy rule (ip -6 rule: priority 100)',
  ]);
});
