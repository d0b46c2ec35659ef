import { Turn } from '../base/turn.ts';
import type { Exporter } from '../model/rules.ts';
import type { AssignedOutputs, AssignedRule } from './assigned.ts';
import { PART_WORDS } from './blocks.ts';
import { bucketsFor } from './bucket-count.ts';
import { FILTER, HEADER, LEAVE, PREFIX, RULE } from './layout.ts';
import { MadeRows } from './made-rows.ts';
import { OutputWriter, type TableRows } from './output-writer.ts';
import { prefixRulesAt } from './prefix-tree.ts';
import { type Destinations, writeExporter } from './rows.ts';
import { hashedRules } from './rule-kind.ts';
import { RulePlaces } from './rule-places.ts';
import { TouchedWords } from './touched-words.ts';

/** A hash table so many times as large as it would be made is made anew. */
const SPARSE = 8;

/** What makes another table of a table: rules that go, then rules that come or have other outputs. */
export interface TableEdit {
  readonly deleted: readonly Exporter[];
  readonly upserts: readonly AssignedRule[];
  /** undefined leaves them as they are. */
  readonly defaults: AssignedOutputs | undefined;
  /** The index of each pipeline that they name. */
  readonly pipelines: ReadonlyMap<string, number>;
  /** Collectors that are down, by watchKey(): rules whose collectors went or came are among the upserts. */
  readonly down: ReadonlySet<string>;
  /** How often collectors have come back, by watchKey(). */
  readonly returns?: ReadonlyMap<string, number> | undefined;
  /** Index of the path to a collector, 0 = none. */
  readonly pathOf?: Destinations['pathOf'];
}

/**
 * Changes a table in place: knows which of its rows are free. It is used with copies of the table in turns;
 * each is as the last one was when it was edited.
 */
export class TableEditor {
  readonly #rows: TableRows;
  readonly #listenPort: number;

  /** @param rows what compile() has used of them */
  constructor(rows: TableRows, listenPort: number) {
    this.#rows = rows;
    this.#listenPort = listenPort;
  }

  /**
   * Lets the process do other things in between.
   *
   * @returns what was written; undefined when there is no room: then the copy is good for nothing any more,
   *   and so is this: compile the table anew
   */
  async edit(words: Int32Array, edit: TableEdit): Promise<TouchedWords | undefined> {
    const { pipelines, down, returns, pathOf } = edit;
    const listenPort = this.#listenPort;
    const destinations = { listenPort, pipelines, down, returns, pathOf };
    const editing = new Editing(words, this.#rows, destinations);
    return (await editing.apply(edit)) ? editing.touched : undefined;
  }

  /** All words of the table that mean something. */
  wordsInUse(words: Int32Array): TouchedWords {
    const prefixes = words[HEADER.PREFIXES] as number;
    const { used } = this.#rows.prefixes;
    const inUse = new TouchedWords();
    inUse.add(0, prefixes);
    inUse.add(prefixes + PREFIX.WORDS, used * PREFIX.WORDS);
    inUse.add(prefixRulesAt(words) + RULE.WORDS, used * RULE.WORDS);
    inUse.add(words[HEADER.OUTPUTS] as number, this.#rows.blocks.used * PART_WORDS);
    inUse.add(words[HEADER.LEAVES] as number, this.#rows.leaves.used * LEAVE.WORDS);
    const { filters, values } = this.#rows.filters.used;
    inUse.add(words[HEADER.FILTERS] as number, filters * FILTER.WORDS);
    inUse.add(words[HEADER.FILTER_VALUES] as number, values);
    return inUse;
  }
}

class Editing {
  readonly touched = new TouchedWords();
  readonly #words: Int32Array;
  readonly #places: RulePlaces;
  readonly #outputs: OutputWriter;
  readonly #row = new Int32Array(RULE.WORDS);

  constructor(words: Int32Array, rows: TableRows, destinations: Destinations) {
    this.#words = words;
    this.#places = new RulePlaces(words, rows.prefixes, this.touched);
    this.#outputs = new OutputWriter(words, rows, new MadeRows(destinations), this.touched);
  }

  async apply({ deleted, upserts, defaults }: TableEdit): Promise<boolean> {
    const turn = new Turn();
    for (const exporter of deleted) {
      if (turn.isOver) await turn.next();
      this.#delete(exporter);
    }
    for (const rule of upserts) {
      if (turn.isOver) await turn.next();
      if (!this.#upsert(rule)) return false;
    }
    if (defaults !== undefined) {
      const rule = this.#words[HEADER.DEFAULT_RULE] as number;
      if (!this.#replaceOutputs(defaults, rule, true)) return false;
    }
    this.touched.add(0, HEADER.WORDS);
    return !this.#isSparse();
  }

  #delete(exporter: Exporter): void {
    const rule = this.#find(exporter);
    if (rule === 0) return;
    this.#outputs.release(rule);
    this.#places.remove(this.#row, rule);
  }

  #upsert(assigned: AssignedRule): boolean {
    const rule = this.#find(assigned.exporter);
    if (rule !== 0) return this.#replaceOutputs(assigned, rule);
    if (!this.#outputs.write(assigned, this.#row, 0) || !this.#hasRoomForRule()) return false;
    return this.#places.insert(this.#row);
  }

  #replaceOutputs(assigned: AssignedOutputs, rule: number, isDefault = false): boolean {
    this.#outputs.release(rule);
    this.touched.add(rule, RULE.WORDS);
    return this.#outputs.write(assigned, this.#words, rule, isDefault);
  }

  /** Leaves the exporter in the row. @returns its rule, or 0 */
  #find(exporter: Exporter): number {
    this.#row.fill(0);
    writeExporter(this.#row, 0, exporter);
    return this.#places.find(this.#row);
  }

  #hasRoomForRule(): boolean {
    return bucketsFor(hashedRules(this.#words) + 1) <= this.#header(HEADER.BUCKETS);
  }

  /** So many rules have gone that the table is much too large for those that are left. */
  #isSparse(): boolean {
    return bucketsFor(hashedRules(this.#words)) * SPARSE <= this.#header(HEADER.BUCKETS);
  }

  #header(index: number): number {
    return this.#words[index] as number;
  }
}
