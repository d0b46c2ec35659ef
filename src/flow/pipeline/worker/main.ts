/** The worker process: is told what to do, gives up its privileges, then decodes until control ends it or is gone. */
import { messageOf } from '../../../base/errors.ts';
import { loadAddon, restrictPrivileges } from '../../../native/privileges.ts';
import { mapAll } from '../../../native/ring-memory.ts';
import { RingReader } from '../../../native/ring-reader.ts';
import type { TailRequest } from '../tail/request.ts';
import { mapWorkerRow, type WorkerRow } from '../worker-row.ts';
import { inheritedDescriptors } from './descriptors.ts';
import type { MessageFromWorker, MessageToWorker, WorkerArguments } from './messages.ts';
import { type Prepared, prepare, type WorkerContext } from './prepare.ts';
import { sentLog } from './sent-log.ts';
import { Worker } from './worker.ts';

/** When control is gone, what the producer has is delivered within this time. */
const ORPHAN_STOP_MS = 5000;

function main(given: WorkerArguments): void {
  process.title = `floxy: pipeline ${given.pipeline} ${given.shard}`;
  loadAddon();
  // A terminal sends these to the whole group; control decides when a worker ends.
  process.on('SIGHUP', () => {});
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  let running: Running | undefined;
  process.on('disconnect', () => void (running?.stop(ORPHAN_STOP_MS) ?? process.exit(0)));
  process.on('message', (message: MessageToWorker) => {
    switch (message.kind) {
      case 'setup':
        running = new Running(given, message);
        break;
      case 'start':
        running?.start();
        break;
      case 'pause':
        running?.pause();
        break;
      case 'tap':
        running?.tap(message.request);
        break;
      case 'untap':
        running?.untap(message.id);
        break;
      case 'templates':
        running?.templates(message);
        break;
      case 'stop':
        void (running?.stop(message.deadlineMs) ?? process.exit(0));
    }
  });
}

type Setup = Extract<MessageToWorker, { kind: 'setup' }>;

/** A worker from its setup to its end. Whatever fails ends the process with the reason on standard error. */
class Running {
  readonly #given: WorkerArguments;
  readonly #row: WorkerRow;
  readonly #prepared: Promise<Prepared>;
  #worker: Worker | undefined;
  #isStopping = false;

  constructor(given: WorkerArguments, { setup }: Setup) {
    this.#given = given;
    this.#row = mapWorkerRow(inheritedDescriptors(given.rings).rows, given.row);
    const log = sentLog(setup.logLevel, tell);
    const showFlows: WorkerContext['showFlows'] = (found, sent) =>
      tell({ kind: 'flows', found }, sent);
    const context = { shard: given.shard, row: this.#row, log, showFlows };
    this.#prepared = prepare(setup, context).then(async (prepared) => {
      // All code is loaded: the user need not be able to read it.
      becomeUser(given.user);
      restrictPrivileges(0n);
      await prepared.start();
      tell({ kind: 'ready' });
      return prepared;
    });
    this.#prepared.catch(fail);
  }

  start(): void {
    this.#prepared
      .then((prepared) => {
        if (this.#isStopping) return;
        this.#worker ??= new Worker({
          ...prepared,
          sources: this.#readers(),
          row: this.#row,
          onStatus: (status) => tell({ kind: 'producer', status }),
        });
        this.#worker.start();
      })
      .catch(fail);
  }

  pause(): void {
    this.#worker?.pause();
    tell({ kind: 'paused' });
  }

  tap(request: TailRequest): void {
    this.#prepared.then(({ tapped }) => tapped.tap(request)).catch(fail);
  }

  untap(id: number): void {
    this.#prepared.then(({ tapped }) => tapped.untap(id)).catch(fail);
  }

  templates({ id, ask }: Extract<MessageToWorker, { kind: 'templates' }>): void {
    this.#prepared
      .then(({ decoding }) => tell({ kind: 'templates', id, answer: decoding.templates(ask) }))
      .catch(fail);
  }

  async stop(deadlineMs: number): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    try {
      this.#worker?.leave();
      tell({ kind: 'left' });
      await this.#worker?.stop(deadlineMs);
      process.exit(0);
    } catch (error) {
      fail(error);
    }
  }

  #readers(): RingReader[] {
    const { index: pipeline, shard, owner, rings } = this.#given;
    const descriptors = inheritedDescriptors(rings);
    const shardOfSlot = mapAll(descriptors.shardOfSlot, false);
    return descriptors.rings.map(({ ring, states }) => {
      const memory = { ring: mapAll(ring, false), states: mapAll(states, true) };
      return new RingReader({ ...memory, pipeline, shard, shardOfSlot, owner });
    });
  }
}

function becomeUser(user: WorkerArguments['user']): void {
  if (user === undefined) return;
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

function tell(message: MessageFromWorker, sent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
  else sent();
}

function fail(error: unknown): void {
  process.stderr.write(`${messageOf(error)}\n`, () => process.exit(1));
}

main(JSON.parse(process.argv[2] ?? '') as WorkerArguments);
