/** Pipelines of the service: the document, and the workers that follow from it. */
import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { FollowTls, ForwarderUser } from '../config/config.ts';
import { countAvailableCores } from '../config/cores.ts';
import type { PipelinesConfig } from '../flow/pipeline/config/settings.ts';
import type {
  PipelineStats,
  PipelineStatsSource,
  TemplatePeerStats,
} from '../flow/pipeline/stats.ts';
import { PipelineSupervisor } from '../flow/pipeline/supervisor/supervisor.ts';
import type { TailListener, TailWish } from '../flow/pipeline/tail/taps.ts';
import type { RingDescriptors } from '../flow/pipeline/worker/descriptors.ts';
import type { PageStart, TemplatePage } from '../flow/templates/kept-change.ts';
import { PipelineDocument } from './pipeline-document.ts';
import { makePipelineFolders, type PipelineFolders, pipelineFolders } from './pipeline-folders.ts';
import { TemplatePeers } from './template-peers.ts';

export interface PipelinesOptions {
  /** The file that owns the pipelines; undefined = the API does. */
  readonly file: string | undefined;
  /** All there is, when neither a file nor the API says anything. */
  readonly document?: string | undefined;
  /** Where they keep what outlives their workers. */
  readonly directory: string;
  /** Whom workers become; undefined = they stay who we are. */
  readonly user: ForwarderUser | undefined;
  /** `host:port` of a node that is asked for templates, whatever the document says. */
  readonly leader?: string | undefined;
  /** TLS towards nodes that are asked for templates. */
  readonly nodeTls: FollowTls | undefined;
  /** File with the token for other nodes. */
  readonly nodeTokenPath: string | undefined;
  readonly logLevel: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** Workers that end with the service have this long to deliver what they took. */
const STOP_MS = 3000;

export class Pipelines implements PipelineStatsSource {
  readonly #options: PipelinesOptions;
  readonly #folders: PipelineFolders;
  readonly #document: PipelineDocument;
  readonly #supervisor: PipelineSupervisor;
  readonly #peers: TemplatePeers;
  #names: ReadonlySet<string> = new Set();

  constructor(options: PipelinesOptions) {
    const { file, document, directory, user, logLevel, env, log } = options;
    const folders = pipelineFolders(directory);
    this.#options = options;
    this.#folders = folders;
    this.#document = new PipelineDocument({ file, document, folder: folders.control, env });
    this.#supervisor = new PipelineSupervisor({
      log,
      user,
      dataFolder: folders.workers,
      controlFolder: folders.control,
      logLevel,
      cores: countAvailableCores(),
    });
    const { leader, nodeTls: tls, nodeTokenPath: tokenPath } = options;
    const { desk } = this.#supervisor;
    this.#peers = new TemplatePeers({ leader, tls, tokenPath, desk, log });
  }

  /** Names of those that are configured. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get document(): { readonly text: string; readonly file: string | undefined } {
    return this.#document;
  }

  /** Reads the document; workers start when rings are there and rules name them. @throws FloxyError INVALID_INPUT */
  async open(): Promise<PipelinesConfig> {
    const { file, document } = this.#options;
    // Who has no pipelines has no folders of them.
    if (file !== undefined || document !== undefined || existsSync(this.#folders.control)) {
      this.#makeFolders();
    }
    const config = await this.#document.read();
    void this.#configure(config);
    return config;
  }

  /** @param rings of all forwarders */
  start(rings: readonly RingDescriptors[]): void {
    this.#supervisor.start(rings);
  }

  /** See PipelineSupervisor.place(). */
  place(indexes: ReadonlyMap<string, number>): void {
    const missing = [...indexes.keys()].filter((name) => !this.#names.has(name));
    if (missing.length > 0) {
      const text =
        'rules name pipelines that are not configured: what goes to them is decoded by nobody';
      this.#options.log.warn({ pipelines: missing }, text);
    }
    this.#supervisor.place(indexes).catch((error: unknown) => {
      this.#options.log.error({ error: messageOf(error) }, 'pipelines could not be started');
    });
  }

  /** Reads the document anew. What is wrong with it is logged, and the pipelines stay as they are. */
  async reload(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#configure(await this.#document.read());
      log.info({ pipelines: [...this.#names] }, 'pipelines read again');
    } catch (error) {
      log.error(
        { error: messageOf(error) },
        'pipelines cannot be read again: they stay as they are',
      );
    }
  }

  /** @throws FloxyError INVALID_INPUT that says all that is wrong with a document */
  async check(text: string): Promise<void> {
    await this.#document.check(text);
  }

  /** Has other pipelines run. Resolves when they do, and are kept. @throws FloxyError: see PipelineDocument.replace() */
  async replace(text: string): Promise<void> {
    this.#makeFolders();
    await this.#configure(await this.#document.replace(text));
  }

  pipelines(): readonly PipelineStats[] {
    return this.#supervisor.pipelines();
  }

  templatePeers(): readonly TemplatePeerStats[] {
    return this.#peers.stats();
  }

  /** See TemplateDesk.page(). */
  templatePage(start: PageStart): Promise<TemplatePage> {
    return this.#supervisor.desk.page(start);
  }

  /** See Taps.tail(). */
  tail(wish: TailWish, listener: TailListener): () => void {
    return this.#supervisor.taps.tail(wish, listener);
  }

  leave(): void {
    this.#peers.stop();
    this.#supervisor.leave();
  }

  stop(): Promise<void> {
    this.#peers.stop();
    return this.#supervisor.stop(STOP_MS);
  }

  #makeFolders(): void {
    const { user, log } = this.#options;
    makePipelineFolders(this.#folders, user, log);
  }

  async #configure(config: PipelinesConfig): Promise<void> {
    this.#names = new Set(config.pipelines.map(({ name }) => name));
    this.#peers.configure(config.templatePeers);
    await this.#supervisor.configure(config, this.#document.folder);
  }
}
