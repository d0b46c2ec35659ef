/** The tables `rules` and `default_outputs` of an open database. Its methods run within a transaction of the caller. */
import type { Database } from 'better-sqlite3';
import { messageOf } from '../base/errors.ts';
import {
  exporterKey,
  type Output,
  type Rule,
  type RuleChange,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import { defaultsItem, ruleItem } from '../rules/undo-message.ts';
import { rowSum } from './checksum.ts';
import { DecodeError, encodeOutput, RuleDecoder, RuleEncoder, type RuleRow } from './encoding.ts';
import { inSteps } from './reading-room.ts';

/** What the tables hold. */
export interface LoadedRules {
  readonly ruleSet: RuleSet;
  /** Over the rows of `rules`. */
  readonly sum: number;
}

export class RulesTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws DecodeError for one bad row */
  read(): LoadedRules {
    const decoder = new RuleDecoder();
    const { rules, rulesSum } = this.#readRules(decoder);
    return { ruleSet: { rules, defaultOutputs: this.#readDefaults(decoder) }, sum: rulesSum };
  }

  /**
   * An edit deletes, then adds; a rule that is there already keeps its place.
   *
   * @param sum over the rows of `rules` before
   * @returns the same after it
   */
  write(change: RuleChange, sum: number): number {
    return change.kind === 'replace' ? this.#replace(change.ruleSet) : this.#edit(change, sum);
  }

  /** All there is, in its order, as items of an undo. */
  *undoItems(): Generator<string> {
    const rules = this.#database
      .prepare<[], [string, string]>('SELECT rule, outputs FROM rules ORDER BY position')
      .raw();
    for (const [rule, outputs] of rules.iterate()) yield ruleItem(rule, outputs);
    const defaults = this.#database
      .prepare<[], string>('SELECT output FROM default_outputs ORDER BY position')
      .pluck();
    yield defaultsItem(defaults.all());
  }

  #readRules(decoder: RuleDecoder): { rules: Rule[]; rulesSum: number } {
    const rules: Rule[] = [];
    let rulesSum = 0;
    const rows = this.#database
      .prepare<[], [number, ...unknown[]]>(
        'SELECT position, exporter, rule, outputs FROM rules ORDER BY position',
      )
      .raw();
    const inOrder = inSteps(() => rows.iterate(), this.#countRules());
    for (const [position, exporter, rule, outputs] of inOrder) {
      rules.push(decodeRow('rules', position, () => decoder.rule(exporter, rule, outputs)));
      rulesSum += rowSum('rules', position, exporter, rule, outputs);
    }
    return { rules, rulesSum };
  }

  #countRules(): number {
    return Number(this.#database.prepare('SELECT count(*) FROM rules').pluck().get());
  }

  #readDefaults(decoder: RuleDecoder): Output[] {
    return this.#database
      .prepare<[], [number, unknown]>(
        'SELECT position, output FROM default_outputs ORDER BY position',
      )
      .raw()
      .all()
      .map(([position, output]) =>
        decodeRow('default_outputs', position, () => decoder.output(output)),
      );
  }

  #replace({ rules, defaultOutputs }: RuleSet): number {
    this.#database.exec('DELETE FROM rules');
    const insert = this.#database.prepare<[number, ...RuleRow]>(
      'INSERT INTO rules (position, exporter, rule, outputs) VALUES (?, ?, ?, ?)',
    );
    const encoder = new RuleEncoder();
    let sum = 0;
    for (const [index, rule] of rules.entries()) {
      const row = encoder.rule(rule);
      insert.run(index + 1, ...row);
      sum += rowSum('rules', index + 1, ...row);
    }
    this.#replaceDefaults(defaultOutputs);
    return sum;
  }

  #edit({ deleted, upserts, defaultOutputs }: RuleEdit, before: number): number {
    const remove = this.#database
      .prepare<[string], unknown[]>(
        'DELETE FROM rules WHERE exporter = ? RETURNING position, exporter, rule, outputs',
      )
      .raw();
    let sum = before;
    for (const exporter of deleted) {
      const row = remove.get(exporterKey(exporter));
      if (row !== undefined) sum -= rowSum('rules', ...row);
    }
    const upsert = this.#upserter();
    const encoder = new RuleEncoder();
    for (const rule of upserts) sum += upsert(encoder.rule(rule));
    if (defaultOutputs !== undefined) this.#replaceDefaults(defaultOutputs);
    return sum;
  }

  /** @returns what writes a row, and returns by how much the sum over the rows grows */
  #upserter(): (row: RuleRow) => number {
    const find = this.#database
      .prepare<[string], unknown[]>(
        'SELECT position, exporter, rule, outputs FROM rules WHERE exporter = ?',
      )
      .raw();
    const upsert = this.#database
      .prepare<[...RuleRow], number>(
        `INSERT INTO rules (exporter, rule, outputs) VALUES (?, ?, ?)
         ON CONFLICT (exporter) DO UPDATE SET rule = excluded.rule, outputs = excluded.outputs
         RETURNING position`,
      )
      .pluck();
    return (row) => {
      const old = find.get(row[0]);
      const sum = rowSum('rules', upsert.get(...row), ...row);
      return old === undefined ? sum : sum - rowSum('rules', ...old);
    };
  }

  #replaceDefaults(outputs: readonly Output[]): void {
    this.#database.exec('DELETE FROM default_outputs');
    const insert = this.#database.prepare<[string]>(
      'INSERT INTO default_outputs (output) VALUES (?)',
    );
    for (const output of outputs) insert.run(encodeOutput(output));
  }
}

function decodeRow<T>(table: string, position: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`row ${position} of table ${table}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
