import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decompile } from '../../test/support/decompile.ts';
import { exporter, outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, makeAllocator } from '../../test/support/tables.ts';
import { collectorKey, exporterKey } from '../model/rules.ts';

describe('a compiled table', () => {
  it('says where each exporter, output and collector counts, and which have no port of their own', async () => {
    const set = ruleSet(
      [
        rule('192.0.2.1', ['192.0.2.11', '2001:db8::21', '192.0.2.12:2055'], ['192.0.2.11']),
        rule('192.0.2.1:7'),
        rule('2001:db8::1', ['2001:db8::22']),
      ],
      outputs(['192.0.2.51', '2001:db8::52:1']),
    );
    const allocator = makeAllocator();
    const { table } = await compileRules(set, allocator);
    const { rules, defaults } = decompile(table);

    const counted: Record<string, number | undefined> = {};
    for (const found of [...rules, { ...defaults, exporter: undefined }]) {
      const name = found.exporter ? exporterKey(found.exporter) : 'default';
      counted[name] = found.slots.input;
      found.outputs.forEach((output, o) => {
        counted[`${name} state ${o}`] = found.slots.outputs[o]?.state;
        output.collectors?.forEach((collector, c) => {
          counted[`${name} ${o} ${collectorKey(collector)}`] =
            found.slots.outputs[o]?.collectors[c];
        });
      });
    }
    const first = allocator.rule(exporter('192.0.2.1'));
    const last = allocator.rule(exporter('2001:db8::1'));
    assert.deepEqual(counted, {
      '192.0.2.1': first?.input,
      '192.0.2.1 state 0': first?.outputs[0]?.state,
      '192.0.2.1 0 192.0.2.11': first?.outputs[0]?.collectors[0],
      '192.0.2.1 0 2001:db8::21': first?.outputs[0]?.collectors[1],
      '192.0.2.1 0 192.0.2.12:2055': first?.outputs[0]?.collectors[2],
      '192.0.2.1 state 1': first?.outputs[1]?.state,
      '192.0.2.1 1 192.0.2.11': first?.outputs[1]?.collectors[0],
      '192.0.2.1:7': allocator.rule(exporter('192.0.2.1:7'))?.input,
      '2001:db8::1': last?.input,
      '2001:db8::1 state 0': last?.outputs[0]?.state,
      '2001:db8::1 0 2001:db8::22': last?.outputs[0]?.collectors[0],
      default: 0,
      'default state 0': allocator.defaults.outputs[0]?.state,
      'default 0 192.0.2.51': allocator.defaults.outputs[0]?.collectors[0],
      'default 0 2001:db8::52:1': allocator.defaults.outputs[0]?.collectors[1],
    });
    assert.equal(new Set(Object.values(counted)).has(undefined), false);
  });
});
