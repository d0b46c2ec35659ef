/**
 * Which processes hold the sockets of a listener, in a file beside the handover sockets. The next control
 * reads it to find forwarders that do not answer.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { MAX_LISTENERS } from '../../config/listeners.ts';
import { descriptorNames, type HandoverState, handoverVersions } from './handover.ts';
import {
  bootId,
  identifyProcess,
  networkNamespace,
  type ProcessIdentity,
} from './process-identity.ts';
import { integer, list, object, optional, parse, type Shape, text } from './shape.ts';

/** A forwarder, and what it has open. */
export interface RecordedForwarder extends ProcessIdentity {
  readonly index: number;
  /** Names (DescriptorName) in the order of the numbers, see inheritedDescriptors(). */
  readonly descriptors: readonly string[];
}

export interface ForwarderRecord {
  /** Process numbers mean nothing after another boot. */
  readonly boot: string;
  readonly control: ProcessIdentity;
  /** Where flow is received, as formatEndpoint() prints it; undefined: where the name of the record says. */
  readonly listeners: readonly string[] | undefined;
  /** The network namespace in which it is. */
  readonly network: string | undefined;
  readonly versions: HandoverState['versions'];
  readonly forwarders: readonly RecordedForwarder[];
}

const MAX_FORWARDERS = 256;
const MAX_BOOT_LENGTH = 64;
const MAX_ADDRESS_LENGTH = 64;
const WRITABLE_BY_OTHERS = 0o022;

const identity = { pid: integer(1), start: integer(0) };
const shape: Shape<ForwarderRecord> = object({
  boot: text(MAX_BOOT_LENGTH),
  control: object(identity),
  listeners: optional(list(text(MAX_ADDRESS_LENGTH), MAX_LISTENERS)),
  network: optional(text(MAX_ADDRESS_LENGTH)),
  versions: handoverVersions,
  forwarders: list(
    object({ ...identity, index: integer(0), descriptors: descriptorNames }),
    MAX_FORWARDERS,
  ),
});

/**
 * The processes that a record names are killed when they do not answer: one is believed only when nobody but this
 * user, or root, can have written it, whoever owns the folder.
 *
 * @returns undefined when there is none, it is of another boot or user, or nothing that can be read
 */
export function readForwarderRecord(path: string): ForwarderRecord | undefined {
  try {
    const record = parse(readOwnFile(path), shape);
    return record.boot === bootId() ? record : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error when another user can have written it */
function readOwnFile(path: string): string {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const { uid, mode } = fstatSync(fd);
    const isOwn = uid === 0 || uid === process.geteuid?.();
    if (!isOwn || (mode & WRITABLE_BY_OTHERS) !== 0) throw new Error('others can write it');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** Writes the record of this control. A disk that hangs holds up nothing else. */
export class ForwarderRecorder {
  readonly #path: string;
  readonly #listeners: readonly string[];
  readonly #versions: HandoverState['versions'];
  readonly #log: Logger;
  readonly #forwarders = new Map<number, RecordedForwarder>();
  #writing: Promise<void> | undefined;
  #isStale = false;
  #hasFailed = false;

  constructor(
    { path, listeners }: { readonly path: string; readonly listeners: readonly string[] },
    versions: HandoverState['versions'],
    log: Logger,
  ) {
    this.#path = path;
    this.#listeners = listeners;
    this.#versions = versions;
    this.#log = log;
  }

  /** A forwarder has been started, in place of the one before with its index. */
  note(index: number, pid: number, descriptors: readonly string[]): void {
    const process = identifyProcess(pid);
    if (process === undefined) return;
    this.#forwarders.set(index, { ...process, index, descriptors });
    this.#isStale = true;
    this.#writing ??= this.#write();
  }

  /** All of them have ended. */
  remove(): void {
    try {
      unlinkSync(this.#path);
    } catch {
      // It was not written, or somebody has removed it.
    }
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.new`;
    while (this.#isStale) {
      this.#isStale = false;
      try {
        // A new file: what is there may be somebody else's, or lead elsewhere.
        await rm(temporary, { force: true });
        await writeFile(temporary, JSON.stringify(this.#record()), { mode: 0o600, flag: 'wx' });
        await rename(temporary, this.#path);
        this.#hasFailed = false;
      } catch (error) {
        if (!this.#hasFailed) this.#complain(error);
        this.#hasFailed = true;
      }
    }
    this.#writing = undefined;
  }

  #record(): ForwarderRecord {
    return {
      boot: bootId(),
      control: identifyProcess(process.pid) ?? { pid: process.pid, start: 0 },
      listeners: this.#listeners,
      network: networkNamespace(),
      versions: this.#versions,
      forwarders: [...this.#forwarders.values()],
    };
  }

  #complain(error: unknown): void {
    this.#log.warn(
      { path: this.#path, error: messageOf(error) },
      'the next control will not find forwarders that do not answer: the folder of COLLECTOR_FLOXY_RUNTIME_DIRECTORY must be writable',
    );
  }
}
