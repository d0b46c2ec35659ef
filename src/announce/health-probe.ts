import { type ChannelCredentials, Client, type ServiceError, status } from '@grpc/grpc-js';
import { service as healthDefinition } from 'grpc-health-check';
import type { Observation } from './health-judge.ts';

/** Where the proxy's API is. */
export interface HealthTarget {
  /** `host:port` */
  readonly target: string;
  readonly credentials: ChannelCredentials;
  /** The name to look for in the server's certificate, when it is not the host of the target. */
  readonly serverName: string | undefined;
}

/**
 * Asks the health service whether the node does its share (the empty name).
 *
 * It asks again and again, each time with a deadline, rather than to watch a stream: a process that hangs, and a
 * peer that is gone without a word, are silent on a stream, as one is that has nothing to tell.
 */
export class HealthProbe {
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor({ target, credentials, serverName }: HealthTarget, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#client = new Client(target, credentials, {
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      // A proxy that is started again has to be found at once.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
      ...(serverName !== undefined && { 'grpc.ssl_target_name_override': serverName }),
    });
  }

  /** Never rejects; takes no longer than the timeout. */
  check(): Promise<Observation> {
    const { Check } = healthDefinition;
    if (Check === undefined) throw new Error('grpc-health-check lacks a method');
    const { path, requestSerialize, responseDeserialize } = Check;
    const options = { deadline: Date.now() + this.#timeoutMs };
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest<object, { status?: string }>(
        path,
        requestSerialize,
        responseDeserialize,
        { service: '' },
        options,
        (error, answer) => {
          const reason = error ? this.#describe(error) : (answer?.status ?? 'UNKNOWN');
          resolve({ isGood: reason === 'SERVING', reason });
        },
      );
    });
  }

  close(): void {
    this.#client.close();
  }

  #describe({ code, details }: ServiceError): string {
    if (code === status.DEADLINE_EXCEEDED) return `no answer within ${this.#timeoutMs} ms`;
    const cause = /Last error: (?:Error: )?(.+?)\. Resolution note/.exec(details)?.[1] ?? details;
    return `${status[code]}: ${cause}`;
  }
}
