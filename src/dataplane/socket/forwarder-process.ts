import { type ChildProcess, spawn } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childSwitches } from '../../base/child-switches.ts';
import type { Tap } from '../../native/packet-sender.ts';
import type { TableReference } from '../engine.ts';
import type {
  ForwarderOptions,
  MessageFromForwarder,
  MessageToForwarder,
} from './forwarder/messages.ts';

export interface ForwarderProcessEvents {
  /** The process handles packets by its table from now on, knows what captures want, or has counted. */
  applied(): void;
  /** The process is gone; called once. */
  exited(reason: string): void;
}

/** Three times the share of processor time of a process with 0, where they compete (sched(7)). */
const FORWARDER_NICENESS = -5;

const STDERR_KEPT_CHARS = 2000;

/** One process that moves packets, seen from control. */
export class ForwarderProcess {
  /** Milliseconds of performance.now(). */
  readonly startedAt = performance.now();
  readonly startedAtTime = new Date();
  readonly #child: ChildProcess;
  readonly #events: ForwarderProcessEvents;
  #applied = 0;
  #tapped = 0;
  #counted = 0;
  #stderr = '';
  #killReason: string | undefined;
  #hasExited = false;

  /** @param descriptors those that `options` names, in order */
  constructor(
    options: ForwarderOptions,
    descriptors: readonly number[],
    events: ForwarderProcessEvents,
  ) {
    this.#events = events;
    const argv = [...childSwitches(), mainPath(), JSON.stringify(options)];
    this.#child = spawn(process.execPath, argv, {
      env: { NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc', ...descriptors],
    });
    this.#preferToOthers();
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARS);
    });
    this.#child.on('message', (message: MessageFromForwarder) => {
      if (message.kind === 'applied') this.#applied = message.generation;
      else if (message.kind === 'counted') this.#counted = message.version;
      else this.#tapped = message.version;
      this.#events.applied();
    });
    this.#child.on('error', (error) => this.#exited(`cannot be started: ${error.message}`));
    this.#child.on('close', (code, signal) => {
      const how = signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
      const why = this.#killReason ?? this.#stderr.trim();
      this.#exited(why === '' ? how : `${how}: ${why}`);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Generation of the table it handles packets by; 0 before it is ready. */
  get appliedGeneration(): number {
    return this.#applied;
  }

  /** Version of what captures want that it knows; 0 before it knows any. */
  get tappedVersion(): number {
    return this.#tapped;
  }

  /** Version up to which it has counted what the kernel had handled; 0 before it was asked. */
  get countedVersion(): number {
    return this.#counted;
  }

  countKernel(version: number): void {
    this.#send({ kind: 'count', version });
  }

  setTaps(taps: readonly Tap[], version: number): void {
    this.#send({ kind: 'taps', taps, version });
  }

  setTable(table: TableReference): void {
    this.#send({ kind: 'table', table });
  }

  /** Asks it to forward what waits and end. */
  stop(): void {
    this.#send({ kind: 'stop' });
  }

  /** Leaves it to a successor of this control. */
  leave(): void {
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  kill(reason: string): void {
    this.#killReason = reason;
    this.#child.kill('SIGKILL');
  }

  /** Packets cannot wait for a processor, calls of the API can. Where it is not allowed, nothing changes. */
  #preferToOthers(): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined && getPriority(pid) > FORWARDER_NICENESS) {
        setPriority(pid, FORWARDER_NICENESS);
      }
    } catch {
      // No CAP_SYS_NICE.
    }
  }

  #send(message: MessageToForwarder): void {
    // A process that has just died is reported by its exit.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #exited(reason: string): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#events.exited(reason);
  }
}

/** The forwarder's entry point, compiled or not like this file. */
function mainPath(): string {
  return fileURLToPath(new URL(`./forwarder/main${extname(import.meta.url)}`, import.meta.url));
}
