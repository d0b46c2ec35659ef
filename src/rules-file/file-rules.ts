import { open } from 'node:fs/promises';
import type { Logger } from 'pino';
import { FloxyError, messageOf } from '../base/errors.ts';
import { withoutControls } from '../base/text.ts';
import { reportChange, titleOf } from '../control/change-report.ts';
import type { Control } from '../control/control.ts';
import type { RuleChange, RuleSet } from '../model/rules.ts';
import { changeBetween } from '../rules/difference.ts';
import { hashRules, ruleSetDigest } from '../rules/digest.ts';
import { Document, type DocumentProblem, formatOf } from './document.ts';
import { FileWatch } from './file-watch.ts';
import { formatProblem, placeListed, readRules, UNKNOWN_HOST } from './rules-file.ts';
import { loadShape, type Shape } from './shape.ts';

/** Of a file: 1,000,000 rules fit. */
const MAX_BYTES = 512 * 1024 * 1024;

/** Problems that are told; more are counted. */
const MAX_TOLD = 5;

/** What could not be put in force, or read, is tried again after so long, and then after twice as long … */
const FIRST_RETRY_MS = 1000;
/** … up to this. */
const MAX_RETRY_MS = 30_000;

export type FileOwnedControl = Pick<Control, 'rules' | 'rulesProblem' | 'change'>;

export interface FileRulesOptions {
  readonly control: FileOwnedControl;
  /** An absolute path. */
  readonly file: string;
  readonly log: Logger;
}

/**
 * Keeps the rules of this node those of a file: read at the start, when it changes, and when it is asked to. A file
 * that is wrong changes nothing: the rules before stay in force (spec A44).
 */
export class FileRules {
  readonly file: string;
  readonly #control: FileOwnedControl;
  readonly #log: Logger;
  readonly #watch: FileWatch;
  #shape: Shape | undefined;
  #problem: string | undefined;
  /** The rules in force are those of the file, as it was at some time since the start, or before it. */
  #hasRules = false;
  #isStopped = false;
  #isWanted = false;
  #work: Promise<void> | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;

  constructor({ control, file, log }: FileRulesOptions) {
    this.file = file;
    this.#control = control;
    this.#log = log;
    this.#watch = new FileWatch(file, () => void this.reload());
  }

  /** Why the rules in force are not those that the file has by now. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether this node has had neither rules of its file nor any before. */
  get isWaitingForFirstRules(): boolean {
    return !this.#hasRules && this.#control.rules().revision === 0;
  }

  /** The control plane must have restored its rules by then. Resolves when the file was read. */
  async start(): Promise<void> {
    this.#log.info({ file: this.file }, 'the rules of this node are those of a file');
    this.#watch.start();
    await this.reload();
  }

  /** Waits for the change at work. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#watch.stop();
    clearTimeout(this.#retryTimer);
    await this.#work;
  }

  /** Reads the file anew, after what is at work. Resolves when it is in force, or known to be wrong; never rejects. */
  async reload(): Promise<void> {
    clearTimeout(this.#retryTimer);
    this.#isWanted = true;
    this.#work ??= this.#workOff().finally(() => {
      this.#work = undefined;
    });
    await this.#work;
  }

  async #workOff(): Promise<void> {
    while (this.#isWanted && !this.#isStopped) {
      this.#isWanted = false;
      try {
        await this.#load();
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  async #load(): Promise<void> {
    this.#watch.accept();
    const bytes = await readWhole(this.file);
    this.#shape ??= loadShape('ProxyRules');
    const document = await Document.read(bytes, this.#shape, formatOf(this.file));
    const { ruleSet, problems } = await readRules(document, UNKNOWN_HOST);
    if (problems.length > 0) throw this.#wrong(document, problems);
    if (isEmpty(ruleSet) && document.message['rules'] === undefined) {
      throw new FloxyError(
        'INVALID_INPUT',
        `${this.file} has neither rules nor default outputs: a file that means it says so, with \`rules: []\` (JSON: {"rules": []})`,
      );
    }
    await this.#putInForce(ruleSet, document);
    this.#hasRules = true;
    if (this.#problem !== undefined)
      this.#log.info({ file: this.file }, 'the file of rules is right again');
    this.#problem = undefined;
  }

  async #putInForce(ruleSet: RuleSet, document: Document): Promise<void> {
    const present = this.#control.rules();
    const isSound = this.#control.rulesProblem() === undefined;
    await hashRules(ruleSet.rules);
    await hashRules(present.ruleSet.rules);
    const isSame = ruleSetDigest(present.ruleSet) === ruleSetDigest(ruleSet);
    // What was accepted once stays, also when the host would refuse it by now (spec V8).
    if (isSound && isSame && present.revision > 0) return;
    const change: RuleChange =
      isSound && present.revision > 0
        ? changeBetween(present.ruleSet, ruleSet)
        : { kind: 'replace', ruleSet };
    const origin = { author: 'file', from: this.file, call: 'RulesFile' };
    try {
      const result = await this.#control.change(change, present.revision, origin);
      const report = reportChange(result, ruleSet.rules.length);
      const { revision } = result;
      this.#log.info({ call: origin.call, file: this.file, revision, ...report }, titleOf(result));
    } catch (error) {
      throw change.kind === 'replace'
        ? this.#placed(error, document)
        : await this.#again(error, ruleSet, document);
    }
  }

  /** Paths in what is refused of an edit are not those of the file. */
  async #again(error: unknown, ruleSet: RuleSet, document: Document): Promise<unknown> {
    if (!(error instanceof FloxyError) || error.code !== 'INVALID_INPUT') return error;
    const whole = { kind: 'replace', ruleSet } as const;
    return this.#control.change(whole, undefined, { isDryRun: true }).then(
      () => error,
      (thrown: unknown) => this.#placed(thrown, document),
    );
  }

  #placed(error: unknown, document: Document): unknown {
    if (!(error instanceof FloxyError) || error.code !== 'INVALID_INPUT') return error;
    const listed = placeListed(document, error.message);
    return listed === undefined ? error : this.#wrong(document, listed);
  }

  #wrong(document: Document, problems: readonly (DocumentProblem | string)[]): FloxyError {
    const told = problems
      .slice(0, MAX_TOLD)
      .map((problem) =>
        typeof problem === 'string' ? problem : formatProblem(this.file, document, problem),
      );
    const rest = problems.length - told.length;
    if (rest > 0) told.push(`and ${rest} more (floxy rules check ${this.file})`);
    return new FloxyError('INVALID_INPUT', told.join('; '));
  }

  /** Tells it once, and tries again: the file may come back, the disk have room, the host other addresses. */
  #fail(thrown: unknown): void {
    if (this.#isStopped) return;
    const { revision } = this.#control.rules();
    const reason = withoutControls(messageOf(thrown));
    const problem = `${reason}; the rules of revision ${revision} stay in force`;
    if (problem !== this.#problem) {
      const details = thrown instanceof FloxyError ? { error: reason } : { err: thrown };
      this.#log.error(
        { file: this.file, revision, ...details },
        'the file of rules is not in force',
      );
      this.#retryMs = FIRST_RETRY_MS;
    }
    this.#problem = problem;
    this.#retryTimer = setTimeout(() => void this.reload(), this.#retryMs);
    this.#retryMs = Math.min(MAX_RETRY_MS, 2 * this.#retryMs);
  }
}

function isEmpty({ rules, defaultOutputs }: RuleSet): boolean {
  return rules.length === 0 && defaultOutputs.length === 0;
}

/** @throws FloxyError INVALID_INPUT when it cannot be read, or is written while it is read */
async function readWhole(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw new Error('it is no regular file');
    if (before.size > MAX_BYTES)
      throw new Error(`it has ${before.size} bytes, the limit is ${MAX_BYTES}`);
    const bytes = await handle.readFile();
    const after = await handle.stat({ bigint: true });
    if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) {
      throw new Error('it is being written');
    }
    return bytes;
  } catch (error) {
    const message = `${file} cannot be read: ${messageOf(error)}`;
    throw new FloxyError('INVALID_INPUT', message, { cause: error });
  }
}
