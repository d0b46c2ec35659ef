import { status as Status } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import { CallError, type ClientMethod, type ClientTarget, GrpcClient } from '../protocol/client.ts';
import { HEALTH_NAMES } from '../protocol/definitions.ts';
import type { Observation } from './health-judge.ts';

/** A proxy that is started again has to be found at once. */
const MAX_RECONNECT_MS = 200;

export interface HealthProbeOptions {
  /** How long a look may take. */
  readonly timeoutMs: number;
  /** A node that never had rules is well too. */
  readonly isWellWithoutRules: boolean;
}

type Check = ClientMethod<object, { readonly status?: string }>;

/**
 * Asks the health service whether the node does its share (the empty name), and has had rules to do it by.
 *
 * It asks again and again, each time with a deadline, rather than to watch a stream: a process that hangs, and a
 * peer that is gone without a word, are silent on a stream, as one is that has nothing to tell.
 */
export class HealthProbe {
  readonly #client: GrpcClient;
  readonly #options: HealthProbeOptions;
  readonly #check: Check = checkMethod();

  /** @throws FloxyError INVALID_INPUT when a file of TLS cannot be used */
  constructor(target: ClientTarget, options: HealthProbeOptions) {
    this.#client = new GrpcClient(target, { maxReconnectMs: MAX_RECONNECT_MS });
    this.#options = options;
  }

  /** Never rejects; takes no longer than the timeout, or twice as long on a node without rules. */
  async check(): Promise<Observation> {
    const { node, configured } = HEALTH_NAMES;
    if (this.#options.isWellWithoutRules) return this.#ask(node);
    const observation = await this.#ask(configured);
    if (observation.reason !== 'NOT_SERVING') return observation;
    const { isGood: isWell } = await this.#ask(node);
    return isWell ? { isGood: false, reason: NEVER_HAD_RULES } : observation;
  }

  close(): void {
    this.#client.close();
  }

  async #ask(service: string): Promise<Observation> {
    const { timeoutMs } = this.#options;
    try {
      const { message } = await this.#client.call(this.#check, { service }, { timeoutMs });
      const reason = message.status ?? 'UNKNOWN';
      return { isGood: reason === 'SERVING', reason };
    } catch (error) {
      return { isGood: false, reason: this.#describe(error) };
    }
  }

  #describe(error: unknown): string {
    if (!(error instanceof CallError)) return String(error);
    if (error.kind === 'timeout') return `no answer within ${this.#options.timeoutMs} ms`;
    return `${Status[error.code]}: ${error.message}`;
  }
}

const NEVER_HAD_RULES =
  'the node has never had rules: load some (is its database the right one?), or set COLLECTOR_ANNOUNCE_WITHOUT_RULES=yes';

function checkMethod(): Check {
  const { Check } = healthDefinition;
  if (Check === undefined) throw new Error('grpc-health-check lacks a method');
  return { path: Check.path, encode: Check.requestSerialize, decode: Check.responseDeserialize };
}
