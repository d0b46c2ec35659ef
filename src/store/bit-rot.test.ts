/** Bits that flip on the disk: found, or without effect; never other rules. */
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  adding,
  databasePath,
  manyRules,
  numberedRule,
  openedStore,
  quietStore,
  replacing,
  saveAndDie,
  temporaryDirectory,
} from '../../test/lab/rule-store.ts';
import { outputs } from '../../test/support/rule-sets.ts';

const FLIPS = 600;

/** The same numbers in each run. */
function* numbers(): Generator<number> {
  for (let seed = 1; ; ) {
    seed = (seed * 48_271) % 2_147_483_647;
    yield seed;
  }
}

function flip(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

test('one flipped bit anywhere in a database restores no other rules', (t) => {
  const directory = temporaryDirectory(t);
  const path = databasePath(directory);
  const saved = { ...manyRules(60), defaultOutputs: outputs(['192.0.2.7:7']) };
  const { store } = openedStore(directory);
  store.write(replacing(saved), { number: 70 });
  store.write(adding(numberedRule(1)), { number: 71, author: 'ipv4:192.0.2.1:4000' });
  store.close();
  const sound = readFileSync(path);
  const { ruleSet: expected, revision } = openedStore(directory).restored;
  const random = numbers();
  for (let i = 0; i < FLIPS; i++) {
    const bit = (random.next().value as number) % (sound.length * 8);
    const scratch = join(directory, 'scratch', 'collector.db');
    rmSync(dirname(scratch), { recursive: true, force: true });
    openedStore(dirname(scratch)).store.close();
    writeFileSync(scratch, flip(sound, bit));
    const damaged = quietStore(scratch);
    const restored = damaged.open();
    damaged.close();
    if (restored.restoreError !== undefined) continue;
    assert.deepEqual(restored, { ruleSet: expected, revision }, `bit ${bit}`);
  }
});

test('A8: a change keeps the checksum right, whatever it does', (t) => {
  const { store } = openedStore(temporaryDirectory(t));
  t.after(() => store.close());
  const { rules } = manyRules(20);
  const defaultOutputs = outputs(['192.0.2.7:7'], ['192.0.2.8']);
  const changes = [
    replacing({ rules, defaultOutputs }),
    adding(numberedRule(1), { exporter: rules[3]?.exporter ?? assert.fail(), outputs: [] }),
    { ...adding(numberedRule(2)), deleted: rules.slice(4, 9).map(({ exporter }) => exporter) },
    { ...adding(), defaultOutputs: [] },
    replacing({ rules: [], defaultOutputs }),
  ];
  for (const [index, change] of changes.entries()) {
    store.write(change, { number: index + 1 });
    store.close();
    assert.equal(store.open().restoreError, undefined, `change ${index + 1}`);
  }
});

test('changes that a damaged log has lost are told, and the log is kept', (t) => {
  const directory = temporaryDirectory(t);
  saveAndDie(directory);
  const path = databasePath(directory);
  const log = readFileSync(`${path}-wal`);
  for (const byte of [3, 40, 32 + 24 + 100, log.length - 100]) {
    const scratch = join(directory, `scratch-${byte}`, 'collector.db');
    openedStore(dirname(scratch)).store.close();
    copyFileSync(path, scratch);
    const damaged = flip(log, byte * 8);
    writeFileSync(`${scratch}-wal`, damaged);
    const store = quietStore(scratch);
    t.after(() => store.close());
    const { revision } = store.open();
    assert.ok(revision.number < 2, `byte ${byte}`);
    const { state, error } = store.status();
    assert.equal(state, 'OK');
    assert.match(error ?? '', /log of the database .* is damaged: changes after revision [01] of/);
    const kept = readdirSync(dirname(scratch)).find((name) => name.includes('.damaged-log-')) ?? '';
    assert.deepEqual(readFileSync(join(dirname(scratch), kept)), damaged);
    store.write(replacing(manyRules(1)), { number: revision.number + 1 });
    assert.deepEqual(store.status(), { state: 'OK' });
  }
});

test('a sound log after a kill is no damage', (t) => {
  const directory = temporaryDirectory(t);
  saveAndDie(directory);
  const { store, restored } = openedStore(directory);
  t.after(() => store.close());
  assert.equal(restored.revision.number, 2);
  assert.deepEqual(store.status(), { state: 'OK' });
});
