import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** Node.js has no datagram sockets of this family. */
const PROGRAM = `
import json, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print(json.dumps('bound'), flush=True)
while True:
    print(json.dumps(manager.recv(65536).decode()), flush=True)
`;

/** What a service manager listens at (sd_notify(3)), and what it was told. */
export class NotifySocket implements AsyncDisposable {
  readonly path: string;
  /** Messages, oldest first. */
  readonly messages: string[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor() {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'floxy-notify-'));
    this.path = path.join(this.#folder, 'notify');
    this.#child = spawn('/usr/bin/python3', ['-c', PROGRAM, this.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  static async start(): Promise<NotifySocket> {
    const socket = new NotifySocket();
    const output = socket.#child.stdout;
    if (output === null) throw new Error('the socket has no output');
    const lines = createInterface(output);
    await once(lines, 'line');
    lines.on('line', (line) => socket.messages.push(JSON.parse(line) as string));
    return socket;
  }

  /** All lines of all messages that begin so. */
  lines(start: string): string[] {
    return this.messages.flatMap((text) => text.split('\n')).filter((l) => l.startsWith(start));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}
