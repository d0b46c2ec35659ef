import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outputs, rule, ruleSet, shareOutputs } from '../../test/support/rule-sets.ts';
import type { RuleSet } from '../model/rules.ts';
import { compile, type RuleSetSlots } from './compile.ts';
import { decompile } from './decompile.ts';
import { ForwardingTable } from './forwarding-table.ts';
import { SlotAllocator } from './slots.ts';

function allSlots(slots: RuleSetSlots): number[] {
  return [...slots.rules, slots.defaults].flatMap(({ input, outputs: groups }) => [
    input,
    ...groups.flatMap(({ rotation, collectors }) => [rotation, ...collectors]),
  ]);
}

async function apply(allocator: SlotAllocator, set: RuleSet): Promise<RuleSetSlots> {
  const assignment = await allocator.assign(set);
  allocator.commit(assignment);
  return assignment.slots;
}

describe('SlotAllocator', () => {
  it('S5: keeps the slots of exporters and collectors that are in both rule sets', async () => {
    const allocator = new SlotAllocator(100, () => {});
    const before = await apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.11', '192.0.2.12'], ['192.0.2.11'])]),
    );
    const after = await apply(
      allocator,
      ruleSet([rule('192.0.2.9'), rule('192.0.2.1', ['192.0.2.13'], ['192.0.2.12', '192.0.2.11'])]),
    );
    const [old, kept] = [before.rules[0], after.rules[1]];
    assert.equal(kept?.input, old?.input);
    assert.equal(kept?.outputs[1]?.collectors[0], old?.outputs[0]?.collectors[1], '192.0.2.12');
    assert.equal(kept?.outputs[1]?.collectors[1], old?.outputs[0]?.collectors[0], '192.0.2.11');
  });

  it('S5: two ports of one address are two collectors', async () => {
    const allocator = new SlotAllocator(100, () => {});
    const set = (...collectors: string[]) => ruleSet([rule('192.0.2.1', collectors)]);
    const before = await apply(allocator, set('192.0.2.11:1', '192.0.2.11:2'));
    const after = await apply(allocator, set('192.0.2.11:2'));
    assert.equal(
      after.rules[0]?.outputs[0]?.collectors[0],
      before.rules[0]?.outputs[0]?.collectors[1],
    );
  });

  it('S5: clears what was deleted before it is used again, and mismatched never', async () => {
    let cleared: number[] = [];
    const allocator = new SlotAllocator(100, (slot) => cleared.push(slot));
    const first = await apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    cleared = [];
    await apply(allocator, ruleSet([], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, []);
    const again = await apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, [again.rules[0]?.input]);
    assert.deepEqual(again.defaults, first.defaults);
  });

  it('S5: an output of one collector does not mix its rotation with the collector', async () => {
    const allocator = new SlotAllocator(100, () => {});
    const before = await apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.11'], ['192.0.2.12', '192.0.2.11'])]),
    );
    const after = await apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.12', '192.0.2.11'], ['192.0.2.11'])]),
    );
    assert.equal(after.rules[0]?.outputs[1]?.rotation, before.rules[0]?.outputs[0]?.rotation);
    assert.equal(
      after.rules[0]?.outputs[0]?.collectors[1],
      before.rules[0]?.outputs[0]?.collectors[0],
    );
  });

  it('uses no slot twice, and gives back what a discarded assignment took', async () => {
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
    const steps = fc.array(fc.tuple(sets, fc.boolean(), fc.boolean()), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, async (changes) => {
        // Two sets of at most 4 rules with 3 outputs of 3 collectors, and one for mismatched.
        const allocator = new SlotAllocator(2 * 4 * (1 + 3 * 4) + 4, () => {});
        for (const [set, isShared, isKept] of changes) {
          const assignment = await allocator.assign(isShared ? shareOutputs(set) : set);
          const used = allSlots(assignment.slots);
          assert.equal(new Set(used).size, used.length);
          if (isKept) allocator.commit(assignment);
          else allocator.discard(assignment);
        }
      }),
    );
  });

  it('S5: goes on with the slots of a table that another control has made', async () => {
    const set = ruleSet(
      [rule('192.0.2.1', ['192.0.2.11', '2001:db8::12'], ['192.0.2.11']), rule('192.0.2.2')],
      outputs(['192.0.2.51']),
    );
    const before = new SlotAllocator(100, () => {});
    const slots = await apply(before, set);
    const table = new ForwardingTable(await compile(set, slots, { listenPort: 2055, seed: 9 }));

    const cleared: number[] = [];
    const after = new SlotAllocator(100, (slot) => cleared.push(slot));
    after.adopt(decompile(table));
    assert.deepEqual(await apply(after, set), slots);
    assert.deepEqual(cleared, []);
    const { rules } = await apply(after, ruleSet([rule('192.0.2.3')]));
    const [added] = rules;
    assert.ok(added !== undefined && !allSlots(slots).includes(added.input));
    assert.deepEqual(cleared, [added.input]);
  });

  it('V6: refuses rules for which there is no room, and takes nothing then', async () => {
    const allocator = new SlotAllocator(7, () => {});
    const tooMany = ruleSet([rule('192.0.2.1', ['192.0.2.11']), rule('192.0.2.2')]);
    await assert.rejects(allocator.assign(tooMany), { code: 'LIMIT_EXCEEDED' });
    await apply(allocator, ruleSet([rule('192.0.2.1', ['192.0.2.11'])]));
  });
});
