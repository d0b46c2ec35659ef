/** Paths of collectors, in the tables that are written. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { edited, endpoint, rule, ruleEdit, ruleSet } from '../../test/support/rule-sets.ts';
import { formatAddress } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { mapMemory, unmapMemory } from '../native/memory.ts';
import { PathBook } from '../paths/path-book.ts';
import { RowRuns } from '../paths/row-runs.ts';
import { ForwardingTable } from '../table/forwarding-table.ts';
import { COLLECTOR, OUTPUT, RULE, TABLE } from '../table/layout.ts';
import { addressWords } from '../table/rows.ts';
import type { TableReference } from './engine.ts';
import { CounterColumns } from './memory/counter-columns.ts';
import { RulePublisher } from './rule-publisher.ts';

let book: PathBook;
let publisher: RulePublisher;
beforeEach(() => {
  book = new PathBook(new RowRuns(() => assert.fail('all rows are taken')));
  const paths = {
    readOnlyFd: 7,
    copyTo: () => undefined,
    indexOf: ({ octets }: Endpoint) => book.indexOf(octets),
    leadBack: () => undefined,
    get isCrowded() {
      return book.isCrowded;
    },
    renew: () => book.renew(),
    settle: () => book.settle(),
  };
  publisher = new RulePublisher([{ port: 2055 }], new CounterColumns(), paths);
  publisher.start();
});
afterEach(() => publisher.close());

/** By address, of all collectors of the rules of these exporters. */
function pathsIn({ file, bytes }: TableReference, exporters: readonly string[]) {
  const memory = mapMemory(publisher.sharedMemory.tables[file], bytes, false);
  const { words, ...table } = new ForwardingTable(memory.slice(0));
  unmapMemory(memory);
  const found = new ForwardingTable(words.buffer as ArrayBuffer);
  const word = (at: number) => words[at] as number;
  const paths = new Map<string, number>();
  const rules = exporters.map((name) => found.find(...addressWords(endpoint(name)), 9, 2055));
  for (const at of [table.defaultRule, ...rules]) {
    const outputs = word(at + RULE.OUTPUTS) & TABLE.RULE_OUTPUTS;
    for (let i = 0; i < outputs; i++) {
      const output = table.outputsAt + (word(at + RULE.FIRST_OUTPUT) + i) * OUTPUT.WORDS;
      for (let k = 0; k < word(output + OUTPUT.COLLECTORS); k++) {
        const first = word(output + OUTPUT.FIRST_COLLECTOR);
        const row = table.collectorsAtBytes / 4 + (first + k) * COLLECTOR.WORDS;
        const octets = new Uint8Array(words.buffer, (row + COLLECTOR.ADDRESS) * 4 + 12, 4);
        const path = word(row + COLLECTOR.FLAGS) >>> TABLE.COLLECTOR_PATH_SHIFT;
        paths.set(formatAddress(octets), path);
      }
    }
  }
  return paths;
}

const NAMES = Array.from({ length: 6 }, (_, i) => `203.0.113.${i}`);
const COLLECTORS = Array.from({ length: 8 }, (_, i) => `198.51.100.${i}:${2000 + i}`);

test('R28: rows name the paths of their addresses, and no path is another’s while a table names it', async () => {
  assert.equal(publisher.sharedMemory.paths, 7);
  const steps = fc.array(
    fc.record({
      isWhole: fc.boolean(),
      deleted: fc.subarray(NAMES, { maxLength: 3 }),
      upserts: fc.uniqueArray(
        fc.tuple(fc.constantFrom(...NAMES), fc.subarray(COLLECTORS, { minLength: 1 })),
        { selector: ([name]) => name, maxLength: 4 },
      ),
      isInForce: fc.boolean(),
    }),
    { maxLength: 12 },
  );
  const property = fc.asyncProperty(steps, async (all) => {
    let set = ruleSet([]);
    let inForce = new Map<string, number>();
    for (const { isWhole, deleted, upserts, isInForce } of all) {
      const edit = ruleEdit(
        deleted,
        upserts.map(([name, collectors]) => rule(name, collectors)),
      );
      set = edited(set, edit);
      const prepared = await publisher.prepare(set, isWhole ? undefined : edit);
      const reference = await prepared.write([]);
      prepared.commit();
      const named = set.rules.map(({ exporter }) => exporter.endpoint.host);
      const paths = pathsIn(reference, named);
      for (const [host, path] of [...paths, ...inForce]) {
        assert.notEqual(path, 0);
        assert.equal(book.find(endpoint(host).octets)?.index, path);
      }
      assert.equal(new Set(paths.values()).size, paths.size, 'each address has its own');
      if (!isInForce) continue;
      publisher.settle();
      inForce = paths;
    }
    // Made anew and in force: nobody else has one.
    const prepared = await publisher.prepare(set);
    const named = set.rules.map(({ exporter }) => exporter.endpoint.host);
    const paths = pathsIn(await prepared.write([]), named);
    prepared.commit();
    publisher.settle();
    assert.deepEqual(
      [...book.paths].map(({ octets }) => formatAddress(octets)).sort(),
      [...paths.keys()].sort(),
    );
  });
  await fc.assert(property, { numRuns: 40 });
});

test('a table is made anew when most of its paths are those of collectors that are gone', async () => {
  let set = ruleSet([rule('203.0.113.1', ['198.51.100.1'])]);
  const write = async (edit?: ReturnType<typeof ruleEdit>) => {
    const prepared = await publisher.prepare(set, edit);
    await prepared.write([]);
    prepared.commit();
    publisher.settle();
  };
  await write();
  let most = 0;
  for (let i = 0; i < 40; i++) {
    const edit = ruleEdit(
      [],
      [
        rule(
          '203.0.113.1',
          Array.from({ length: 64 }, (_, k) => `10.0.${i}.${k}`),
        ),
      ],
    );
    set = edited(set, edit);
    await write(edit);
    most = Math.max(most, book.size);
  }
  assert.ok(most > 1000, 'edits give nothing back');
  assert.ok(book.size < 1500, `${book.size} are left`);
});
