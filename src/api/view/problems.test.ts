import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FORWARDER } from '../../../test/api/fake-control.ts';
import { endpoint } from '../../../test/support/rule-sets.ts';
import type { CollectorStatus } from '../../model/collector-status.ts';
import type { FollowerStatus } from '../../model/status.ts';
import type { SystemStatus } from '../../telemetry/status.ts';
import type { Traffic } from '../../telemetry/traffic-history.ts';
import { type Judged, judge } from './problems.ts';

const STATUS: SystemStatus = {
  proxy: { state: 'OK' },
  database: { state: 'OK' },
  forwarders: [FORWARDER],
  isDraining: false,
};
const RATE = { packetsPerSecond: 10, bytesPerSecond: 1000 };
const NO_RATE = { packetsPerSecond: 0, bytesPerSecond: 0 };
const RECENT: Traffic = {
  seconds: 300,
  received: RATE,
  forwarded: RATE,
  pipelines: NO_RATE,
  losses: [],
  restarts: 0,
};
const FINE: Judged = {
  status: STATUS,
  rules: 3,
  recent: RECENT,
  pipelines: [],
  templatePeers: [],
  collectors: [],
  silent: [],
  now: new Date('2026-11-26T10:05:00Z'),
};
const LEADER: FollowerStatus = {
  leader: '192.0.2.200:8853',
  isConnected: true,
  isOverridden: false,
};

const judged = (status: Partial<SystemStatus>, node: Partial<Judged> = {}) => {
  const { verdict, problems } = judge({ ...FINE, ...node, status: { ...STATUS, ...status } });
  return [verdict, ...problems.map(({ what }) => what)];
};

describe('S20: judge()', () => {
  it('says OK and nothing else when all is well', () => {
    assert.deepEqual(judge(FINE), { verdict: 'OK', problems: [] });
  });

  it('takes the state of the proxy, whatever else is wrong', () => {
    const proxy = { state: 'Offline', error: 'address in use' } as const;
    const database = { state: 'Offline' } as const;
    assert.deepEqual(judged({ proxy, database }), [
      'Offline',
      'proxy: address in use',
      'database is Offline',
    ]);
  });

  it('is Degraded while packets are forwarded and somebody has to do something', () => {
    const setAside = { state: 'OK', error: 'the rule of 192.0.2.1 is not in force' } as const;
    assert.equal(judged({ proxy: setAside })[0], 'Degraded');
    assert.equal(judged({ database: { state: 'Offline', error: 'full' } })[0], 'Degraded');
    const gone = { ...LEADER, isConnected: false, secondsSinceContact: 12.3 };
    assert.deepEqual(judged({ follower: gone }), [
      'Degraded',
      'leader 192.0.2.200:8853 was heard 12 s ago for the last time',
    ]);
    const failing = { name: 'a', state: 'failing', error: 'no way', workers: [] };
    const pipelines = [failing] as unknown as Judged['pipelines'];
    assert.deepEqual(judged({}, { pipelines }), ['Degraded', 'pipeline a is failing: no way']);
  });

  it('says what people want to know without being Degraded by it', () => {
    assert.deepEqual(judged({ isDraining: true, follower: { ...LEADER, isOverridden: true } }), [
      'OK',
      'the rules are not those of the leader 192.0.2.200:8853: they were changed here',
      'the node is being drained: health says NOT_SERVING',
    ]);
    assert.deepEqual(judged({}, { rules: 0 }), [
      'OK',
      'there are no rules: packets are counted and go nowhere',
    ]);
  });

  it('tells losses with what helps, and forwarders that were replaced', () => {
    const losses = [
      { kind: 'truncated', packets: 5n, advice: 'raise it', key: 'truncated' as const },
    ];
    const { verdict, problems } = judge({ ...FINE, recent: { ...RECENT, losses, restarts: 2 } });
    assert.equal(verdict, 'OK');
    assert.deepEqual(problems, [
      {
        what: 'processes of forwarders were replaced: 2 in 5 min',
        advice: 'the log of the service says why they ended',
      },
      { what: '5 lost in 5 min: truncated', advice: 'raise it' },
    ]);
  });

  it('names collectors: Degraded by what cannot be reached, told of what was lost lately', () => {
    const collector = (name: string, more: Partial<CollectorStatus>): CollectorStatus => ({
      endpoint: endpoint(name),
      outputs: 1,
      sent: { packets: 1n, bytes: 1n },
      errors: [],
      route: 'ok',
      neighbour: 'reachable',
      ...more,
    });
    const lost = (at: string): Partial<CollectorStatus> => ({
      lastError: {
        collector: endpoint('198.51.100.2:5'),
        code: 'EPERM',
        copies: 7n,
        at: new Date(at),
        exporter: endpoint('192.0.2.1:1000'),
      },
    });
    const losing = collector('198.51.100.2:5', lost('2026-11-26T10:04:07Z'));
    const { verdict, problems } = judge({ ...FINE, collectors: [losing] });
    assert.equal(verdict, 'OK');
    assert.deepEqual(problems, [
      {
        what: 'collector 198.51.100.2:5: copies were lost, the last one of exporter 192.0.2.1:1000 at 10:04:07 UTC (EPERM)',
        advice: 'a firewall of this host',
      },
    ]);
    const dead = collector('198.51.100.1:5', { problem: 'it does not answer' });
    const old = collector('198.51.100.3:5', lost('2026-11-26T09:00:00Z'));
    const gone = collector('198.51.100.4:5', { problem: 'no route', outputs: 0 });
    assert.deepEqual(judged({}, { collectors: [losing, old, gone, dead] }).slice(0, 2), [
      'Degraded',
      'collector 198.51.100.1:5: it does not answer',
    ]);
    const many = Array.from({ length: 8 }, () => dead);
    assert.equal(judged({}, { collectors: many }).length, 7);
    assert.match(judged({}, { collectors: many }).at(-1) ?? '', /^3 more collectors have trouble/);
  });

  it('tells that nothing arrives, but not of a node without rules or that has just started', () => {
    const silent = { ...RECENT, received: NO_RATE };
    assert.deepEqual(judged({}, { recent: silent }), ['OK', 'no packet has arrived in 5 min']);
    assert.deepEqual(judged({}, { recent: { ...silent, seconds: 20 } }), ['OK']);
    assert.equal(judged({}, { recent: silent, rules: undefined }).length, 1);
  });
});
