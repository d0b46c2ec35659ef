import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { floxy } from '../lab/service.ts';
import { endProcess, HANG_MS, hasEnded, waitFor } from '../lab/shell.ts';
import { netflow5 } from './support/netflow5.ts';
import { numberedSflow } from './support/numbered-sflow.ts';

/** `floxy collect` on ports of the loopback, and what it says. */
class Collector implements AsyncDisposable {
  readonly child: ChildProcess;
  output = '';
  errors = '';

  constructor(args: readonly string[], folder: string) {
    this.child = spawn(floxy, ['collect', ...args], {
      env: {
        PATH: process.env['PATH'],
        COLLECTOR_LOG_LEVEL: 'info',
        COLLECTOR_PIPELINES_DIRECTORY: path.join(folder, 'kept'),
      },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
  }

  /** Resolves when so many workers take datagrams. */
  async takes(workers: number): Promise<void> {
    await waitFor(
      () => `${workers} workers started: ${this.errors}`,
      () => this.errors.split('pipeline worker started').length > workers,
    );
    await waitFor('flow is collected', () => this.errors.includes('flow is collected'));
  }

  get flows(): Record<string, unknown>[] {
    const lines = this.output.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    await endProcess(this.child, signal, HANG_MS);
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!hasEnded(this.child)) await endProcess(this.child, 'SIGTERM', HANG_MS);
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const sockets = Array.from({ length: count }, () => createSocket('udp6'));
  const ports = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<number>((resolve) => {
          socket.bind(0, () => resolve((socket.address() as AddressInfo).port));
        }),
    ),
  );
  for (const socket of sockets) socket.close();
  return ports;
}

async function send(port: number, payloads: readonly Buffer[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const [i, payload] of payloads.entries()) {
    await new Promise((resolve) => socket.send(payload, port, '127.0.0.1', resolve));
    if (i % 100 === 99) await delay(1);
  }
  socket.close();
}

function makeFolder(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'floxy-collect-test-'));
  // Workers run as a user of their own, when the test runs as root.
  chmodSync(folder, 0o777);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('floxy collect', () => {
  test('without a file, flows of every version on every port are printed as JSON, all of them', async (t) => {
    const [first, second] = (await freePorts(2)) as [number, number];
    const args = ['--listen', `:${first}`, '--listen', `127.0.0.1:${second}`];
    await using collector = new Collector(args, makeFolder(t));
    await collector.takes(1);
    for (const port of [first, second]) {
      await send(
        port,
        numbers(500).map((number) => netflow5(1, number)),
      );
      await send(
        port,
        numbers(500).map((number) => numberedSflow(2, number)),
      );
    }
    assert.equal(await collector.end('SIGINT'), 0);
    const { flows } = collector;
    assert.equal(flows.length, 2000, collector.errors);
    assert.deepEqual([...new Set(flows.map(({ type }) => type))].sort(), ['NETFLOW_V5', 'SFLOW_5']);
    assert.match(collector.errors, /"taken":2000,"lost":0,"abandoned":0,"delivered":2000/);
  });

  test('with a file, its pipelines get all flows, and SIGHUP has it read again', async (t) => {
    const [port] = (await freePorts(1)) as [number];
    const folder = makeFolder(t);
    const file = path.join(folder, 'flows.yaml');
    const out = path.join(folder, 'out');
    mkdirSync(out);
    chmodSync(out, 0o777);
    const pipeline = (name: string, format: string) =>
      `  - {name: ${name}, format: ${format}, producer: {kind: file, path: '${out}/${name}-{time}.json', rotate_every: 1s}}\n`;
    const head = `listen: [":${port}"]\npipelines:\n`;
    writeFileSync(file, head + pipeline('a', 'json') + pipeline('v', 'vflow'));
    await using collector = new Collector([file], folder);
    await collector.takes(2);
    await send(
      port,
      numbers(300).map((number) => netflow5(1, number)),
    );
    const lines = (name: string) =>
      readdirSync(out)
        .filter((entry) => entry.startsWith(`${name}-`))
        .sort()
        .flatMap((entry) => readFileSync(path.join(out, entry), 'utf8').split('\n').slice(0, -1));
    for (const name of ['a', 'v']) {
      await waitFor(
        () => `${name} has all: ${lines(name).length} ${collector.errors}`,
        () => lines(name).length === 300,
      );
    }
    assert.equal(JSON.parse(lines('v')[0] ?? '').Header.Version, 5);
    writeFileSync(file, head + pipeline('a', 'json') + pipeline('b', 'json'));
    process.kill(collector.child.pid as number, 'SIGHUP');
    await collector.takes(3);
    await send(
      port,
      numbers(300).map((number) => netflow5(1, number + 300)),
    );
    assert.equal(await collector.end('SIGTERM'), 0);
    assert.equal(lines('a').length, 600, collector.errors);
    assert.equal(lines('v').length, 300);
    assert.equal(lines('b').length, 300);
  });

  test('a file that is wrong is told with its lines, and nothing is received', async (t) => {
    const folder = makeFolder(t);
    const file = path.join(folder, 'flows.yaml');
    writeFileSync(file, 'pipelines:\n  - {name: a, producer: {kind: stdot}}\n');
    await using collector = new Collector([file], folder);
    await waitFor('it has ended', () => hasEnded(collector.child));
    assert.equal(collector.child.exitCode, 2);
    assert.match(collector.errors, /flows\.yaml:2:32: pipelines\[0\]\.producer\.kind: /);
  });

  test('a port that another program has is told', async (t) => {
    const socket = createSocket('udp6');
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    const { port } = socket.address();
    await using collector = new Collector(['--listen', `:${port}`], makeFolder(t));
    await waitFor('it has ended', () => hasEnded(collector.child));
    socket.close();
    assert.equal(collector.child.exitCode, 1);
    assert.match(collector.errors, new RegExp(`cannot receive on \\[::\\]:${port}: .*EADDRINUSE`));
  });

  test('it ends when nobody reads what it prints', async (t) => {
    const [port] = (await freePorts(1)) as [number];
    await using collector = new Collector(['--listen', `:${port}`], makeFolder(t));
    await collector.takes(1);
    collector.child.stdout?.destroy();
    await waitFor('it has ended', async () => {
      await send(port, [netflow5(1, 1)]);
      await delay(100);
      return hasEnded(collector.child);
    });
    assert.equal(collector.child.exitCode, 0);
  });
});
