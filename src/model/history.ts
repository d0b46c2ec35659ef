/** What is kept of changes of the rules, so that they can be told and undone (spec A30). */
import type { Exporter, Output, Revision, Rule, RuleSet } from './rules.ts';

/** How much a change changed. */
export interface ChangeSize {
  readonly added: number;
  readonly removed: number;
  /** Rules that have other outputs than before. */
  readonly changed: number;
  readonly areDefaultOutputsChanged: boolean;
  /** Rules changed their places. */
  readonly isReordered: boolean;
}

/** A rule, and where it stood. */
export interface PlacedRule {
  /** From 0. */
  readonly index: number;
  readonly rule: Rule;
}

/** What leads from the rules after a change back to those before it. */
export interface EditUndo {
  readonly kind: 'edit';
  /** Exporters of rules that the change added: they go first. */
  readonly added: readonly Exporter[];
  /** Rules that the change made others, as they were. */
  readonly changed: readonly Rule[];
  /** Rules that the change removed, in their order. */
  readonly removed: readonly PlacedRule[];
  /** All of those before; absent = the change left them as they were. */
  readonly defaultOutputs?: readonly Output[];
}

/** The rules before were so different that they are kept as they were, by whoever has them. */
export interface WholeUndo {
  readonly kind: 'whole';
  /** Whose rules were added, removed or made others. */
  readonly named: readonly Exporter[];
}

export type RuleUndo = EditUndo | WholeUndo;

/** A change as it is kept: its revision says the rest. */
export interface MadeChange {
  /** The revision that it changed; undefined: whoever made it did not know the rules before. */
  readonly previous: number | undefined;
  readonly size: ChangeSize;
  /** How many rules there are after it. */
  readonly rules: number;
  /** Holds for the rules of the previous revision. */
  readonly undo: RuleUndo;
}

/** What is told of a revision. */
export interface RevisionSummary {
  readonly revision: Omit<Revision, 'followed'>;
  readonly size: ChangeSize | undefined;
  readonly rules: number | undefined;
  /** The rules of then can be told. */
  readonly isRestorable: boolean;
}

export interface RevisionQuery {
  /** At most so many. */
  readonly limit: number;
  /** Only revisions below this number. */
  readonly before?: number;
  /** Only revisions that changed its rule; without port: a rule of any of its ports. */
  readonly exporter?: Exporter;
}

/** The newest first. */
export interface RevisionPage {
  readonly revisions: readonly RevisionSummary[];
  /** The next page is before this; undefined: there is none. */
  readonly nextBefore: number | undefined;
}

/** What leads back to a revision. */
export interface WayBack {
  readonly target: RevisionSummary;
  /** The revision that was in force. */
  readonly newest: number;
  /** From the newest on: each undoes one revision, the last of them the one that follows the target. */
  readonly steps: readonly StepBack[];
  /** Undoes the target itself; undefined: what was before is not known. */
  readonly before: StepBack | undefined;
}

/** What undoes a revision: parts as rules/undo-message.ts packs them. */
export interface StepBack {
  readonly revision: number;
  readonly parts: readonly Uint8Array[];
}

/** How much history is kept. What is beyond goes, the oldest first. */
export interface HistoryLimits {
  readonly revisions: number;
  /** On disk, of what is needed to undo changes. */
  readonly bytes: number;
}

/** What goes with a copy of the database. */
export interface BackupExtra {
  /** RFC 3339, UTC. */
  readonly madeAt: string;
  /** Of the program. */
  readonly version: string;
  /** The document of pipelines; undefined: there is none, or a file of the user's owns it. */
  readonly pipelines: string | undefined;
}

/** What a backup holds. What it has not because it is the file of a database is undefined. */
export interface BackupContent {
  readonly madeAt: string | undefined;
  readonly version: string | undefined;
  readonly pipelines: string | undefined;
  readonly revision: number;
  readonly ruleSet: RuleSet;
}

/** A copy of the database, for whoever asked for it to take away. */
export interface BackupFile {
  readonly path: string;
  readonly bytes: number;
  readonly revision: number;
  readonly rules: number;
}
