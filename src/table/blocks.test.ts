import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  COLLECTORS_A_PART,
  collectorsBehind,
  OUTPUTS_A_PART,
  PART_WORDS,
  partsFor,
} from './blocks.ts';
import { COLLECTOR, OUTPUT } from './layout.ts';

it('a block has whole rows, in which collectors are behind outputs, and no room for more', () => {
  assert.equal(OUTPUTS_A_PART * OUTPUT.WORDS, PART_WORDS);
  assert.equal(COLLECTORS_A_PART * COLLECTOR.WORDS, PART_WORDS);
  assert.equal(partsFor(0, 0), 0);
  for (let outputs = 1; outputs <= 255; outputs++) {
    for (const collectors of [0, 1, 2, outputs, 64 * outputs]) {
      const from = collectorsBehind(outputs) * COLLECTOR.WORDS;
      const end = partsFor(outputs, collectors) * PART_WORDS;
      const rest = end - from - collectors * COLLECTOR.WORDS;
      assert.ok(from >= outputs * OUTPUT.WORDS && from < outputs * OUTPUT.WORDS + COLLECTOR.WORDS);
      assert.ok(rest >= 0 && rest < PART_WORDS, `${outputs} outputs, ${collectors} collectors`);
    }
  }
});
