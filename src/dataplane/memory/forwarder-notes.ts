import { Turn } from '../../base/turn.ts';
import type { Sightings } from '../../control/ports.ts';
import type { SendLoss } from '../../model/collector-status.ts';
import type { SeenExporter, SequenceLoss } from '../../model/exporter-status.ts';
import { FLOW_PROTOCOLS } from '../../model/flow-protocol.ts';
import { sumCounters } from '../../model/statistics.ts';
import type { Notes } from '../../native/notes.ts';
import { HEADER, NOTES } from '../../native/notes-layout.ts';
import type { LossEvent } from '../../telemetry/loss-log.ts';
import type { CounterColumns } from './counter-columns.ts';
import { NoteRows } from './note-rows.ts';

const CHUNK_ROWS = 1024;

/** What all forwarders have noted, put together: exporters move between them when their number changes. */
export class ForwarderNotes {
  readonly #columns: CounterColumns;
  readonly #rows = new NoteRows(CHUNK_ROWS);
  readonly #events = new NoteRows(NOTES.EVENTS);
  /** The number of the latest event that was told. */
  readonly #told = new Map<Notes, number>();

  constructor(columns: CounterColumns) {
    this.#columns = columns;
  }

  /** Copies that could not be sent, once for each collector and errno. */
  sendLosses(): readonly SendLoss[] {
    const losses = new Map<string, SendLoss>();
    for (const notes of this.#open()) {
      for (let from: number = NOTES.FIRST_LOSS; from < NOTES.FIRST_SEQUENCE; ) {
        const { count, next } = notes.read(from, NOTES.FIRST_SEQUENCE, this.#rows.bytes);
        for (let row = 0; row < count; row++) addLoss(losses, this.#rows, row);
        from = next;
      }
    }
    return [...losses.values()];
  }

  /** Copies that could not be sent, of which collector and errno are not known any more. */
  forgottenCopies(): bigint {
    return this.#open().reduce((sum, notes) => sum + notes.counter(HEADER.FORGOTTEN_COPIES), 0n);
  }

  /** Whose packets were seen. Lets the process do other things in between. */
  async sightings(): Promise<Sightings> {
    const exporters = new Map<string, SeenExporter>();
    const rows = new NoteRows(CHUNK_ROWS);
    let forgotten = 0n;
    for (const notes of this.#open()) {
      forgotten += notes.counter(HEADER.FORGOTTEN_EXPORTERS);
      forgotten += notes.counter(HEADER.FORGOTTEN_STRANGERS);
      await readInTurns(notes, { from: 0, end: NOTES.FIRST_LOSS, rows }, (row) =>
        addExporter(exporters, rows.exporterKey(row), rows.exporter(row)),
      );
      await readInTurns(notes, { from: NOTES.FIRST_SEQUENCE, end: NOTES.ROWS, rows }, (row) =>
        addSequence(exporters, rows, row),
      );
    }
    return { since: this.#since(), exporters: [...exporters.values()], forgotten };
  }

  /** The latest losses since the last call, 512 of each forwarder at most. */
  newEvents(): readonly LossEvent[] {
    return this.#open().flatMap((notes) => {
      const count = notes.readEvents(this.#told.get(notes) ?? 0, this.#events.bytes);
      if (count === 0) return [];
      this.#told.set(notes, Math.min(this.#events.eventNumber(count - 1), Number.MAX_SAFE_INTEGER));
      return Array.from({ length: count }, (_, i) => this.#events.event(i) ?? []).flat();
    });
  }

  /** When the notes of the one began that has them for longest: others were added later. */
  #since(): Date {
    const all = this.#open().map(({ sinceSeconds }) => sinceSeconds);
    return new Date(all.length === 0 ? Date.now() : Math.min(...all) * 1000);
  }

  #open(): readonly Notes[] {
    return this.#columns.notes().filter(({ isOpen }) => isOpen);
  }
}

interface Part {
  readonly from: number;
  readonly end: number;
  /** Gets the rows, one after the other. */
  readonly rows: NoteRows;
}

/** Lets the process do other things in between. */
async function readInTurns(
  notes: Notes,
  { from, end, rows }: Part,
  take: (row: number) => void,
): Promise<void> {
  const turn = new Turn();
  for (let at = from; at < end; ) {
    const { count, next } = notes.read(at, end, rows.bytes);
    for (let row = 0; row < count; row++) take(row);
    at = next;
    if (turn.isOver) await turn.next();
  }
}

function addLoss(losses: Map<string, SendLoss>, rows: NoteRows, row: number): void {
  const key = rows.lossKey(row);
  const other = losses.get(key);
  if (other === undefined) losses.set(key, rows.loss(row));
  else {
    const last = other.at >= rows.lossTime(row) ? other : rows.loss(row);
    losses.set(key, { ...last, copies: other.copies + rows.lossCopies(row) });
  }
}

function addExporter(
  exporters: Map<string, SeenExporter>,
  key: string,
  exporter: SeenExporter,
): void {
  const other = exporters.get(key);
  exporters.set(key, other === undefined ? exporter : together(other, exporter));
}

function addSequence(exporters: Map<string, SeenExporter>, rows: NoteRows, row: number): void {
  const key = rows.sequenceKey(row);
  const exporter = exporters.get(key);
  const sequence = rows.sequence(row);
  if (exporter === undefined || sequence === undefined) return;
  exporters.set(key, { ...exporter, missed: withSequence(exporter.missed, sequence) });
}

function withSequence(all: readonly SequenceLoss[], one: SequenceLoss): readonly SequenceLoss[] {
  const known = all.find(({ protocol }) => protocol === one.protocol);
  if (known === undefined) return [...all, one];
  const { protocol, sequences, lost } = known;
  const sum = { protocol, sequences: sequences + one.sequences, lost: lost + one.lost };
  return all.map((other) => (other === known ? sum : other));
}

function together(one: SeenExporter, other: SeenExporter): SeenExporter {
  const last = one.lastSeen > other.lastSeen ? one : other;
  return {
    ...last,
    received: sumCounters([one.received, other.received]),
    firstSeen: one.firstSeen < other.firstSeen ? one.firstSeen : other.firstSeen,
    protocols: FLOW_PROTOCOLS.filter(
      (protocol) => one.protocols.includes(protocol) || other.protocols.includes(protocol),
    ),
    missed: other.missed.reduce(withSequence, one.missed),
    truncated: one.truncated + other.truncated,
    lost: one.lost + other.lost,
  };
}
