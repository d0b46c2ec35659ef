import { randomInt } from 'node:crypto';
import type { Exporter, Rule, RuleSet } from '../model/rules.ts';
import { compile, type RuleSlots } from '../table/compile.ts';
import type { DecompiledTable } from '../table/decompile.ts';
import { PROBE_SLOTS, SlotAllocator, type SlotAssignment } from '../table/slots.ts';
import type { TableReference } from './engine.ts';
import type { CounterColumns } from './memory/counter-columns.ts';
import { SLOT_COUNT } from './memory/counter-memory.ts';
import { TableMemory } from './memory/table-memory.ts';

/** A rule set and where it counts, as a table. One at a time, until commit() or discard(). */
export interface PreparedTable {
  /** @param probes rules to be in the table besides; it is made again when it was made with others */
  write(probes: readonly Rule[]): Promise<TableReference>;
  /** It is in force everywhere: rule() and defaults are those of this rule set from now on. */
  commit(): void;
  /** It is not going to be in force. */
  discard(): void;
}

interface Compiled {
  readonly table: ArrayBuffer;
  /** Those in the table. */
  readonly probes: readonly Rule[];
}

/** Makes tables of rule sets in memory that engines share. */
export class RulePublisher {
  readonly #listenPort: number;
  readonly #slots: SlotAllocator;
  #memory: TableMemory | undefined;

  /** @param columns whose slots are set to zero before they are used */
  constructor(listenPort: number, columns: CounterColumns) {
    this.#listenPort = listenPort;
    this.#slots = new SlotAllocator(SLOT_COUNT, (slot) => columns.clear(slot));
  }

  start(): void {
    this.#memory = new TableMemory();
  }

  close(): void {
    this.#memory?.close();
  }

  /** Goes on with the slots of the table that forwarders work by, which another process has made. */
  adopt(table: DecompiledTable): void {
    this.#slots.adopt(table);
  }

  /** Descriptors of the memory that tables are in; for reading. */
  get readOnlyFds(): readonly [number, number] {
    return this.#startedMemory().readOnlyFds;
  }

  /** Where the rules committed last count. */
  rule(exporter: Exporter): RuleSlots | undefined {
    return this.#slots.rule(exporter);
  }

  get defaults(): RuleSlots {
    return this.#slots.defaults;
  }

  /** @throws FloxyError LIMIT_EXCEEDED, with nothing taken */
  async prepare(ruleSet: RuleSet, probes: readonly Rule[]): Promise<PreparedTable> {
    const assignment = await this.#slots.assign(ruleSet);
    try {
      const table = await this.#compile(ruleSet, assignment, probes);
      return this.#prepared(ruleSet, assignment, { table, probes });
    } catch (error) {
      this.#slots.discard(assignment);
      throw error;
    }
  }

  #prepared(ruleSet: RuleSet, assignment: SlotAssignment, compiled: Compiled): PreparedTable {
    let latest = compiled;
    return {
      write: async (probes) => {
        if (!areSame(latest.probes, probes)) {
          latest = { table: await this.#compile(ruleSet, assignment, probes), probes };
        }
        return this.#startedMemory().write(latest.table);
      },
      commit: () => this.#slots.commit(assignment),
      discard: () => this.#slots.discard(assignment),
    };
  }

  #compile(
    ruleSet: RuleSet,
    { slots }: SlotAssignment,
    probes: readonly Rule[],
  ): Promise<ArrayBuffer> {
    return compile(
      { ...ruleSet, rules: [...ruleSet.rules, ...probes] },
      { ...slots, rules: [...slots.rules, ...probes.map(() => PROBE_SLOTS)] },
      { listenPort: this.#listenPort, seed: randomInt(2 ** 32) },
    );
  }

  #startedMemory(): TableMemory {
    if (this.#memory === undefined) throw new Error('not started');
    return this.#memory;
  }
}

function areSame(some: readonly Rule[], others: readonly Rule[]): boolean {
  return some.length === others.length && some.every((rule, i) => rule === others[i]);
}
