/** Callers of the API of all kinds, as programs that share no code with it. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { addToken } from '../../src/access/token-file.ts';
import type { AccessConfig } from '../../src/config/config.ts';
import type { Role } from '../../src/model/caller.ts';
import { packageRoot } from '../../src/package-root.ts';
import { HANG_MS } from '../lab/shell.ts';
import { OPEN_ACCESS, startApi, type TestApi } from './harness.ts';

const SCRIPT = readFileSync(path.join(packageRoot, 'test/api/raw_calls.py'), 'utf8');

/** Somebody who is no user of this host. */
export const STRANGER = 4711;

/** A token of each role, `expired`, and `unknown`. */
export type Token = Role | 'expired' | 'unknown';

export interface RawCall {
  readonly path: string;
  readonly token?: Token | undefined;
}

/** An API whose callers have roles. */
export interface AccessLab extends AsyncDisposable {
  readonly api: TestApi;
  readonly tokensFile: string;
  readonly socketPath: string;
  readonly tokens: Readonly<Record<Token, string>>;
  /** What becomes of calls, by a client of this user. @param uid this process' own unless given */
  call(calls: readonly RawCall[], options?: CallOptions): Promise<string[]>;
}

export interface CallOptions {
  readonly uid?: number;
  /** Default: the TCP address. */
  readonly address?: string;
  /** How long streams may say nothing. */
  readonly seconds?: number;
  /** How many calls are under way. */
  readonly atOnce?: number;
}

export async function startAccessLab(
  access: Partial<AccessConfig> = {},
  config: Parameters<typeof startApi>[0] = {},
): Promise<AccessLab> {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-access-'));
  chmodSync(folder, 0o755);
  const tokensFile = path.join(folder, 'tokens.json');
  const socketPath = path.join(folder, 'api.sock');
  const tokens = makeTokens(tokensFile);
  const api = await startApi({
    socket: { path: socketPath, mode: 0o666 },
    access: { ...OPEN_ACCESS, hasRoles: true, tokensPath: tokensFile, ...access },
    ...config,
  });
  return {
    api,
    tokensFile,
    socketPath,
    tokens,
    call: (calls, options) => callRaw(calls.map(withHeader), { address: api.address, ...options }),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  function withHeader({ path: method, token }: RawCall) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${tokens[token]}` };
    return { path: method, headers };
  }
}

function makeTokens(file: string): Record<Token, string> {
  const make = (name: string, role: Role, expires?: Date) =>
    addToken(file, { name, role, expires });
  return {
    viewer: make('looks', 'viewer'),
    editor: make('edits', 'editor'),
    admin: make('rules', 'admin'),
    expired: make('old', 'admin', new Date(Date.now() - 1000)),
    unknown: `floxy_${'A'.repeat(43)}`,
  };
}

interface Wanted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the request. */
  readonly bytes?: number;
}

export async function callRaw(
  calls: readonly Wanted[],
  { address = '', uid, seconds = HANG_MS / 1000, atOnce = 16 }: CallOptions,
): Promise<string[]> {
  const wanted = JSON.stringify({ address, calls, seconds, atOnce });
  const python = ['/usr/bin/python3', '-c', SCRIPT];
  const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const [program = '', ...args] = uid === undefined ? python : [...as, ...python];
  const options = { timeout: HANG_MS, cwd: '/', maxBuffer: 64 * 1024 * 1024 };
  const running = promisify(execFile)(program, args, options);
  running.child.stdin?.end(wanted);
  const { stdout } = await running;
  return JSON.parse(stdout) as string[];
}
