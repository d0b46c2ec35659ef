import { timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { fileStamp } from '../base/file-stamp.ts';
import type { Role } from '../model/caller.ts';
import { hashToken, readTokens } from './token-file.ts';

/** A token that somebody sent. */
export interface KnownToken {
  readonly name: string;
  readonly role: Role;
  readonly hash: Buffer;
  /** In the time of Date.now(); Infinity: never. */
  readonly expiresMs: number;
}

/** Others than its owner may not write the file: they could give themselves any role. */
const WRITABLE_BY_OTHERS = 0o022;

/** The tokens of a file, read again when it has changed. One that cannot be used leaves those before in force. */
export class TokenBook {
  readonly #file: string;
  readonly #report: (problem: string | undefined) => void;
  #stamp: string | undefined;
  #tokens: readonly KnownToken[] = [];

  /** @param report is told why the file cannot be used, and undefined when it was read */
  constructor(file: string, report: (problem: string | undefined) => void) {
    this.#file = file;
    this.#report = report;
  }

  /** Also one that has expired. All are compared, each in constant time. */
  find(token: string): KnownToken | undefined {
    const hash = hashToken(token);
    return hash && this.#findHash(hash);
  }

  /** Whether a token that was found is in force. */
  isValid({ hash }: KnownToken): boolean {
    const known = this.#findHash(hash);
    return known !== undefined && Date.now() < known.expiresMs;
  }

  /** How many are known. */
  get size(): number {
    this.#refresh();
    return this.#tokens.length;
  }

  #findHash(hash: Buffer): KnownToken | undefined {
    this.#refresh();
    let found: KnownToken | undefined;
    for (const token of this.#tokens) {
      if (timingSafeEqual(token.hash, hash)) found = token;
    }
    return found;
  }

  #refresh(): void {
    const stamp = fileStamp(this.#file);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#checkSafe();
      this.#tokens = readTokens(this.#file).map(({ name, role, sha256, expires }) => ({
        name,
        role,
        hash: Buffer.from(sha256, 'hex'),
        expiresMs: expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires),
      }));
      this.#report(undefined);
    } catch (error) {
      this.#report(messageOf(error));
    }
  }

  /** @throws Error */
  #checkSafe(): void {
    const status = statSync(this.#file, { throwIfNoEntry: false });
    if (status === undefined) return;
    if ((status.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new Error(`${this.#file} can be written by others than its owner: chmod 600 it`);
    }
    if (status.uid !== 0 && status.uid !== process.geteuid?.()) {
      throw new Error(`${this.#file} belongs to user ${status.uid}, not to root or the service`);
    }
  }
}
