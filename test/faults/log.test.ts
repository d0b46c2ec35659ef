import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { requireRoot } from '../lab/require-root.ts';
import { floxy } from '../lab/service.ts';
import { endProcess, HANG_MS, hasEnded, waitFor } from '../lab/shell.ts';
import { freeTcpPort } from '../support/free-port.ts';

/** A service without a proxy, whose standard output goes where the test wants it. */
class LoggingService implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'floxy-log-'));
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async make(): Promise<LoggingService> {
    return new LoggingService(await freeTcpPort());
  }

  /** @param output a descriptor @param words the command, `$0 serve` of a shell */
  start(output: number | 'pipe', words: readonly string[] = [floxy, 'serve']): ChildProcess {
    const [command = '', ...args] = words;
    const env = {
      PATH: process.env['PATH'],
      COLLECTOR_DATABASE_PATH: join(this.folder, 'collector.db'),
      COLLECTOR_API_ADDRESS: `127.0.0.1:${this.#port}`,
    };
    this.#child = spawn(command, args, { env, stdio: ['ignore', output, 'pipe'] });
    return this.#child;
  }

  get child(): ChildProcess {
    assert.ok(this.#child);
    return this.#child;
  }

  /** Calls the API. @returns the exit status and what was printed */
  call(args: readonly string[], input = ''): { status: number | null; output: string } {
    const all = [...args, '--api', `127.0.0.1:${this.#port}`, '--timeout', '60'];
    const run = spawnSync(floxy, all, { encoding: 'utf8', input });
    return { status: run.status, output: run.stdout + run.stderr };
  }

  async waitUntilServing(): Promise<void> {
    await waitFor(
      () => `the API answers: ${this.call(['build-info']).output}`,
      () => this.call(['build-info']).status === 0,
      HANG_MS,
      100,
    );
  }

  changeRules(): void {
    const rules = 'rules: {exporter: {endpoint: {host: "192.0.2.1"}}}';
    const { status, output } = this.call(['rules', 'replace'], rules);
    assert.equal(status, 0, output);
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    await endProcess(this.child, 'SIGTERM', HANG_MS);
    assert.deepEqual([this.child.exitCode, this.child.signalCode], [0, null]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined && !hasEnded(this.#child)) {
      await endProcess(this.#child, 'SIGKILL', HANG_MS);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A pipe without room for another byte. */
class FullPipe implements Disposable {
  readonly writer: number;
  readonly #other: number;

  constructor(folder: string) {
    const file = join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [file]).status, 0);
    this.#other = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    this.writer = openSync(file, 'w');
    try {
      for (;;) writeSync(this.#other, Buffer.alloc(4096, 'x'));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }

  /** What is in it now, without what it was filled with. */
  read(): string {
    let text = '';
    const buffer = Buffer.alloc(65_536);
    try {
      for (;;) text += buffer.toString('utf8', 0, readSync(this.#other, buffer));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
    return text.replace(/^x+/, '');
  }

  [Symbol.dispose](): void {
    closeSync(this.writer);
    closeSync(this.#other);
  }
}

describe('a log that cannot be written', { skip: requireRoot() }, () => {
  test('a pipe that nobody reads holds up neither calls nor SIGTERM', async () => {
    await using service = await LoggingService.make();
    using pipe = new FullPipe(service.folder);
    service.start(pipe.writer);
    await service.waitUntilServing();
    service.changeRules();
    await service.stop();
  });

  test('lines that waited for the reader of a pipe are there when it reads', async () => {
    await using service = await LoggingService.make();
    using pipe = new FullPipe(service.folder);
    service.start(pipe.writer);
    await service.waitUntilServing();
    let text = pipe.read();
    await waitFor(
      () => `the first line arrives: ${text}`,
      () => {
        text += pipe.read();
        return text.includes('"floxy starts"');
      },
    );
    await service.stop();
    text += pipe.read();
    assert.match(text, /"floxy stopped"/);
    for (const line of text.trim().split('\n')) JSON.parse(line);
  });

  test('a reader of the pipe that has gone ends nothing', async () => {
    await using service = await LoggingService.make();
    const child = service.start('pipe');
    child.stdout?.destroy();
    child.stderr?.destroy();
    await service.waitUntilServing();
    service.changeRules();
    await service.stop();
  });

  test('a device that is full ends nothing', async () => {
    await using service = await LoggingService.make();
    const full = openSync('/dev/full', 'w');
    try {
      service.start(full);
      await service.waitUntilServing();
      service.changeRules();
      await service.stop();
    } finally {
      closeSync(full);
    }
  });

  test('a full disk ends nothing, and the log goes on when there is room', async () => {
    await using service = await LoggingService.make();
    const script = `mount -t tmpfs -o size=64k none /mnt
      head -c 65536 /dev/zero >/mnt/filling || true
      exec "$0" serve >/mnt/log`;
    service.start('pipe', ['unshare', '--mount', 'sh', '-c', script, floxy]);
    await service.waitUntilServing();
    service.changeRules();
    const mount = `/proc/${service.child.pid}/root/mnt`;
    assert.equal(readFileSync(`${mount}/log`, 'utf8'), '');
    rmSync(`${mount}/filling`);
    await waitFor('the log has its lines', () =>
      readFileSync(`${mount}/log`, 'utf8').includes('"floxy starts"'),
    );
    await service.stop();
  });
});
