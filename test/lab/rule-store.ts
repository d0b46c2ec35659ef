import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FloxyError } from '../../src/base/errors.ts';
import type { RestoredRules } from '../../src/control/ports.ts';
import type { HistoryLimits } from '../../src/model/history.ts';
import type { Rule, RuleChange, RuleEdit, RuleSet } from '../../src/model/rules.ts';
import { SqliteRuleStore } from '../../src/store/sqlite-rule-store.ts';
import { rule, ruleSet } from '../support/rule-sets.ts';

/** A directory that goes when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'floxy-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** How much history stores of tests keep. */
export const HISTORY_LIMITS: HistoryLimits = { revisions: 1000, bytes: 64 * 1024 * 1024 };

/** A store without log output; not yet open. */
export function quietStore(path: string, historyLimits = HISTORY_LIMITS): SqliteRuleStore {
  const ignore = () => undefined;
  const log = { info: ignore, warn: ignore, error: ignore };
  return new SqliteRuleStore({ path, historyLimits, log });
}

export function replacing(ruleSet: RuleSet): RuleChange {
  return { kind: 'replace', ruleSet };
}

/** An edit that adds rules, or gives them new outputs. */
export function adding(...upserts: Rule[]): RuleEdit {
  return { kind: 'edit', deleted: [], upserts };
}

/** Distinct rules with two collectors each. */
export function manyRules(count: number): RuleSet {
  const rules = Array.from({ length: count }, (_, i) =>
    rule(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, ['192.0.2.1:2055'], ['2001:db8::1']),
  );
  return ruleSet(rules);
}

/** What `assert.throws` takes to check for a FloxyError. */
export function floxyError(code: FloxyError['code'], message: RegExp): (thrown: unknown) => true {
  return (thrown) => {
    assert.ok(thrown instanceof FloxyError, `not a FloxyError: ${thrown}`);
    assert.equal(thrown.code, code);
    assert.match(thrown.message, message);
    return true;
  };
}

export function databasePath(directory: string): string {
  return join(directory, 'collector.db');
}

/** Opens the store of a directory; the caller closes it. */
export function openedStore(directory: string) {
  const store = quietStore(databasePath(directory));
  return { store, restored: store.open() };
}

/** Closes a store and reads what another service would find. */
export function reopen(store: SqliteRuleStore): RestoredRules {
  store.close();
  return store.open();
}

/** A rule whose exporter tells its number, up to 65535. */
export function numberedRule(number: number): Rule {
  return rule(`10.1.${number >> 8}.${number & 255}`, ['192.0.2.1:2055']);
}

/** What saveAndDie() leaves behind, as revision 2. */
export const SAVED_BY_THE_DEAD = ruleSet([numberedRule(1), numberedRule(2)]);

/** Lets a process save rules and end by SIGKILL right after: they are in the write-ahead log only. */
export function saveAndDie(directory: string): void {
  const script = fileURLToPath(new URL('save-and-die.ts', import.meta.url));
  const child = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' });
  assert.equal(child.signal, 'SIGKILL', child.stderr);
  assert.ok(statSync(`${databasePath(directory)}-wal`).size > 0, 'the log has content');
}
