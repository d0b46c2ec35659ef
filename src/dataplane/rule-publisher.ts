import {
  type Exporter,
  exporterKey,
  type Rule,
  type RuleEdit,
  type RuleSet,
} from '../model/rules.ts';
import type { AssignedOutputs, AssignedRule, RuleSlots } from '../table/assigned.ts';
import {
  deletedLine,
  type Identities,
  IdentityWriter,
  limboLine,
  pipelinesLine,
} from '../table/identities.ts';
import { PROBE_SLOTS, SlotAllocator, type SlotAssignment } from '../table/slots.ts';
import type { TableEdit } from '../table/table-editor.ts';
import type { SharedMemory, TableReference } from './engine.ts';
import type { CounterColumns } from './memory/counter-columns.ts';
import { SLOT_COUNT, STATE_COUNT } from './memory/counter-memory.ts';
import { IdentityMemory } from './memory/identity-memory.ts';
import { TableMemory } from './memory/table-memory.ts';

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
}

/** An edit of more rules than this, and of more than a part of them all, makes the table anew. */
const MANY_RULES = 1000;
const LARGE_PART = 1 / 4;

/** The log of identities is begun anew when it is so many times as long as it was then, and this longer. */
const LOG_GROWTH = 2;
const LOG_SLACK_BYTES = 1 << 20;

const NO_EDIT: TableEdit = {
  deleted: [],
  upserts: [],
  defaults: undefined,
  pipelines: new Map(),
};

interface Memory {
  readonly table: TableMemory;
  readonly identities: IdentityMemory;
}

/** Makes tables of rule sets in memory that engines share, and logs there what counts where. */
export class RulePublisher {
  /** Ports of collectors that have none (spec R5): that of arrival. */
  readonly listenPorts: readonly number[];
  readonly #slots: SlotAllocator;
  #memory: Memory | undefined;
  #written: Written | undefined;
  /** Number of the assignment that the log of identities tells. */
  #logged: number | undefined;
  /** What the log was long when it was begun. */
  #loggedBytes = 0;

  /**
   * @param listeners where packets arrive
   * @param columns whose slots and states are set to zero before they are used
   */
  constructor(listeners: readonly { readonly port: number }[], columns: CounterColumns) {
    this.listenPorts = [...new Set(listeners.map(({ port }) => port))];
    this.#slots = new SlotAllocator({
      slots: SLOT_COUNT,
      states: STATE_COUNT,
      clearSlot: (slot) => columns.clear(slot),
      clearState: (state) => columns.clearState(state),
    });
  }

  start(): void {
    const table = new TableMemory(this.listenPorts[0] ?? 0);
    this.#memory = { table, identities: new IdentityMemory() };
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
  }

  get sharedMemory(): SharedMemory {
    const { table, identities } = this.#started();
    return { tables: table.readOnlyFds, identities: identities.readOnlyFd };
  }

  /** The index of each pipeline that the rules committed last name. */
  get pipelines(): ReadonlyMap<string, number> {
    return this.#slots.pipelines;
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
    await this.#log(assignment);
    const last = this.#written;
    this.#written = undefined;
    const edit = last && this.#editOf(last, assignment, probes);
    const { table } = this.#started();
    const reference = (edit && (await table.edit(edit))) ?? (await this.#make(assignment, probes));
    this.#written = { number: assignment.number, defaults: assignment.defaults, probes };
    return reference;
  }

  #commit(assignment: SlotAssignment): void {
    this.#slots.commit(assignment);
    const lines = [limboLine({ slots: [], states: [] })];
    if (assignment.allPipelines.size > 0) lines.push(pipelinesLine(assignment.pipelines));
    this.#started().identities.append(lines.join(''));
  }

  /** What is to be changed of the table written last; undefined when it has to be made anew. */
  #editOf(
    last: Written,
    assignment: SlotAssignment,
    probes: readonly Rule[],
  ): TableEdit | undefined {
    if (!areSame(last.probes, probes)) return undefined;
    if (last.number === assignment.number) return NO_EDIT;
    const { isWhole, base, rules, deleted, defaults, pipelines } = assignment;
    const changes = rules.size + deleted.size;
    const isLarge = changes > MANY_RULES && changes > this.#slots.size * LARGE_PART;
    if (isWhole || isLarge || base !== last.number) return undefined;
    return {
      deleted: [...deleted.values()],
      upserts: [...rules.values()],
      defaults: defaults === last.defaults ? undefined : defaults,
      pipelines,
    };
  }

  #make(assignment: SlotAssignment, probes: readonly Rule[]): Promise<TableReference> {
    const assigned = probes.map((rule): AssignedRule => ({ ...rule, slots: PROBE_SLOTS }));
    return this.#started().table.make({
      rules: [...this.#slots.rulesOf(assignment), ...assigned],
      defaults: assignment.defaults,
      pipelines: assignment.pipelines,
    });
  }

  /** Before the table is in force: whoever counts by it counts where the log says. */
  async #log(assignment: SlotAssignment): Promise<void> {
    if (this.#logged === assignment.number) return;
    const { identities } = this.#started();
    const isNext = !assignment.isWhole && this.#logged === assignment.base;
    this.#logged = undefined;
    if (isNext && identities.bytes < this.#loggedBytes * LOG_GROWTH + LOG_SLACK_BYTES) {
      const gone = [...assignment.deleted.keys()].map(deletedLine);
      identities.append([...gone, ...linesOf(assignment, assignment.rules.values())].join(''));
    } else {
      await identities.replace(linesOf(assignment, this.#slots.rulesOf(assignment)));
      this.#loggedBytes = identities.bytes;
    }
    this.#logged = assignment.number;
  }

  #started(): Memory {
    if (this.#memory === undefined) throw new Error('not started');
    return this.#memory;
  }
}

function* linesOf(
  { defaults, released, allPipelines }: SlotAssignment,
  rules: Iterable<AssignedRule>,
): Iterable<string> {
  const writer = new IdentityWriter();
  for (const rule of rules) yield writer.ruleLine(rule, exporterKey(rule.exporter));
  yield writer.ruleLine(defaults);
  yield limboLine(released);
  if (allPipelines.size > 0) yield pipelinesLine(allPipelines);
}

function areSame(some: readonly Rule[], others: readonly Rule[]): boolean {
  return some.length === others.length && some.every((rule, i) => rule === others[i]);
}
