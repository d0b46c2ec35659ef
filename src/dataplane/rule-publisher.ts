import { randomInt } from 'node:crypto';
import type { PreparedRules } from '../control/ports.ts';
import type { Exporter, Rule, RuleSet } from '../model/rules.ts';
import { compile, type RuleSlots } from '../table/compile.ts';
import type { DecompiledTable } from '../table/decompile.ts';
import { PROBE_SLOTS, SlotAllocator, type SlotAssignment } from '../table/slots.ts';
import { SLOT_COUNT } from './memory/counter-memory.ts';
import { TableMemory } from './memory/table-memory.ts';
import type { TableReference } from './socket/forwarder/messages.ts';

/** Who works by the tables. */
export interface TableUsers {
  /** Rules for the proxy's own test datagrams, which are part of every table. */
  readonly probes: readonly Rule[];
  /** Resolves when all of them work by the table. */
  publish(table: TableReference): Promise<void>;
}

interface Prepared extends PreparedRules {
  readonly assignment: SlotAssignment;
  readonly table: ArrayBuffer;
  /** Those in the table. */
  readonly probes: readonly Rule[];
}

const NO_PROBES: readonly Rule[] = [];

/** Makes tables of rule sets, and puts them in force. */
export class RulePublisher {
  readonly #listenPort: number;
  readonly #slots: SlotAllocator;
  #memory: TableMemory | undefined;
  #users: TableUsers | undefined;
  /** The rules published last. */
  #latest: Prepared | undefined;
  /** Resolves when they are in force. */
  #published: Promise<void> = Promise.resolve();

  /** @param clearSlot sets a counter slot to zero that is about to be used */
  constructor(listenPort: number, clearSlot: (slot: number) => void) {
    this.#listenPort = listenPort;
    this.#slots = new SlotAllocator(SLOT_COUNT, clearSlot);
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

  get hasRules(): boolean {
    return this.#latest !== undefined;
  }

  /** Where the rules committed last count. */
  rule(exporter: Exporter): RuleSlots | undefined {
    return this.#slots.rule(exporter);
  }

  get defaults(): RuleSlots {
    return this.#slots.defaults;
  }

  /** The rules published last, and those to come, are put in force with these; before, they are only kept. */
  useWith(users: TableUsers): Promise<void> {
    this.#users = users;
    return this.#publishLatest();
  }

  async prepare(ruleSet: RuleSet): Promise<PreparedRules> {
    const assignment = await this.#slots.assign(ruleSet);
    try {
      return await this.#compiled(ruleSet, assignment);
    } catch (error) {
      this.#slots.discard(assignment);
      throw error;
    }
  }

  discard(prepared: PreparedRules): void {
    this.#slots.discard((prepared as Prepared).assignment);
  }

  publish(prepared: PreparedRules): Promise<void> {
    this.#latest = prepared as Prepared;
    return this.#publishLatest();
  }

  commit(prepared: PreparedRules): void {
    this.#slots.commit((prepared as Prepared).assignment);
  }

  /** One after the other: rules never go back. */
  #publishLatest(): Promise<void> {
    const published = this.#published.then(() => this.#putInForce());
    this.#published = published.catch(() => undefined);
    return published;
  }

  async #putInForce(): Promise<void> {
    const users = this.#users;
    if (users === undefined || this.#latest === undefined) return;
    while (this.#latest.probes !== users.probes) {
      // It was compiled before anybody used tables.
      const { ruleSet, assignment } = this.#latest;
      const compiled = await this.#compiled(ruleSet, assignment);
      if (this.#latest.assignment === assignment) this.#latest = compiled;
    }
    await users.publish(this.#startedMemory().write(this.#latest.table));
  }

  async #compiled(ruleSet: RuleSet, assignment: SlotAssignment): Promise<Prepared> {
    const probes = this.#users?.probes ?? NO_PROBES;
    const { slots } = assignment;
    const table = await compile(
      { ...ruleSet, rules: [...ruleSet.rules, ...probes] },
      { ...slots, rules: [...slots.rules, ...probes.map(() => PROBE_SLOTS)] },
      { listenPort: this.#listenPort, seed: randomInt(2 ** 32) },
    );
    return { ruleSet, assignment, table, probes };
  }

  #startedMemory(): TableMemory {
    if (this.#memory === undefined) throw new Error('not started');
    return this.#memory;
  }
}
