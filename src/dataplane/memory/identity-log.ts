import { turnedBetween } from '../../model/collector-health.ts';
import { exporterKey } from '../../model/rules.ts';
import type { AssignedRule } from '../../table/assigned.ts';
import {
  deletedLine,
  downLine,
  IdentityWriter,
  limboLine,
  pipelinesLine,
} from '../../table/identities.ts';
import type { SlotAssignment } from '../../table/slots.ts';
import type { IdentityMemory } from './identity-memory.ts';

/** The log is begun anew when it is so many times as long as it was then, and this longer. */
const GROWTH = 2;
const SLACK_BYTES = 1 << 20;

/** Keeps the log of what counts where, and of who is down, as short as it can be. */
export class IdentityLog {
  readonly #memory: IdentityMemory;
  /** Number of the assignment that it tells. */
  #number: number | undefined;
  /** The collectors that it says are down. */
  #down: ReadonlySet<string> = new Set();
  /** What it was long when it was begun. */
  #bytes = 0;

  constructor(memory: IdentityMemory) {
    this.#memory = memory;
  }

  /**
   * Before the table is in force: whoever counts by it counts where the log says.
   *
   * @param rules all of the assignment
   * @param down collectors that the table leaves out, by watchKey()
   */
  async write(
    assignment: SlotAssignment,
    rules: () => Iterable<AssignedRule>,
    down: ReadonlySet<string>,
  ): Promise<void> {
    const isLong = this.#memory.bytes >= this.#bytes * GROWTH + SLACK_BYTES;
    const isKnown = this.#number === assignment.number && !isLong;
    const isNext = !assignment.isWhole && this.#number === assignment.base && !isLong;
    this.#number = undefined;
    if (isNext && !isKnown) this.#append(assignment);
    else if (!isKnown) await this.#begin(assignment, rules());
    this.#number = assignment.number;
    if (turnedBetween(down, this.#down).size > 0) this.#memory.append(downLine(down));
    this.#down = down;
  }

  /** It is in force: there are no others that count. */
  commit(assignment: SlotAssignment): void {
    const lines = [limboLine({ slots: [], states: [] })];
    if (assignment.allPipelines.size > 0) lines.push(pipelinesLine(assignment.pipelines));
    this.#memory.append(lines.join(''));
  }

  #append(assignment: SlotAssignment): void {
    const gone = [...assignment.deleted.keys()].map(deletedLine);
    this.#memory.append([...gone, ...linesOf(assignment, assignment.rules.values())].join(''));
  }

  async #begin(assignment: SlotAssignment, rules: Iterable<AssignedRule>): Promise<void> {
    await this.#memory.replace(linesOf(assignment, rules));
    this.#bytes = this.#memory.bytes;
    this.#down = new Set();
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
