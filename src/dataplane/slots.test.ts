import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import type { RuleSet } from '../model/rules.ts';
import { compile, type RuleSetSlots } from '../rules/compile.ts';
import { decompile } from '../rules/decompile.ts';
import { ForwardingTable } from '../rules/forwarding-table.ts';
import { SlotAllocator } from './slots.ts';

function allSlots(slots: RuleSetSlots): number[] {
  return [...slots.rules, slots.defaults].flatMap(({ input, outputs: groups }) => [
    input,
    ...groups.flatMap(({ rotation, collectors }) => [rotation, ...collectors]),
  ]);
}

function apply(allocator: SlotAllocator, set: RuleSet): RuleSetSlots {
  const assignment = allocator.assign(set);
  allocator.commit(assignment);
  return assignment.slots;
}

describe('SlotAllocator', () => {
  it('S5: keeps the slots of exporters and collectors that are in both rule sets', () => {
    const allocator = new SlotAllocator(100, () => {});
    const before = apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.11', '192.0.2.12'], ['192.0.2.11'])]),
    );
    const after = apply(
      allocator,
      ruleSet([rule('192.0.2.9'), rule('192.0.2.1', ['192.0.2.13'], ['192.0.2.12', '192.0.2.11'])]),
    );
    const [old, kept] = [before.rules[0], after.rules[1]];
    assert.equal(kept?.input, old?.input);
    assert.equal(kept?.outputs[1]?.collectors[0], old?.outputs[0]?.collectors[1], '192.0.2.12');
    assert.equal(kept?.outputs[1]?.collectors[1], old?.outputs[0]?.collectors[0], '192.0.2.11');
  });

  it('S5: clears what was deleted before it is used again, and mismatched never', () => {
    let cleared: number[] = [];
    const allocator = new SlotAllocator(100, (slot) => cleared.push(slot));
    const first = apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    cleared = [];
    apply(allocator, ruleSet([], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, []);
    const again = apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, [again.rules[0]?.input]);
    assert.deepEqual(again.defaults, first.defaults);
  });

  it('S5: an output of one collector does not mix its rotation with the collector', () => {
    const allocator = new SlotAllocator(100, () => {});
    const before = apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.11'], ['192.0.2.12', '192.0.2.11'])]),
    );
    const after = apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.12', '192.0.2.11'], ['192.0.2.11'])]),
    );
    assert.equal(after.rules[0]?.outputs[1]?.rotation, before.rules[0]?.outputs[0]?.rotation);
    assert.equal(
      after.rules[0]?.outputs[0]?.collectors[1],
      before.rules[0]?.outputs[0]?.collectors[0],
    );
  });

  it('uses no slot twice, and gives back what a discarded assignment took', () => {
    const groups = fc.array(
      fc.uniqueArray(fc.constantFrom('192.0.2.11', '192.0.2.12', '192.0.2.13:5'), { minLength: 1 }),
      { maxLength: 3 },
    );
    const sets = fc
      .uniqueArray(fc.tuple(fc.constantFrom('192.0.2.1', '192.0.2.1:7', '2001:db8::1'), groups), {
        selector: ([exporter]) => exporter,
      })
      .chain((rules) =>
        groups.map((defaults) =>
          ruleSet(
            rules.map(([exporter, g]) => rule(exporter, ...g)),
            outputs(...defaults),
          ),
        ),
      );
    fc.assert(
      fc.property(fc.array(fc.tuple(sets, fc.boolean()), { maxLength: 12 }), (steps) => {
        // Two sets of at most 4 rules with 3 outputs of 3 collectors, and one for mismatched.
        const allocator = new SlotAllocator(2 * 4 * (1 + 3 * 4) + 4, () => {});
        for (const [set, isKept] of steps) {
          const assignment = allocator.assign(set);
          const used = allSlots(assignment.slots);
          assert.equal(new Set(used).size, used.length);
          if (isKept) allocator.commit(assignment);
          else allocator.discard(assignment);
        }
      }),
    );
  });

  it('S5: goes on with the slots of a table that another control has made', () => {
    const set = ruleSet(
      [rule('192.0.2.1', ['192.0.2.11', '2001:db8::12'], ['192.0.2.11']), rule('192.0.2.2')],
      outputs(['192.0.2.51']),
    );
    const before = new SlotAllocator(100, () => {});
    const slots = apply(before, set);
    const table = new ForwardingTable(compile(set, slots, { listenPort: 2055, seed: 9 }));

    const cleared: number[] = [];
    const after = new SlotAllocator(100, (slot) => cleared.push(slot));
    after.adopt(decompile(table));
    assert.deepEqual(apply(after, set), slots);
    assert.deepEqual(cleared, []);
    const [added] = apply(after, ruleSet([rule('192.0.2.3')])).rules;
    assert.ok(added !== undefined && !allSlots(slots).includes(added.input));
    assert.deepEqual(cleared, [added.input]);
  });

  it('V6: refuses rules for which there is no room, and takes nothing then', () => {
    const allocator = new SlotAllocator(7, () => {});
    const tooMany = ruleSet([rule('192.0.2.1', ['192.0.2.11']), rule('192.0.2.2')]);
    assert.throws(() => allocator.assign(tooMany), { code: 'LIMIT_EXCEEDED' });
    apply(allocator, ruleSet([rule('192.0.2.1', ['192.0.2.11'])]));
  });
});
