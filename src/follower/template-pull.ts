import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../base/errors.ts';
import type { FollowTls } from '../config/config.ts';
import { readBearer } from '../protocol/bearer.ts';
import { CallError, type ClientMethod, GrpcClient } from '../protocol/client.ts';
import { loadServices } from '../protocol/definitions.ts';
import type {
  TemplateChangesMessage,
  TemplateChangesRequestMessage,
} from '../protocol/template-messages.ts';

const POLL_MS = 1000;
/** Between two pages when there is more: neither node is busy with it alone. */
const NEXT_PAGE_MS = 100;
/** A node that is away is tried again after so long at most. */
const MAX_RETRY_MS = 30_000;
const CALL_LIMIT_MS = 10_000;
/** A page has some 256 KiB; one with a single large template a bit more. */
const MAX_PAGE_BYTES = 1024 * 1024;
/** grpc's code for a method that is not there. */
const UNIMPLEMENTED = 12;

/** Who keeps templates on this node. */
export interface TemplateKeeper {
  /** Whether it works at the moment. */
  readonly isOpen: boolean;
  /** Tells what it has from what it had before it lost that. */
  epoch(): Promise<string>;
  /** Keeps what another node has told. @returns how many changes were taken, and how many cannot be */
  take(page: TemplateChangesMessage): Promise<{ readonly taken: number; readonly refused: number }>;
}

export interface TemplatePullOptions {
  /** `host:port` of the other node's API. */
  readonly peer: string;
  readonly tls: FollowTls | undefined;
  /** File with the token to send. */
  readonly tokenPath?: string | undefined;
  readonly keeper: TemplateKeeper;
  readonly log: Logger;
}

type Start = TemplateChangesRequestMessage;

/** Asks another node for templates, time and again. Whatever goes wrong there is told, and tried again later. */
export class TemplatePull {
  readonly peer: string;
  readonly #options: TemplatePullOptions;
  readonly #method = loadMethod();
  readonly #stopping = new AbortController();
  #client: GrpcClient | undefined;
  #start: Start = {};
  #ownEpoch: string | undefined;
  #state: 'ok' | 'failing' | 'waiting' = 'waiting';
  #error: string | undefined;
  #taken = 0;
  #refused = 0;

  constructor(options: TemplatePullOptions) {
    this.peer = options.peer;
    this.#options = options;
    void this.#run();
  }

  status() {
    return {
      peer: this.peer,
      state: this.#state,
      error: this.#error,
      taken: this.#taken,
      refused: this.#refused,
    };
  }

  stop(): void {
    this.#stopping.abort();
    this.#client?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let retryMs = POLL_MS;
    while (!signal.aborted) {
      let waitMs = POLL_MS;
      try {
        if (this.#options.keeper.isOpen) waitMs = (await this.#round()) ? NEXT_PAGE_MS : POLL_MS;
        else this.#state = 'waiting';
        retryMs = POLL_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.#fail(error);
        waitMs = retryMs;
        retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      }
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** @returns whether there is more at once */
  async #round(): Promise<boolean> {
    const { peer, tls, tokenPath, keeper, log } = this.#options;
    const ownEpoch = await keeper.epoch();
    if (ownEpoch !== this.#ownEpoch) this.#start = {};
    this.#ownEpoch = ownEpoch;
    const access = tls && { ...tls, serverName: undefined };
    this.#client ??= new GrpcClient(
      { target: peer, tls: access, authorization: tokenPath && readBearer(tokenPath) },
      { maxReconnectMs: MAX_RETRY_MS, maxAnswerBytes: MAX_PAGE_BYTES },
    );
    const options = { timeoutMs: CALL_LIMIT_MS };
    const { message } = await this.#client.call(this.#method, this.#start, options);
    const { taken, refused } = await keeper.take(message);
    if (refused > 0 && this.#refused === 0) {
      log.warn({ peer, refused }, 'another node told templates that cannot be: they are left out');
    }
    this.#taken += taken;
    this.#refused += refused;
    this.#start = { epoch: message.epoch ?? '', since: message.next ?? '0' };
    if (this.#state !== 'ok') log.info({ peer }, 'another node tells its templates');
    this.#state = 'ok';
    this.#error = undefined;
    return message.hasMore === true;
  }

  #fail(error: unknown): void {
    const { peer, log } = this.#options;
    const reason = reasonOf(error);
    if (this.#error !== reason) {
      log.warn({ peer, reason }, 'another node cannot be asked for templates: it is tried again');
    }
    this.#state = 'failing';
    this.#error = reason;
    // Certificates and token are read again for the next attempt.
    this.#client?.close();
    this.#client = undefined;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CallError && error.code === UNIMPLEMENTED) {
    return 'its version of floxy does not tell templates: upgrade it';
  }
  return messageOf(error);
}

/** @throws Error when the protocol lacks the call */
function loadMethod(): ClientMethod<Start, TemplateChangesMessage> {
  const method = loadServices().pipelines['ListTemplateChanges'];
  if (method === undefined) throw new Error('the protocol has no ListTemplateChanges');
  return {
    path: method.path,
    encode: method.requestSerialize,
    decode: (bytes) => method.responseDeserialize(bytes) as TemplateChangesMessage,
  };
}
