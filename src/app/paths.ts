import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { PathTable } from '../dataplane/path-table.ts';
import { NeighbourQuestion } from '../health/checks/neighbour-question.ts';
import type { Octets } from '../model/address.ts';
import type { Way } from '../model/collector-status.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { HostWatches } from '../paths/host-watches.ts';
import { LoopbackPath } from '../paths/loopback-path.ts';
import type { Watched } from '../paths/obstacle.ts';
import { outputObstacles } from '../paths/output-obstacles.ts';
import { PathBook } from '../paths/path-book.ts';
import { PathKeeper, type PathsStatus } from '../paths/path-keeper.ts';
import { PathMemory } from '../paths/path-memory.ts';
import { RowRuns } from '../paths/row-runs.ts';
import { SenderChoice } from '../paths/sender-choice.ts';

/** The ways of frames to collectors, and what is needed to keep them. */
export class Paths {
  readonly #book: PathBook;
  readonly #memory = new PathMemory();
  readonly #loopback: LoopbackPath;
  readonly #watches: readonly Watched[];
  readonly #question = new NeighbourQuestion();
  readonly #keeper: PathKeeper;

  /** @param hostWatches what may be on the way of output */
  constructor(
    { sender: setting, engine }: Pick<Config, 'sender' | 'engine'>,
    hostWatches: HostWatches,
    log: Logger,
  ) {
    this.#watches = hostWatches.map((watch) => watch.on('output'));
    const rows = new RowRuns(() =>
      log.warn('the path table is full: copies to further collectors leave through raw sockets'),
    );
    this.#book = new PathBook(rows);
    this.#loopback = new LoopbackPath(this.#memory, rows);
    const watches = this.#watches;
    this.#keeper = new PathKeeper({
      book: this.#book,
      isKernelAsked: engine === 'kernel',
      memory: this.#memory,
      rows,
      choice: new SenderChoice({ setting, watches, obstacles: outputObstacles, log }),
      askNeighbour: (address) => this.#question.ask(address),
      log,
    });
  }

  /** What tables name. */
  get table(): PathTable {
    const book = this.#book;
    const loopback = this.#loopback;
    return {
      readOnlyFd: this.#memory.readOnlyFd,
      copyTo: (memory) => this.#memory.copyTo(memory),
      indexOf: (collector) => loopback.indexOf(collector) || book.indexOf(collector.octets),
      leadBack: (endpoint) => loopback.lead(endpoint),
      get isCrowded() {
        return book.isCrowded;
      },
      renew: () => book.renew(),
      settle: () => book.settle(),
    };
  }

  /** Before privileges are given up. */
  open(): void {
    for (const watch of this.#watches) watch.open();
    this.#question.open();
  }

  start(): void {
    this.#keeper.start();
  }

  /** How copies to a collector leave. */
  senderTo({ octets }: Pick<Endpoint, 'octets'>): Pick<Way, 'sender' | 'senderReason'> {
    const senderReason = this.#keeper.whyNoFrames(octets);
    return senderReason === undefined ? { sender: 'frames' } : { sender: 'kernel', senderReason };
  }

  /** Why copies to an address cannot leave as frames; undefined: they can. */
  whyNoPath(octets: Octets): string | undefined {
    return this.#keeper.whyNoPath(octets);
  }

  status(): PathsStatus {
    return this.#keeper.status();
  }

  stop(): void {
    this.#keeper.stop();
    this.#question.close();
  }

  /** When nothing moves packets any more, or others do. */
  close(): void {
    this.#memory.close();
  }
}
