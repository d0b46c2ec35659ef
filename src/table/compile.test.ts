import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { endpoint, rule, ruleSet } from '../../test/support/rule-sets.ts';
import { compileRules, LISTEN_PORT, makeAllocator } from '../../test/support/tables.ts';
import { type Endpoint, makeEndpoint } from '../model/endpoint.ts';
import type { RuleSet } from '../model/rules.ts';
import { bucketsFor } from './bucket-count.ts';
import { compile } from './compile.ts';
import { ForwardingTable } from './forwarding-table.ts';
import { COLLECTOR, HEADER, OUTPUT, RULE, TABLE } from './layout.ts';
import { addressWords } from './rows.ts';

function find(table: ForwardingTable, source: Endpoint): number | undefined {
  const rule = table.find(...addressWords(source), source.port, 0);
  return table.words[rule + RULE.INPUT_SLOT];
}

/** Rules of exporters that are told by their addresses as words; each is one rule without outputs. */
function rulesOf(addresses: readonly Int32Array[]): RuleSet {
  const exporters = addresses.map((words) => {
    const octets = new Uint8Array(words.buffer, words.byteOffset, 16);
    return { endpoint: makeEndpoint(octets, 0) };
  });
  return ruleSet(exporters.map((exporter) => ({ exporter, outputs: [] })));
}

function longestProbe(words: Int32Array): number {
  return words[HEADER.LONGEST_PROBE] as number;
}

describe('compile()', () => {
  it('R1: finds each of many rules, and nothing else; no look-up is longer than the header tells', async () => {
    const allocator = makeAllocator();
    const exporters = Array.from({ length: 20_000 }, (_, i) => {
      const [high, low] = [(i >> 8) & 255, i & 255];
      return i % 2 === 0 ? `10.${high}.${low}.1:${1 + (i % 3)}` : `2001:db8:${high}::${low + 1}`;
    });
    const set = ruleSet(exporters.map((exporter) => rule(exporter)));
    const { table, words } = await compileRules(set, allocator);
    assert.ok(longestProbe(words) <= TABLE.PROBE_MAX);
    for (const { exporter } of set.rules) {
      const input = allocator.rule(exporter)?.input;
      const source = { ...exporter.endpoint, port: exporter.endpoint.port || 7 };
      assert.equal(find(table, source), input);
    }
    for (let i = 0; i < 2000; i++) {
      const other = endpoint(`[2001:db9::${i}]:1`);
      assert.equal(find(table, other), 0);
    }
  });

  it('R1: exporters that differ in one word of the address only are told apart', async () => {
    const base = ['2001:db8:1:1:1:1:1:1', '2001:db9:1:1:1:1:1:1', '2001:db8:1:2:1:1:1:1'];
    const others = ['2001:db8:1:1:1:2:1:1', '2001:db8:1:1:1:1:1:2'];
    const all = [...base, ...others];
    // All in one bucket: nothing but the comparison tells them apart.
    const writeKey = (words: Int32Array) => words.fill(0, HEADER.KEY, HEADER.WORDS);
    for (const absent of all) {
      const allocator = makeAllocator();
      const set = ruleSet(all.filter((text) => text !== absent).map((text) => rule(text)));
      const { table } = await compileRules(set, allocator, { writeKey });
      for (const { exporter } of set.rules) {
        const input = allocator.rule(exporter)?.input;
        assert.equal(find(table, { ...exporter.endpoint, port: 9 }), input);
      }
      assert.equal(find(table, endpoint(`[${absent}]:9`)), 0, `${absent} has no rule`);
    }
  });

  it('exporters chosen to collide under a hash of multiplications and shifts do not', async () => {
    // Whatever the key was: 65,536 of them had 256 hashes, and one look-up compared 256 rules.
    const addresses = Array.from({ length: 65_536 }, (_, i) => {
      const [x, y] = [i >> 8, i & 255];
      return Int32Array.of((x << 24) | 0x0120, (y << 24) | (y << 9), 0, 1 << 24);
    });
    const { words } = await compileRules(rulesOf(addresses));
    assert.ok(longestProbe(words) <= TABLE.PROBE_MAX);
    assert.equal(words[HEADER.BUCKETS], bucketsFor(65_536), 'not by a larger table');
  });

  it('tries keys until no rule is too far from its place, and makes the table larger in the end', async () => {
    const set = ruleSet(Array.from({ length: 40 }, (_, i) => rule(`192.0.2.${i}`)));
    let keys = 0;
    const badUntil = (count: number) => (words: Int32Array) => {
      // The second word of the key tells the last octets apart, which are in the upper half of a3.
      words.fill(0, HEADER.KEY, HEADER.WORDS);
      if (++keys > count) words[HEADER.KEY + 7] = 0x9e3779b1 | 0;
    };
    const first = await compileRules(set, makeAllocator(), { writeKey: badUntil(3) });
    assert.equal(keys, 4);
    assert.equal(first.words[HEADER.BUCKETS], 128);
    keys = 0;
    const larger = await compileRules(set, makeAllocator(), { writeKey: badUntil(40) });
    assert.equal(keys, 41);
    assert.equal(larger.words[HEADER.BUCKETS], 512);
    assert.ok(longestProbe(larger.words) <= TABLE.PROBE_MAX);
  });

  it('the hash table is never more than half full', () => {
    for (let rules = 0; rules < 5000; rules++) {
      const buckets = bucketsFor(rules);
      assert.ok(rules * 2 < buckets && Number.isInteger(Math.log2(buckets)), `${rules}`);
    }
  });

  it('flags and words without a meaning are zero, whatever was in memory', async () => {
    const { words } = await compileRules(ruleSet([rule('192.0.2.1', ['192.0.2.11:1'])]));
    const output = words[HEADER.OUTPUTS] as number;
    const rest = words.subarray(output + OUTPUT.FLAGS, output + OUTPUT.WORDS);
    const first = words[output + OUTPUT.FIRST_COLLECTOR] as number;
    const collector = (words[HEADER.COLLECTORS] as number) + first * COLLECTOR.WORDS;
    const more = words.slice(collector + COLLECTOR.FLAGS, collector + COLLECTOR.WORDS);
    assert.equal(more[COLLECTOR.WEIGHTS - COLLECTOR.FLAGS], 1);
    more[COLLECTOR.WEIGHTS - COLLECTOR.FLAGS] = 0;
    assert.deepEqual(
      [...rest, ...more].filter((word) => word !== 0),
      [],
    );
  });

  it('two tables of the same rules have different keys', async () => {
    const set = ruleSet([rule('192.0.2.1')]);
    const keys = [await compileRules(set), await compileRules(set)].map(({ words }) =>
      words.subarray(HEADER.KEY, HEADER.KEY + TABLE.KEY_WORDS).join(),
    );
    assert.notEqual(keys[0], keys[1]);
  });

  it('passes on why there is no memory', async () => {
    const provide = () => {
      throw new Error('no memory');
    };
    const defaults = { outputs: [], slots: { input: 0, outputs: [] } };
    const names = { pipelines: new Map<string, number>(), down: new Set<string>() };
    const content = { rules: [], defaults, ...names };
    const options = { listenPort: LISTEN_PORT, provide };
    await assert.rejects(compile(content, options), /no memory/);
  });
});

describe('ForwardingTable', () => {
  it('refuses what is no table, or one of another layout', async () => {
    const { words } = await compileRules(ruleSet([]));
    for (const index of [HEADER.MAGIC, HEADER.LAYOUT]) {
      const other = words.slice();
      other[index] = 77;
      assert.throws(() => new ForwardingTable(other.buffer), RangeError);
    }
  });
});
