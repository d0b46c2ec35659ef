import { Turn } from '../base/turn.ts';
import { isWatchedBy, turnedBetween } from '../model/collector-health.ts';
import type { Collector, Exporter, Output, Rule, RuleEdit, RuleSet } from '../model/rules.ts';
import type { AssignedOutputs, AssignedRule, RuleSlots } from '../table/assigned.ts';
import type { TableContent } from '../table/compile.ts';
import type { Identities } from '../table/identities.ts';
import { PROBE_SLOTS, SlotAllocator, type SlotAssignment } from '../table/slots.ts';
import type { TableEdit } from '../table/table-editor.ts';
import type { SharedMemory, TableReference } from './engine.ts';
import type { CounterColumns } from './memory/counter-columns.ts';
import { SLOT_COUNT, STATE_COUNT } from './memory/counter-memory.ts';
import { IdentityLog } from './memory/identity-log.ts';
import { IdentityMemory } from './memory/identity-memory.ts';
import { TableMemory } from './memory/table-memory.ts';
import type { PathTable } from './path-table.ts';

/** A rule set and where it counts. One at a time, until commit() or discard(). */
export interface PreparedTable {
  /** The index of each pipeline that it names. */
  readonly pipelines: ReadonlyMap<string, number>;
  /** Writes it as a table. @param probes rules to be in the table besides */
  write(probes: readonly Rule[]): Promise<TableReference>;
  /** It is in force everywhere: rule() and defaults are those of this rule set from now on. */
  commit(): void;
  /** It is not going to be in force. */
  discard(): void;
}

/** The table that was written last. */
interface Written {
  /** Of its assignment. */
  readonly number: number;
  readonly defaults: AssignedOutputs;
  readonly probes: readonly Rule[];
  /** Collectors that it leaves out, by watchKey(). */
  readonly down: ReadonlySet<string>;
}

/** An edit of more rules than this, and of more than a part of them all, makes the table anew. */
const MANY_RULES = 1000;
const LARGE_PART = 1 / 4;

const NO_EDIT: TableEdit = {
  deleted: [],
  upserts: [],
  defaults: undefined,
  pipelines: new Map(),
  down: new Set(),
};

interface Memory {
  readonly table: TableMemory;
  readonly identities: IdentityMemory;
  readonly log: IdentityLog;
}

/** Makes tables of rule sets in memory that engines share, and logs there what counts where. */
export class RulePublisher {
  /** Ports of collectors that have none (spec R5): that of arrival. */
  readonly listenPorts: readonly number[];
  readonly #slots: SlotAllocator;
  readonly #paths: PathTable | undefined;
  #memory: Memory | undefined;
  #written: Written | undefined;
  /** Collectors that tables leave out from now on. */
  #down: ReadonlySet<string> = new Set();
  /** How often each of them has come back. */
  readonly #returns = new Map<string, number>();

  /**
   * @param listeners where packets arrive
   * @param columns whose slots and states are set to zero before they are used
   * @param paths of collectors; none: nothing is known of them
   */
  constructor(
    listeners: readonly { readonly port: number }[],
    columns: CounterColumns,
    paths?: PathTable,
  ) {
    this.#paths = paths;
    this.listenPorts = [...new Set(listeners.map(({ port }) => port))];
    this.#slots = new SlotAllocator({
      slots: SLOT_COUNT,
      states: STATE_COUNT,
      clearSlot: (slot) => columns.clear(slot),
      clearState: (state, hasLeftOut) => columns.clearState(state, hasLeftOut),
    });
  }

  start(): void {
    const table = new TableMemory(this.listenPorts[0] ?? 0);
    const identities = new IdentityMemory();
    this.#memory = { table, identities, log: new IdentityLog(identities) };
  }

  close(): void {
    this.#memory?.table.close();
    this.#memory?.identities.close();
  }

  /**
   * Goes on with the slots by which packets are counted, which another process has given out.
   *
   * @throws RangeError when that cannot be
   */
  adopt(identities: Identities): void {
    this.#slots.adopt(identities);
    this.#down = identities.down;
  }

  /** Collectors that are down, by watchKey(): the next table that is written leaves them out (spec H3). */
  get down(): ReadonlySet<string> {
    return this.#down;
  }

  set down(down: ReadonlySet<string>) {
    for (const key of this.#down) {
      if (!down.has(key)) this.#returns.set(key, (this.#returns.get(key) ?? 0) + 1);
    }
    this.#down = down;
  }

  get sharedMemory(): SharedMemory {
    const { table, identities } = this.#started();
    return {
      tables: table.readOnlyFds,
      identities: identities.readOnlyFd,
      paths: this.#paths?.readOnlyFd,
      copyPaths: (memory) => this.#paths?.copyTo(memory),
      leadBack: (endpoint) => this.#paths?.leadBack(endpoint),
    };
  }

  /** The index of each pipeline that the rules committed last name. */
  get pipelines(): ReadonlyMap<string, number> {
    return this.#slots.pipelines;
  }

  /** Packets are moved by the table that was written last, and by no other. */
  settle(): void {
    this.#paths?.settle();
  }

  /** Where the rules committed last count. */
  rule(exporter: Exporter): RuleSlots | undefined {
    return this.#slots.rule(exporter);
  }

  get defaults(): RuleSlots {
    return this.#slots.defaults;
  }

  /**
   * @param edit what makes the rule set of the one committed last, when that is known
   * @throws FloxyError LIMIT_EXCEEDED, with nothing taken
   */
  async prepare(ruleSet: RuleSet, edit?: RuleEdit): Promise<PreparedTable> {
    const assignment = await this.#slots.assign(ruleSet, edit);
    return {
      pipelines: assignment.pipelines,
      write: (probes) => this.#write(assignment, probes),
      commit: () => this.#commit(assignment),
      discard: () => this.#slots.discard(assignment),
    };
  }

  async #write(assignment: SlotAssignment, probes: readonly Rule[]): Promise<TableReference> {
    const down = this.#down;
    const { table, log } = this.#started();
    await log.write(assignment, () => this.#slots.rulesOf(assignment), down);
    const last = this.#written;
    this.#written = undefined;
    const next = { number: assignment.number, defaults: assignment.defaults, probes, down };
    const edit = last && (await this.#editOf(last, assignment, next));
    const reference = (edit && (await table.edit(edit))) ?? (await this.#make(assignment, next));
    this.#written = next;
    return { ...reference, states: this.#slots.statesEnd };
  }

  #commit(assignment: SlotAssignment): void {
    this.#slots.commit(assignment);
    this.#started().log.commit(assignment);
  }

  /** What is to be changed of the table written last; undefined when it has to be made anew. */
  async #editOf(
    last: Written,
    assignment: SlotAssignment,
    { probes, down }: Written,
  ): Promise<TableEdit | undefined> {
    if (!areSame(last.probes, probes) || this.#paths?.isCrowded) return undefined;
    const edit = this.#changes(last, assignment);
    if (edit === undefined) return undefined;
    const turned = turnedBetween(down, last.down);
    const more = { down, returns: this.#returns, pathOf: this.#pathOf };
    if (turned.size === 0) return { ...edit, ...more };
    return this.#withTurned({ ...edit, ...more }, assignment, turned);
  }

  /** Of the rules. */
  #changes(last: Written, assignment: SlotAssignment): TableEdit | undefined {
    if (last.number === assignment.number) return NO_EDIT;
    const { isWhole, base, rules, deleted, defaults, pipelines } = assignment;
    if (isWhole || this.#isLarge(rules.size + deleted.size) || base !== last.number)
      return undefined;
    return {
      deleted: [...deleted.values()],
      upserts: [...rules.values()],
      defaults: defaults === last.defaults ? undefined : defaults,
      pipelines,
      down: last.down,
      returns: this.#returns,
    };
  }

  /** The rules besides which name collectors that have gone down or up. Lets the process do other things in between. */
  async #withTurned(
    edit: TableEdit,
    assignment: SlotAssignment,
    turned: ReadonlySet<string>,
  ): Promise<TableEdit | undefined> {
    const names = namesAny(turned);
    const edited = new Set(edit.upserts);
    const upserts = [...edit.upserts];
    const turn = new Turn();
    for (const rule of this.#slots.rulesOf(assignment)) {
      if (turn.isOver) await turn.next();
      if (names(rule.outputs) && !edited.has(rule)) upserts.push(rule);
    }
    if (this.#isLarge(upserts.length + edit.deleted.length)) return undefined;
    const { defaults, pipelines } = assignment;
    const turnedDefaults = names(defaults.outputs) ? { defaults } : {};
    return { ...edit, upserts, pipelines, ...turnedDefaults };
  }

  #isLarge(changes: number): boolean {
    return changes > MANY_RULES && changes > this.#slots.size * LARGE_PART;
  }

  #make(assignment: SlotAssignment, { probes, down }: Written): Promise<TableReference> {
    this.#paths?.renew();
    const assigned = probes.map((rule): AssignedRule => ({ ...rule, slots: PROBE_SLOTS }));
    return this.#started().table.make({
      rules: [...this.#slots.rulesOf(assignment), ...assigned],
      defaults: assignment.defaults,
      pipelines: assignment.pipelines,
      down,
      returns: this.#returns,
      pathOf: this.#pathOf,
    });
  }

  get #pathOf(): TableContent['pathOf'] {
    const paths = this.#paths;
    return paths && ((collector) => paths.indexOf(collector));
  }

  #started(): Memory {
    if (this.#memory === undefined) throw new Error('not started');
    return this.#memory;
  }
}

/** Whether outputs name a collector that has one of these watches. */
function namesAny(watches: ReadonlySet<string>): (outputs: readonly Output[]) => boolean {
  // Many rules have the same outputs.
  const known = new Map<readonly Output[], boolean>();
  const isNamed = (collector: Collector) => isWatchedBy(watches, collector);
  return (outputs) => {
    let names = known.get(outputs);
    if (names === undefined) {
      names = outputs.some(({ collectors = [] }) => collectors.some(isNamed));
      known.set(outputs, names);
    }
    return names;
  };
}

function areSame(some: readonly Rule[], others: readonly Rule[]): boolean {
  return some.length === others.length && some.every((rule, i) => rule === others[i]);
}
