import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { rule, ruleSet } from '../../test/support/rule-sets.ts';
import { exporterKey } from '../model/rules.ts';
import { mapMemory, unmapMemory } from '../native/packet-io.ts';
import { decompile } from '../table/decompile.ts';
import { ForwardingTable } from '../table/forwarding-table.ts';
import { RulePublisher } from './rule-publisher.ts';
import type { TableReference } from './socket/forwarder/messages.ts';

const PROBES = [rule('127.0.0.1:40000', ['127.0.0.1:40001'])];
const PROBE = '127.0.0.1:40000';

describe('RulePublisher', () => {
  let publisher: RulePublisher;
  /** Exporters of each table that was put in force. */
  let inForce: string[][];
  /** Putting a table in force waits for it. */
  let gate: Promise<void>;

  beforeEach(() => {
    publisher = new RulePublisher(2055, () => {});
    publisher.start();
    inForce = [];
    gate = Promise.resolve();
  });
  afterEach(() => publisher.close());

  function exportersOf({ file, bytes }: TableReference): string[] {
    const memory = mapMemory(publisher.readOnlyFds[file], bytes, false);
    const { rules } = decompile(new ForwardingTable(memory));
    unmapMemory(memory);
    return rules.map(({ exporter }) => exporterKey(exporter)).sort();
  }

  const users = {
    probes: PROBES,
    publish: async (table: TableReference) => {
      await gate;
      inForce.push(exportersOf(table));
    },
  };
  const prepare = (exporter: string) => publisher.prepare(ruleSet([rule(exporter)]));

  it('keeps rules until somebody works by them', async () => {
    await publisher.publish(await prepare('192.0.2.1'));
    assert.deepEqual(inForce, []);
    await publisher.useWith(users);
    assert.deepEqual(inForce, [[PROBE, '192.0.2.1']]);
  });

  it('puts the test datagrams into a table that was made before there were any', async () => {
    const prepared = await prepare('192.0.2.1');
    await publisher.useWith(users);
    await publisher.publish(prepared);
    assert.deepEqual(inForce, [[PROBE, '192.0.2.1']]);
  });

  it('A8: puts one rule set in force after the other, and never an older one last', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const first = await prepare('192.0.2.1');
    publisher.commit(first);
    const published = [publisher.publish(first), publisher.useWith(users)];
    const second = await prepare('192.0.2.2');
    published.push(publisher.publish(second));
    resolve();
    await Promise.all(published);
    assert.deepEqual(inForce.at(-1), [PROBE, '192.0.2.2']);
    assert.ok(inForce.every((exporters) => exporters.length === 2));
  });
});
