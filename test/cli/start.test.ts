import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { packageRoot } from '../../src/package-root.ts';
import { requireRoot } from '../lab/require-root.ts';
import { endProcess, hasEnded, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from '../support/free-port.ts';

const START_LIMIT_MS = 60_000;

/** A checkout whose packages are there and whose build does nothing. */
class Checkout implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'floxy-start-'));
  readonly #children: ChildProcess[] = [];

  constructor() {
    cpSync(join(packageRoot, 'scripts'), join(this.#folder, 'scripts'), { recursive: true });
    symlinkSync(join(packageRoot, 'bin'), join(this.#folder, 'bin'));
    writeFileSync(join(this.#folder, 'package-lock.json'), '');
    mkdirSync(join(this.#folder, 'node_modules'));
    writeFileSync(join(this.#folder, 'node_modules/.package-lock.json'), '');
    mkdirSync(join(this.#folder, 'path'));
    writeFileSync(join(this.#folder, 'path/npm'), '#!/bin/sh\n', { mode: 0o755 });
  }

  /** Runs scripts/start, with an address of the API. */
  start(port: number, database: string): { child: ChildProcess; said: () => string } {
    const child = spawn(join(this.#folder, 'scripts/start'), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${join(this.#folder, 'path')}:${process.env['PATH']}`,
        COLLECTOR_API_ADDRESS: `127.0.0.1:${port}`,
        COLLECTOR_FLOXY_ADDRESS: '127.0.0.1:21055',
        COLLECTOR_FLOXY_THREAD_COUNT: '1',
        COLLECTOR_DATABASE_PATH: join(this.#folder, database),
      },
    });
    this.#children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    return { child, said: () => text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => endProcess(child, 'SIGTERM', 10_000)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Names of the children of a process that have ended and were not waited for. */
function zombiesOf(pid: number): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const status = readFileSync(`/proc/${Number(entry)}/status`, 'utf8');
      const isChild = status.includes(`\nPPid:\t${pid}\n`);
      return isChild && /^State:\tZ/m.test(status) ? [status.split('\n', 1)[0] ?? ''] : [];
    } catch {
      return [];
    }
  });
}

describe('scripts/start', { skip: requireRoot() }, () => {
  test('introduces the service that it started, and nothing when that could not start', async () => {
    const port = await freeTcpPort();
    await using checkout = new Checkout();
    const first = checkout.start(port, 'one/collector.db');
    await waitFor(
      () => `it introduces the service: ${first.said()}`,
      () => first.said().includes('floxy receives flow on 127.0.0.1:21055'),
      START_LIMIT_MS,
    );
    assert.deepEqual(zombiesOf(first.child.pid ?? 0), []);

    const second = checkout.start(port, 'two/collector.db');
    await waitFor('the second one ends', () => hasEnded(second.child), START_LIMIT_MS);
    // Whatever it left behind has its standard error open: that ends with the last of them.
    await waitFor('all of it ends', () => second.child.stderr?.closed, START_LIMIT_MS);
    assert.equal(second.child.exitCode, 1);
    assert.match(second.said(), /the API cannot be served/);
    assert.doesNotMatch(second.said(), /floxy receives flow|floxy runs/);
  });
});
