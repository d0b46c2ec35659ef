import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arbitraryRuleSet } from '../../test/support/arbitrary-rules.ts';
import {
  endpoint,
  exporter,
  outputs,
  rule,
  ruleEdit,
  ruleSet,
  shareOutputs,
} from '../../test/support/rule-sets.ts';
import { makeAllocator } from '../../test/support/tables.ts';
import type { RuleEdit, RuleSet } from '../model/rules.ts';
import type { AssignedOutputs, RuleSlots } from './assigned.ts';
import { Identities, IdentityWriter, limboLine } from './identities.ts';
import { SlotAllocator, type SlotAssignment } from './slots.ts';

interface Slots {
  readonly rules: readonly RuleSlots[];
  readonly defaults: RuleSlots;
}

function numbersOf(slots: Iterable<RuleSlots>) {
  const all = [...slots];
  const ofOutputs = all.flatMap((rule) => rule.outputs);
  return {
    slots: [...all.map(({ input }) => input), ...ofOutputs.flatMap(({ collectors }) => collectors)],
    states: ofOutputs.map(({ state }) => state),
  };
}

function allNumbers(allocator: SlotAllocator, assignment: SlotAssignment) {
  const rules = [...allocator.rulesOf(assignment)].map(({ slots }) => slots);
  return numbersOf([...rules, assignment.defaults.slots]);
}

function assertNoneTwice(numbers: readonly number[]): void {
  assert.equal(new Set(numbers).size, numbers.length);
}

async function apply(allocator: SlotAllocator, set: RuleSet, edit?: RuleEdit): Promise<Slots> {
  allocator.commit(await allocator.assign(set, edit));
  const rules = set.rules.map((r) => allocator.rule(r.exporter) as RuleSlots);
  return { rules, defaults: allocator.defaults };
}

/** What an allocator has given out, as it reaches the next control. */
function logOf(
  allocator: SlotAllocator,
  set: RuleSet,
  limbo?: SlotAssignment,
): Promise<Identities> {
  const writer = new IdentityWriter();
  const rules = set.rules.map(({ exporter: { endpoint }, outputs: groups }) => {
    const slots = allocator.rule({ endpoint }) as RuleSlots;
    return writer.ruleLine({ outputs: groups, slots }, endpoint.host);
  });
  const defaults: AssignedOutputs = { outputs: set.defaultOutputs, slots: allocator.defaults };
  const released = limbo?.released ?? { slots: [], states: [] };
  return Identities.read([...rules, writer.ruleLine(defaults), limboLine(released)].join(''));
}

describe('SlotAllocator', () => {
  it('S5: keeps the slots of exporters and collectors that are in both rule sets', async () => {
    const allocator = makeAllocator(100);
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
    const allocator = makeAllocator(100);
    const set = (...collectors: string[]) => ruleSet([rule('192.0.2.1', collectors)]);
    const before = await apply(allocator, set('192.0.2.11:1', '192.0.2.11:2'));
    const after = await apply(allocator, set('192.0.2.11:2'));
    assert.equal(
      after.rules[0]?.outputs[0]?.collectors[0],
      before.rules[0]?.outputs[0]?.collectors[1],
    );
  });

  it('S5: clears what was deleted before it is used again, and mismatched never', async () => {
    const cleared: number[] = [];
    const allocator = makeAllocator(100, cleared);
    const first = await apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    cleared.length = 0;
    await apply(allocator, ruleSet([], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, []);
    const again = await apply(allocator, ruleSet([rule('192.0.2.1')], outputs(['192.0.2.51'])));
    assert.deepEqual(cleared, [again.rules[0]?.input]);
    assert.deepEqual(again.defaults, first.defaults);
  });

  it('S5: an output of one collector keeps its state when outputs change places', async () => {
    const allocator = makeAllocator(100);
    const before = await apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.11'], ['192.0.2.12', '192.0.2.11'])]),
    );
    const after = await apply(
      allocator,
      ruleSet([rule('192.0.2.1', ['192.0.2.12', '192.0.2.11'], ['192.0.2.11'])]),
    );
    assert.equal(after.rules[0]?.outputs[1]?.state, before.rules[0]?.outputs[0]?.state);
    assert.equal(
      after.rules[0]?.outputs[0]?.collectors[1],
      before.rules[0]?.outputs[0]?.collectors[0],
    );
  });

  it('uses no slot twice, and gives back what a discarded assignment took', async () => {
    const sets = arbitraryRuleSet({
      exporters: fc.constantFrom(...['192.0.2.1', '192.0.2.1:7', '2001:db8::1'].map(endpoint)),
      collectors: fc.constantFrom(...['192.0.2.11', '192.0.2.12', '192.0.2.13:5'].map(endpoint)),
      isPlain: true,
    });
    const steps = fc.array(fc.tuple(sets, fc.boolean(), fc.boolean()), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, async (changes) => {
        // Two sets of at most 3 rules with 4 outputs of 3 collectors, the defaults' and three fixed ones.
        const allocator = makeAllocator(2 * (3 * (1 + 4 * 3) + 4 * 3) + 3);
        for (const [set, isShared, isKept] of changes) {
          const assignment = await allocator.assign(isShared ? shareOutputs(set) : set);
          const used = allNumbers(allocator, assignment);
          assertNoneTwice(used.slots);
          assertNoneTwice(used.states);
          if (isKept) allocator.commit(assignment);
          else allocator.discard(assignment);
        }
      }),
    );
  });

  it('S5: an edit gives the rules that it touches what they had, and leaves the others alone', async () => {
    const cleared: number[] = [];
    const allocator = makeAllocator(100, cleared);
    const kept = rule('192.0.2.1', ['192.0.2.11']);
    const before = await apply(
      allocator,
      ruleSet([kept, rule('192.0.2.2', ['192.0.2.11']), rule('192.0.2.3')]),
    );
    cleared.length = 0;
    const changed = rule('192.0.2.2', ['192.0.2.11', '192.0.2.12']);
    const rules = [kept, changed, rule('192.0.2.4')];
    const defaults = outputs(['192.0.2.51']);
    const edit = ruleEdit(['192.0.2.3', '192.0.2.2', '192.0.2.9'], rules, defaults);
    const set = ruleSet(rules, defaults);
    const assignment = await allocator.assign(set, edit);
    assert.deepEqual([...assignment.rules.keys()], ['192.0.2.2', '192.0.2.4']);
    assert.deepEqual([...assignment.deleted.keys()], ['192.0.2.3']);
    assert.deepEqual(assignment.released.slots, [before.rules[2]?.input]);
    allocator.commit(assignment);
    assert.deepEqual(allocator.rule(kept.exporter), before.rules[0]);
    const slots = allocator.rule(changed.exporter);
    assert.equal(slots?.input, before.rules[1]?.input);
    assert.equal(slots?.outputs[0]?.collectors[0], before.rules[1]?.outputs[0]?.collectors[0]);
    assert.equal(allocator.rule(exporter('192.0.2.3')), undefined);
    assert.equal(allocator.size, 3);
    assert.deepEqual(cleared.toSorted(), assignment.taken.slots.toSorted());
  });

  it('S5: goes on with the slots that another control has given out, and uses free ones below', async () => {
    const set = ruleSet(
      [rule('192.0.2.1', ['192.0.2.11', '2001:db8::12'], ['192.0.2.11']), rule('192.0.2.2')],
      outputs(['192.0.2.51']),
    );
    const before = makeAllocator(100);
    await apply(before, ruleSet([rule('192.0.2.7', ['192.0.2.11'])]));
    const slots = await apply(before, ruleSet([...set.rules], set.defaultOutputs));
    const freed = Math.min(...numbersOf([...slots.rules, slots.defaults]).slots.slice(0, 2)) - 1;

    const cleared: number[] = [];
    const after = makeAllocator(100, cleared);
    after.adopt(await logOf(before, set));
    assert.deepEqual(await apply(after, set), slots);
    assert.deepEqual(cleared, []);
    const { rules } = await apply(after, ruleSet([rule('192.0.2.3'), rule('192.0.2.4')]));
    const added = rules.map(({ input }) => input);
    assert.deepEqual(cleared, added);
    assert.ok(Math.min(...added) <= freed, `${added} are not below ${freed}`);
    const { slots: used } = numbersOf([...slots.rules, slots.defaults]);
    assert.ok(!added.some((slot) => used.includes(slot)), 'packets were still counted there');
  });

  it('S5: an edit after a takeover keeps what all rules have, not only those that it names', async () => {
    const set = ruleSet([rule('192.0.2.1', ['192.0.2.11']), rule('192.0.2.2')]);
    const before = makeAllocator(100);
    const slots = await apply(before, set);
    const after = makeAllocator(100);
    after.adopt(await logOf(before, set));
    const edit = ruleEdit([], [rule('192.0.2.3')]);
    const { rules } = await apply(after, ruleSet([...set.rules, ...edit.upserts]), edit);
    assert.deepEqual(rules.slice(0, 2), slots.rules);
  });

  it('V6: any number of takeovers with all rules replaced needs no more room than one', async () => {
    const sets = [1, 2].map((net) =>
      ruleSet(Array.from({ length: 10 }, (_, i) => rule(`192.0.${net}.${i}`, ['192.0.2.11']))),
    );
    let allocator = makeAllocator(2 * 2 * 10 + 3);
    for (let takeover = 0; takeover < 12; takeover++) {
      const set = sets[takeover % 2] as RuleSet;
      await apply(allocator, set);
      const identities = await logOf(allocator, set);
      allocator = makeAllocator(2 * 2 * 10 + 3);
      allocator.adopt(identities);
    }
  });

  it('S5: what packets on their way count in is not used before they are gone', async () => {
    const before = makeAllocator(100);
    await apply(before, ruleSet([rule('192.0.2.1')]));
    const old = before.rule(exporter('192.0.2.1'))?.input as number;
    const next = await before.assign(ruleSet([]));
    before.commit(next);
    const after = makeAllocator(100);
    after.adopt(await logOf(before, ruleSet([]), next));
    const first = await apply(after, ruleSet([rule('192.0.2.2')]));
    assert.notEqual(first.rules[0]?.input, old);
    const second = await apply(after, ruleSet([rule('192.0.2.2'), rule('192.0.2.3')]));
    assert.equal(second.rules[1]?.input, old);
  });

  it('adopts nothing of a log that cannot be true', async () => {
    const allocator = makeAllocator(100);
    const impossible = [
      '["192.0.2.1",100,[]]',
      '["192.0.2.1",2,[]]',
      '["192.0.2.1",7,[]]\n["192.0.2.2",7,[]]',
      '["192.0.2.1",7,[[100,"192.0.2.11",8]]]',
      '[null,[7,7],[]]',
    ];
    for (const log of impossible) {
      const identities = await Identities.read(`${log}\n`);
      assert.throws(() => allocator.adopt(identities), RangeError, log);
    }
    const { rules } = await apply(allocator, ruleSet([rule('192.0.2.1')]));
    assert.equal(rules[0]?.input, 3);
  });

  it('V6: refuses rules for which there is no room, and takes nothing then', async () => {
    const allocator = makeAllocator(6);
    const tooMany = ruleSet([rule('192.0.2.1', ['192.0.2.11']), rule('192.0.2.2', ['192.0.2.11'])]);
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(allocator.assign(tooMany), { code: 'LIMIT_EXCEEDED' });
    }
    await apply(allocator, ruleSet([rule('192.0.2.1', ['192.0.2.11'])]));
  });

  it('V6: gives out no slot that is not there', async () => {
    const cleared: number[] = [];
    const allocator = makeAllocator(6, cleared);
    await apply(allocator, ruleSet([rule('192.0.2.1'), rule('192.0.2.2'), rule('192.0.2.3')]));
    assert.deepEqual(cleared, [3, 4, 5]);
    const onMore = ruleSet([4, 5, 6, 7].map((i) => rule(`192.0.2.${i}`)));
    await assert.rejects(allocator.assign(onMore), { code: 'LIMIT_EXCEEDED', message: /6 places/ });
  });

  it('S5: a state by which packets may have been left out is cleared with what was counted, and no other', async () => {
    const cleared: [number, boolean][] = [];
    const make = () =>
      new SlotAllocator({
        slots: 100,
        states: 100,
        clearSlot: () => {},
        clearState: (state, hasLeftOut) => cleared.push([state, hasLeftOut]),
      });
    const allocator = make();
    const put = async (set: RuleSet) => {
      cleared.length = 0;
      allocator.commit(await allocator.assign(set));
      return cleared.map(([, hasLeftOut]) => hasLeftOut);
    };
    const plain = outputs(['192.0.2.11'], ['192.0.2.12']);
    const sampling = plain.map((output, i) => ({ ...output, ...(i === 0 && { sampleOneIn: 2 }) }));
    assert.deepEqual(await put(ruleSet([], plain)), [false, false]);
    assert.deepEqual(await put(ruleSet([], sampling)), [], 'the same outputs');
    assert.deepEqual(await put(ruleSet([], [])), []);
    assert.deepEqual((await put(ruleSet([], plain))).toSorted(), [false, true]);
    await put(ruleSet([], []));
    assert.deepEqual(await put(ruleSet([], plain)), [false, false], 'it was cleared');
  });
});
