import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetsOf } from '../../../../test/support/packets.ts';
import {
  flowSample,
  type SflowDatagramSpec,
  sflowDatagram,
} from '../../../../test/support/sflow-writer.ts';
import { makeDecodeCounters, ProtocolCounts } from '../counters.ts';
import type { SflowConsumer } from './consumer.ts';
import { RecentKeys } from './recent-keys.ts';
import { SflowWalker } from './walker.ts';

const nobody: SflowConsumer = {
  beginDatagram() {},
  flowSample() {},
  counterSample() {},
  endDatagram() {},
};

/** Lets a walker see datagrams, and tells what it counted. */
class Agents {
  readonly #counters = makeDecodeCounters();
  readonly #walker = new SflowWalker(nobody, this.#counters);
  readonly counts = new ProtocolCounts(this.#counters, 'sflow');

  send(sequence: number, spec: Partial<SflowDatagramSpec> = {}, source?: readonly number[]): void {
    const payload = sflowDatagram({ samples: [], uptimeMs: 500_000, ...spec, sequence });
    this.#walker.datagram(packetsOf([payload], source ? { source } : {}), 0);
  }

  /** Numbers that let gaps grow old. */
  run(first: number, count: number, spec: Partial<SflowDatagramSpec> = {}): void {
    for (let i = 0; i < count; i++) this.send(first + i, spec);
  }

  get told(): number[] {
    return [this.counts.get('lostBeforeUs'), this.counts.get('sequenceGaps')];
  }
}

test('datagrams that are missing in the sequence are counted as lost', () => {
  const agents = new Agents();
  agents.run(0xfffffff0, 10);
  agents.run(2, 50);
  assert.deepEqual(agents.told, [8, 1]);
});

test('datagrams that only came late are not lost', () => {
  const agents = new Agents();
  for (const sequence of [10, 12, 11, 13]) agents.send(sequence);
  agents.run(14, 50);
  assert.deepEqual(agents.told, [0, 0]);
  assert.equal(agents.counts.get('outOfOrder'), 1);
});

test('each sub-agent, agent and source of datagrams counts for itself', () => {
  const agents = new Agents();
  for (let i = 0; i < 60; i++) {
    agents.send(i, { subAgent: 0 });
    agents.send(5000 + i, { subAgent: 1 });
    agents.send(9000 + i, { agent: '2001:db8::9' });
    agents.send(7000 + i, {}, [0, 0, 0xffff, 0x0a000001]);
  }
  assert.deepEqual([...agents.told, agents.counts.get('restarts')], [0, 0, 0]);
});

test('an agent that began anew has lost nothing', () => {
  const agents = new Agents();
  agents.run(10_000, 5);
  agents.run(1, 50, { uptimeMs: 1000 });
  assert.deepEqual([...agents.told, agents.counts.get('restarts')], [0, 0, 1]);
});

test('drops and sample pool grow by data source, and not by a restart', () => {
  const agents = new Agents();
  const send = (
    sequence: number,
    source: number,
    drops: number,
    samplePool: number,
    uptimeMs = 500_000,
  ) => {
    const samples = [flowSample({ source, drops, samplePool, records: [] })];
    agents.send(sequence, { samples, uptimeMs });
  };
  send(1, 1, 5, 1000);
  send(2, 2, 7, 0xffffff00);
  send(3, 1, 6, 1400);
  send(4, 2, 10, 0x100);
  const told = () => [agents.counts.get('agentDrops'), agents.counts.get('samplePool')];
  assert.deepEqual(told(), [4, 912]);
  send(1, 1, 0, 2_000_000, 10);
  send(2, 1, 1, 2_000_010, 20);
  assert.deepEqual(told(), [5, 922]);
});

test('keys that are used often stay, whatever else is invented', () => {
  const keys = new RecentKeys(64, 2);
  const own = Uint32Array.of(1, 2);
  const slot = keys.slot(own);
  for (let i = 0; i < 100_000; i++) {
    keys.slot(Uint32Array.of(i, 0x5eed));
    if (i % 5 === 0) assert.equal(keys.slot(own), slot);
    if (i % 5 === 0) assert.equal(keys.isNew, false);
  }
});
