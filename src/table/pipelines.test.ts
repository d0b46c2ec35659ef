import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exporter, pipelineOutputs, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, makeAllocator } from '../../test/support/tables.ts';
import { MAX_PIPELINES } from '../model/limits.ts';
import type { RuleSet } from '../model/rules.ts';
import { RING } from '../native/ring-layout.ts';
import { Identities, pipelinesLine } from './identities.ts';
import type { SlotAllocator } from './slots.ts';

function naming(...names: readonly string[]): RuleSet {
  return ruleSet([{ ...rule('192.0.2.1'), outputs: pipelineOutputs(...names) }]);
}

async function putInForce(allocator: SlotAllocator, set: RuleSet): Promise<object> {
  allocator.commit(await allocator.assign(set));
  return Object.fromEntries(allocator.pipelines);
}

describe('indexes of pipelines', () => {
  it('are as many as a packet has bits', () => assert.equal(MAX_PIPELINES, RING.PIPELINES));

  it('stay the same while rules name them, and are used again', async () => {
    const allocator = makeAllocator();
    assert.deepEqual(await putInForce(allocator, naming('a', 'b', 'c')), { a: 0, b: 1, c: 2 });
    assert.deepEqual(await putInForce(allocator, naming('c', 'b')), { b: 1, c: 2 });
    assert.deepEqual(await putInForce(allocator, naming('d', 'c')), { d: 0, c: 2 });
  });

  it('are not those of pipelines whose packets are still on their way', async () => {
    const allocator = makeAllocator();
    await putInForce(allocator, naming('a'));
    const { pipelines, allPipelines } = await allocator.assign(naming('b'));
    assert.deepEqual(Object.fromEntries(pipelines), { b: 1 });
    assert.deepEqual(Object.fromEntries(allPipelines), { a: 0, b: 1 });
  });

  it('V10: 32 names are all that the old and the new rules have together', async () => {
    const names = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => `p${first + i}`);
    const allocator = makeAllocator();
    await putInForce(allocator, naming(...names(0, 32)));
    await assert.rejects(allocator.assign(naming(...names(1, 32))), {
      code: 'LIMIT_EXCEEDED',
      message: /more than 32 pipelines; change them in smaller steps/,
    });
    await putInForce(allocator, naming(...names(1, 31)));
    assert.equal(Object.keys(await putInForce(allocator, naming(...names(1, 32)))).length, 32);
  });

  it('go on with those of an earlier control', async () => {
    const log = `["",0,[]]\n[null,[],[]]\n${pipelinesLine(new Map([['b', 7]]))}`;
    const allocator = makeAllocator();
    allocator.adopt(await Identities.read(log));
    assert.deepEqual(await putInForce(allocator, naming('a', 'b')), { a: 0, b: 7 });
  });

  it('of an earlier control that cannot be are refused', async () => {
    for (const pipelines of [{ a: 32 }, { a: 1, b: 1 }]) {
      const identities = await Identities.read(pipelinesLine(new Map(Object.entries(pipelines))));
      assert.throws(() => makeAllocator().adopt(identities), RangeError);
    }
    await assert.rejects(Identities.read('[false,"a"]\n'), TypeError);
  });

  it('S5: a pipeline that is in the old and the new outputs keeps its counters', async () => {
    const allocator = makeAllocator();
    await compileRules(naming('a', 'b'), allocator);
    const [, before] = allocator.rule(exporter('192.0.2.1'))?.outputs ?? [];
    await compileRules(naming('b'), allocator);
    const [after] = allocator.rule(exporter('192.0.2.1'))?.outputs ?? [];
    assert.deepEqual(after, before);
  });
});
