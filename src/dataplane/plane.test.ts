import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import pino from 'pino';
import { decompile } from '../../test/support/decompile.ts';
import { pipelineOutputs, rule, ruleEdit, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey, type Rule } from '../model/rules.ts';
import type { SubsystemStatus } from '../model/status.ts';
import { mapMemory, unmapMemory } from '../native/memory.ts';
import { ForwardingTable } from '../table/forwarding-table.ts';
import { HEADER } from '../table/layout.ts';
import type { Engine, SharedMemory, TableReference } from './engine.ts';
import { CounterColumns } from './memory/counter-columns.ts';
import { Plane } from './plane.ts';
import { RulePublisher } from './rule-publisher.ts';

const PROBES = [rule('127.0.0.1:40000', ['127.0.0.1:40001'])];
const PROBE = '127.0.0.1:40000';

/** Writes down the exporters of each table that it moves packets by. */
class FakeEngine implements Engine {
  readonly tables: string[][] = [];
  /** Of their hash tables: one that is made anew has a new one. */
  readonly keys: string[] = [];
  state: SubsystemStatus = { state: 'OK' };
  probes: readonly Rule[] = [];
  /** Putting a table in force waits for it. */
  gate: Promise<void> = Promise.resolve();
  /** How often it was asked to put a table in force. */
  asked = 0;
  readonly #opened = Promise.withResolvers<void>();
  readonly opened = this.#opened.promise;
  #fds: readonly number[] = [];
  #isOpen = false;

  async start({ tables }: SharedMemory): Promise<undefined> {
    this.#fds = tables;
  }
  async open(): Promise<void> {
    this.#isOpen = true;
    this.probes = PROBES;
    this.#opened.resolve();
    await new Promise(setImmediate);
  }
  async publish({ file, bytes }: TableReference): Promise<void> {
    if (!this.#isOpen) return;
    this.asked++;
    await this.gate;
    const memory = mapMemory(this.#fds[file] ?? -1, bytes, false);
    const { rules } = decompile(new ForwardingTable(memory));
    this.keys.push(new Int32Array(memory).subarray(HEADER.KEY, HEADER.WORDS).join());
    unmapMemory(memory);
    this.tables.push(rules.map(({ exporter }) => exporterKey(exporter)).sort());
  }
  status(): SubsystemStatus {
    return this.state;
  }
  listeners(): [] {
    return [];
  }

  kernelEngine() {
    return undefined;
  }

  forwarders(): [] {
    return [];
  }
  async capture(): Promise<() => void> {
    return () => undefined;
  }
  rings(): [] {
    return [];
  }
  endedForwarders(): undefined {}
  leave(): void {}
  async stop(): Promise<void> {}
}

describe('Plane', () => {
  let engine: FakeEngine;
  let plane: Plane;

  beforeEach(async () => {
    engine = new FakeEngine();
    const columns = new CounterColumns();
    const publisher = new RulePublisher([{ port: 2055 }], columns);
    const log = pino({ level: 'silent' });
    plane = new Plane({ engines: [engine], publisher, columns, log });
    await plane.start();
  });
  afterEach(() => plane.stop());

  const prepare = (exporter: string) => plane.prepare(ruleSet([rule(exporter)]));
  const putInForce = async (exporter: string) => (await prepare(exporter)).putInForce();

  it('keeps rules until packets can be moved by them', async () => {
    await putInForce('192.0.2.1');
    assert.deepEqual(engine.tables, []);
    await engine.open();
    assert.deepEqual(engine.tables, [[PROBE, '192.0.2.1']]);
  });

  it('puts the test datagrams into a table that was made before there were any', async () => {
    const prepared = await prepare('192.0.2.1');
    await engine.open();
    await prepared.putInForce();
    assert.deepEqual(engine.tables, [[PROBE, '192.0.2.1']]);
  });

  it('A8: puts one rule set in force after the other, and never an older one last', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    engine.gate = promise;
    const first = await prepare('192.0.2.1');
    const inForce = first.putInForce();
    await engine.open();
    resolve();
    await inForce;
    await putInForce('192.0.2.2');
    assert.deepEqual(engine.tables.at(-1), [PROBE, '192.0.2.2']);
    assert.ok(engine.tables.every((exporters) => exporters.length === 2));
  });

  it('is at fault when forwarders do not take a table for a minute, until they do', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    engine.gate = promise;
    await engine.open();
    const before = engine.asked;
    const inForce = putInForce('192.0.2.1');
    while (engine.asked === before) await new Promise(setImmediate);
    const startMs = performance.now();
    let waitedMs = 59_000;
    t.mock.method(performance, 'now', () => startMs + waitedMs);
    assert.equal(plane.fault(), undefined);
    waitedMs = 61_000;
    assert.match(plane.fault() ?? '', /have not taken a table for 61 s/);
    resolve();
    await inForce;
    assert.equal(plane.fault(), undefined);
  });

  it('an edit changes the table in force, a replacement makes another one', async () => {
    await engine.open();
    await putInForce('192.0.2.1');
    const added = rule('192.0.2.2');
    const both = ruleSet([rule('192.0.2.1'), added]);
    await (await plane.prepare(both, ruleEdit([], [added]))).putInForce();
    await (await plane.prepare(both, { kind: 'replace', ruleSet: both })).putInForce();
    assert.deepEqual(engine.tables.slice(1), Array(2).fill([PROBE, '192.0.2.1', '192.0.2.2']));
    const [first, second, third] = engine.keys;
    assert.equal(second, first);
    assert.notEqual(third, second);
  });

  it('is Configuring until rules are in force, and Offline when an engine is, whatever the rules', async () => {
    assert.equal(plane.status().state, 'Configuring');
    engine.state = { state: 'Offline', error: 'the port is taken' };
    assert.deepEqual(plane.status(), engine.state);
    await putInForce('192.0.2.1');
    assert.deepEqual(plane.status(), engine.state);
    engine.state = { state: 'OK' };
    assert.equal(plane.status().state, 'OK');
  });

  it('R17: tells of pipelines before packets come that are marked for them', async () => {
    await engine.open();
    const told: [object, number][] = [];
    plane.onPipelines(() => {
      told.push([Object.fromEntries(plane.pipelines()), engine.tables.length]);
    });
    const naming = (...names: string[]) => ruleSet([], pipelineOutputs(...names));
    for (const set of [naming('a'), naming('a', 'b'), naming('b', 'a'), naming('b')]) {
      await (await plane.prepare(set)).putInForce();
    }
    assert.deepEqual(told, [
      [{ a: 0 }, 0],
      [{ a: 0, b: 1 }, 1],
      [{ b: 1 }, 3],
    ]);
  });

  it('without an engine says which setting switches the proxy on', () => {
    const columns = new CounterColumns();
    const publisher = new RulePublisher([], columns);
    const off = new Plane({ engines: [], publisher, columns, log: pino({ level: 'silent' }) });
    assert.match(off.status().error ?? '', /set COLLECTOR_FLOXY_ADDRESS/);
  });
});
