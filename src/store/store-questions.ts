/** What is asked of the database besides the rules in force: their history, and copies of it all. */
import type {
  BackupContent,
  BackupExtra,
  BackupFile,
  HistoryLimits,
  RevisionPage,
  RevisionQuery,
  WayBack,
} from '../model/history.ts';
import { readBackup, writeBackup } from './backup.ts';
import { followLinks, makeCopyFile, removeCopy } from './database-file.ts';
import type { SqliteRuleStore } from './sqlite-rule-store.ts';

export interface StoreQuestionsOptions {
  readonly store: Pick<SqliteRuleStore, 'ask'>;
  readonly path: string;
  readonly historyLimits: HistoryLimits;
}

/** Failures are FloxyErrors. */
export class StoreQuestions {
  readonly #store: StoreQuestionsOptions['store'];
  readonly #path: string;
  readonly #historyLimits: HistoryLimits;

  constructor({ store, path, historyLimits }: StoreQuestionsOptions) {
    this.#store = store;
    this.#path = path;
    this.#historyLimits = historyLimits;
  }

  revisions(query: RevisionQuery): RevisionPage {
    return this.#store.ask((database) => database.revisions(query));
  }

  /** @throws FloxyError NOT_FOUND also when it is not kept any more */
  wayBack(revision: number): WayBack {
    return this.#store.ask((database) => database.wayBack(revision));
  }

  /** Writes a copy, which the caller removes. */
  backup(extra: BackupExtra): BackupFile {
    return this.#store.ask((database) => writeBackup(database, followLinks(this.#path), extra));
  }

  /** Makes an empty file for a backup that is to be read; the caller removes it. */
  makeCopyFile(): string {
    return this.#store.ask(() => makeCopyFile(followLinks(this.#path)));
  }

  /** @throws FloxyError INVALID_INPUT when it cannot be used */
  readBackup(copy: string): BackupContent {
    const options = { busyTimeoutMs: 0, historyLimits: this.#historyLimits };
    return this.#store.ask(() => readBackup(copy, options));
  }

  removeCopy(copy: string): void {
    removeCopy(copy);
  }
}
