import { type ChildProcess, spawn } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { childSwitches } from '../../../base/child-switches.ts';
import type { ProducerStatus } from '../../model/producer.ts';
import type { TappedWorker, Taps } from '../tail/taps.ts';
import { toList, type WorkerDescriptors } from '../worker/descriptors.ts';
import type {
  MessageFromWorker,
  MessageToWorker,
  WorkerArguments,
  WorkerSetup,
} from '../worker/messages.ts';
import { MEMORY_SWITCHES } from './memory-switches.ts';
import type { AskedWorker, TemplateDesk } from './template-desk.ts';

export interface WorkerProcessEvents {
  /** It is set up: start() has it take datagrams. */
  ready(): void;
  /** It takes none at the moment. */
  paused(): void;
  /** It takes no more. Also comes when the process is gone. */
  left(): void;
  /** The process is gone; called once, after left(). */
  exited(reason: string): void;
}

export interface WorkerProcessOptions {
  readonly given: WorkerArguments;
  readonly descriptors: WorkerDescriptors;
  readonly setup: WorkerSetup;
  readonly log: Logger;
  /** Who looks at what passes through it. */
  readonly taps: Taps;
  /** Who wants its templates. */
  readonly desk: TemplateDesk;
}

/** Decoding never comes before forwarding. */
const NICENESS = 5;

const STDERR_KEPT_CHARS = 4000;

/** One process that decodes, seen from control. */
export class WorkerProcess {
  /** Milliseconds of performance.now(). */
  readonly startedAt: number = performance.now();
  readonly #child: ChildProcess;
  readonly #events: WorkerProcessEvents;
  readonly #log: Logger;
  readonly #taps: Taps;
  readonly #tapped: TappedWorker;
  readonly #desk: TemplateDesk;
  readonly #asked: AskedWorker = {
    ask: (id, ask) => this.#send({ kind: 'templates', id, ask }),
  };
  #detach: () => void;
  #stderr = '';
  #killReason: string | undefined;
  #isReady = false;
  #producer: ProducerStatus = { state: 'connecting' };
  #hasLeft = false;
  #hasExited = false;

  constructor(
    { given, descriptors, setup, log, taps, desk }: WorkerProcessOptions,
    events: WorkerProcessEvents,
  ) {
    this.#events = events;
    this.#log = log;
    this.#taps = taps;
    this.#desk = desk;
    const argv = [...childSwitches(), ...MEMORY_SWITCHES, mainPath(), JSON.stringify(given)];
    this.#child = spawn(process.execPath, argv, {
      env: { NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc', ...toList(descriptors)],
      serialization: 'advanced',
      // Ctrl-C of a terminal is for control, also while this process cannot ignore it yet.
      detached: true,
    });
    this.#putBehindOthers();
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARS);
    });
    this.#child.on('message', (message: MessageFromWorker) => this.#take(message));
    this.#child.on('error', (error) => this.#exited(`cannot be started: ${error.message}`));
    this.#child.on('close', (code, signal) => {
      const how = signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
      const why = this.#killReason ?? this.#stderr.trim();
      this.#exited(why === '' ? how : `${how}: ${why}`);
    });
    this.#send({ kind: 'setup', setup });
    this.#tapped = {
      pipeline: given.pipeline,
      tap: (request) => this.#send({ kind: 'tap', request }),
      untap: (id) => this.#send({ kind: 'untap', id }),
    };
    this.#detach = taps.attach(this.#tapped);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get producer(): ProducerStatus {
    return this.#producer;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Has it take datagrams, as soon as it is ready. */
  start(): void {
    this.#send({ kind: 'start' });
  }

  /** Has it take none until it is started again. */
  pause(): void {
    this.#send({ kind: 'pause' });
  }

  /** Has it take no more, deliver what it has, and end. */
  stop(deadlineMs: number): void {
    this.#send({ kind: 'stop', deadlineMs });
  }

  kill(reason: string): void {
    this.#killReason = reason;
    this.#child.kill('SIGKILL');
  }

  /** Ends its supervision: it ends by itself between two batches. */
  leave(): void {
    this.#detach();
    if (this.#child.connected) this.#child.disconnect();
    this.#child.stderr?.destroy();
    this.#child.unref();
  }

  #take(message: MessageFromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#beReady();
        break;
      case 'paused':
        this.#events.paused();
        break;
      case 'left':
        this.#left();
        break;
      case 'producer':
        this.#producer = message.status;
        break;
      case 'flows':
        this.#taps.found(this.#tapped, message.found);
        break;
      case 'templates':
        this.#desk.answered(this.#asked, message.id, message.answer);
        break;
      case 'log':
        writeLine(this.#log, message.line);
    }
  }

  #beReady(): void {
    if (this.#isReady || this.#hasExited) return;
    this.#isReady = true;
    const detachTap = this.#detach;
    const detachAsked = this.#desk.attach(this.#asked);
    this.#detach = () => {
      detachTap();
      detachAsked();
    };
    this.#events.ready();
  }

  #putBehindOthers(): void {
    const { pid } = this.#child;
    try {
      if (pid !== undefined && getPriority(pid) < NICENESS) setPriority(pid, NICENESS);
    } catch {
      // It has ended already, which is told by its exit.
    }
  }

  #send(message: MessageToWorker): void {
    // A process that has just died is reported by its exit.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #left(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#events.left();
  }

  #exited(reason: string): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#detach();
    this.#left();
    this.#events.exited(reason);
  }
}

const LEVELS = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
} as const;

/** Writes what a worker has logged. Its lines are pino's; a process that was broken into may send anything. */
function writeLine(log: Logger, line: string): void {
  try {
    const { level, time: _, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const name = LEVELS[level as keyof typeof LEVELS] ?? 'info';
    log[name](fields, String(msg));
  } catch {
    log.warn({ line: String(line).slice(0, STDERR_KEPT_CHARS) }, 'a worker logged what is no line');
  }
}

/** The worker's entry point, compiled or not like this file. */
function mainPath(): string {
  const main = `../worker/main${extname(import.meta.url)}`;
  return fileURLToPath(new URL(main, import.meta.url));
}
