/**
 * The file that keeps tokens. Of a token it has the SHA-256 alone: a token is 256 random bits, which nobody finds by
 * trying however fast the hash is, and a slow hash (scrypt, argon2) would let strangers who send wrong tokens take
 * the processor from health and rules.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FloxyError, messageOf } from '../base/errors.ts';
import { ROLES, type Role } from '../model/caller.ts';
import { replaceFile } from './replace-file.ts';

/** A token as it is kept. */
export interface StoredToken {
  readonly name: string;
  readonly role: Role;
  /** Of the token, in hexadecimal digits. */
  readonly sha256: string;
  /** RFC 3339 in UTC, as the next. */
  readonly created: string;
  /** Absent: it does not expire. */
  readonly expires?: string | undefined;
}

const TOKEN_BYTES = 32;
/** By which people, and programs that look for secrets in files, know what it is. */
const PREFIX = 'floxy_';

/** Each is compared at each call. */
const MAX_TOKENS = 1000;

export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const TOKEN = /^floxy_[A-Za-z0-9_-]{43}$/;

const FILE = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: z.string().regex(TOKEN_NAME),
        role: z.enum(ROLES),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        created: z.iso.datetime(),
        expires: z.iso.datetime().optional(),
      }),
    )
    .max(MAX_TOKENS),
});

/** The hash of what could be a token; undefined for what cannot. */
export function hashToken(token: string): Buffer | undefined {
  return TOKEN.test(token) ? createHash('sha256').update(token).digest() : undefined;
}

/** @throws FloxyError INVALID_INPUT when the file cannot be read or is none of tokens; one that is not there has none */
export function readTokens(file: string): readonly StoredToken[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new FloxyError('INVALID_INPUT', messageOf(error), { cause: error });
  }
  return parseTokens(text, file);
}

function parseTokens(text: string, file: string): readonly StoredToken[] {
  const problem = (message: string) => new FloxyError('INVALID_INPUT', `${file}: ${message}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw problem(messageOf(error));
  }
  const { success, data, error } = FILE.safeParse(json);
  if (!success) throw problem(z.prettifyError(error).replaceAll(/\s+/g, ' '));
  const names = data.tokens.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw problem(`two tokens have the name ${twice}`);
  return data.tokens;
}

export interface NewToken {
  readonly name: string;
  readonly role: Role;
  readonly expires: Date | undefined;
}

/**
 * Makes a token and keeps its hash.
 *
 * @returns the token, which nobody can find out later
 * @throws FloxyError INVALID_INPUT when there is one of that name, or the file cannot be used
 */
export function addToken(file: string, { name, role, expires }: NewToken): string {
  const token = `${PREFIX}${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const made: StoredToken = {
    name,
    role,
    sha256: (hashToken(token) as Buffer).toString('hex'),
    created: new Date().toISOString(),
    ...(expires && { expires: expires.toISOString() }),
  };
  change(file, (tokens) => {
    if (tokens.some((known) => known.name === name)) {
      const message = `there is a token ${name} already: remove it first, or take another name`;
      throw new FloxyError('INVALID_INPUT', message);
    }
    if (tokens.length >= MAX_TOKENS) {
      throw new FloxyError('LIMIT_EXCEEDED', `there are ${MAX_TOKENS} tokens: remove some`);
    }
    return [...tokens, made];
  });
  return token;
}

/** @throws FloxyError NOT_FOUND, INVALID_INPUT when the file cannot be used */
export function removeToken(file: string, name: string): void {
  change(file, (tokens) => {
    const left = tokens.filter((token) => token.name !== name);
    if (left.length === tokens.length) {
      const names = tokens.map((token) => token.name).join(', ') || 'none';
      throw new FloxyError('NOT_FOUND', `${file} has no token ${name}; there are: ${names}`);
    }
    return left;
  });
}

function change(
  file: string,
  edit: (tokens: readonly StoredToken[]) => readonly StoredToken[],
): void {
  replaceFile(file, () => `${JSON.stringify({ tokens: edit(readTokens(file)) }, undefined, 2)}\n`);
}
