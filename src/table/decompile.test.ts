import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { collectorKey, exporterKey, type RuleSet } from '../model/rules.ts';
import { compile } from './compile.ts';
import { decompile } from './decompile.ts';
import { ForwardingTable } from './forwarding-table.ts';

/** Numbers every slot of a rule set. */
function numberSlots(set: RuleSet) {
  let next = 1;
  const ofOutputs = (groups: RuleSet['defaultOutputs']) =>
    groups.map(({ collectors }) => ({
      rotation: next++,
      collectors: collectors.map(() => next++),
    }));
  return {
    rules: set.rules.map((r) => ({ input: next++, outputs: ofOutputs(r.outputs) })),
    defaults: { input: 0, outputs: ofOutputs(set.defaultOutputs) },
  };
}

describe('decompile()', () => {
  it('finds each exporter and collector with its slot, and tells collectors without port', async () => {
    const set = ruleSet(
      [
        rule('192.0.2.1', ['192.0.2.11', '2001:db8::21', '192.0.2.12:2055'], ['192.0.2.11']),
        rule('192.0.2.1:7'),
        rule('2001:db8::1', ['2001:db8::22']),
      ],
      outputs(['192.0.2.51', '2001:db8::52:1']),
    );
    const slots = numberSlots(set);
    const table = new ForwardingTable(await compile(set, slots, { listenPort: 2055, seed: 5 }));
    const { rules, defaults } = decompile(table);

    const counted = new Map<string, number>();
    for (const found of [...rules, { ...defaults, exporter: undefined }]) {
      const name = found.exporter ? exporterKey(found.exporter) : 'default';
      counted.set(name, found.slots.input);
      found.outputs.forEach((output, o) => {
        counted.set(`${name} rotation ${o}`, found.slots.outputs[o]?.rotation ?? -1);
        output.collectors.forEach((collector, c) => {
          const slot = found.slots.outputs[o]?.collectors[c] ?? -1;
          counted.set(`${name} ${o} ${collectorKey(collector)}`, slot);
        });
      });
    }
    assert.deepEqual(Object.fromEntries(counted), {
      '192.0.2.1': 1,
      '192.0.2.1 rotation 0': 2,
      '192.0.2.1 0 192.0.2.11': 3,
      '192.0.2.1 0 2001:db8::21': 4,
      '192.0.2.1 0 192.0.2.12:2055': 5,
      '192.0.2.1 rotation 1': 6,
      '192.0.2.1 1 192.0.2.11': 7,
      '192.0.2.1:7': 8,
      '2001:db8::1': 9,
      '2001:db8::1 rotation 0': 10,
      '2001:db8::1 0 2001:db8::22': 11,
      default: 0,
      'default rotation 0': 12,
      'default 0 192.0.2.51': 13,
      'default 0 2001:db8::52:1': 14,
    });
  });
});
