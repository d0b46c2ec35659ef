import { PROTOCOL_WORD, PROTOCOLS, protocolBlock } from '../../flow/decode/counters.ts';
import type { FlowProtocol } from '../../flow/model/packets.ts';
import type { PipelineStats, PipelineStatsSource } from '../../flow/pipeline/stats.ts';

/** What vFlow tells of one protocol, by its own names. */
export interface VflowFigures {
  /** Datagrams that wait to be decoded. */
  readonly udpQueue: number;
  /** Records that wait for the producer's peer. */
  readonly messageQueue: number;
  /** Datagrams received. */
  readonly udpCount: number;
  /** Datagrams decoded. */
  readonly decodedCount: number;
  /** Records that a producer did not take or gave up. */
  readonly mqErrorCount: number;
  readonly workers: number;
}

export type VflowProtocol = 'ipfix' | 'sflow' | 'netflowv5' | 'netflowv9';

/** Protocols by vFlow's names, in its order. */
export const VFLOW_PROTOCOLS: Readonly<Record<VflowProtocol, FlowProtocol>> = {
  ipfix: 'ipfix',
  sflow: 'sflow',
  netflowv5: 'netflow5',
  netflowv9: 'netflow9',
};

interface Seen {
  readonly errors: number;
  readonly datagrams: ByProtocol;
}

type ByProtocol = Record<FlowProtocol, number>;

/**
 * vFlow has a pool of workers, a queue and a producer for each protocol; here a pipeline has all protocols. So:
 *
 * - counts of datagrams are those of the pipeline that has seen most: each decodes for itself what the others decode;
 * - what a pipeline cannot tell by protocol (queues, errors of its producer) is divided by what came of each meanwhile;
 * - workers are those of all pipelines: each of them decodes every protocol.
 *
 * Counts never go back while the service runs, also when a pipeline goes: vFlow's monitor ends when they do.
 */
export class VflowCounters {
  readonly #source: PipelineStatsSource;
  readonly #udp = zeros();
  readonly #decoded = zeros();
  readonly #errors = zeros();
  /** By pipeline: what was seen last. */
  #seen = new Map<string, Seen>();

  constructor(source: PipelineStatsSource) {
    this.#source = source;
  }

  read(): Record<VflowProtocol, VflowFigures> {
    const pipelines = this.#source.pipelines();
    const seen = new Map<string, Seen>();
    for (const pipeline of pipelines) {
      const datagrams = perProtocol((protocol) => countOf(pipeline, protocol, 'datagrams'));
      for (const protocol of PROTOCOLS) {
        const decoded = countOf(pipeline, protocol, 'decodedDatagrams');
        this.#udp[protocol] = Math.max(this.#udp[protocol], datagrams[protocol]);
        this.#decoded[protocol] = Math.max(this.#decoded[protocol], decoded);
      }
      seen.set(pipeline.name, { errors: errorsOf(pipeline), datagrams });
      this.#addErrors(pipeline.name, errorsOf(pipeline), datagrams);
    }
    this.#seen = seen;
    const workers = sum(pipelines.map((pipeline) => pipeline.workers.length));
    const udpQueue = this.#divided(sum(pipelines.map(({ total }) => total.ring.lag)));
    const queued = sum(pipelines.map(({ total }) => total.producer.queuedRecords));
    const messageQueue = this.#divided(queued);
    const figures = Object.entries(VFLOW_PROTOCOLS).map(([name, protocol]) => [
      name,
      {
        udpQueue: Math.round(udpQueue[protocol]),
        messageQueue: Math.round(messageQueue[protocol]),
        udpCount: this.#udp[protocol],
        decodedCount: this.#decoded[protocol],
        mqErrorCount: Math.floor(this.#errors[protocol]),
        workers,
      },
    ]);
    return Object.fromEntries(figures);
  }

  #addErrors(name: string, errors: number, datagrams: ByProtocol): void {
    const before = this.#seen.get(name) ?? { errors: 0, datagrams: zeros() };
    // A pipeline that was made anew begins at 0.
    const grown = errors - (errors < before.errors ? 0 : before.errors);
    if (grown === 0) return;
    const came = perProtocol((protocol) => {
      return Math.max(0, datagrams[protocol] - before.datagrams[protocol]);
    });
    const isQuiet = sum(Object.values(came)) === 0;
    const parts = divide(grown, isQuiet ? datagrams : came);
    for (const protocol of PROTOCOLS) this.#errors[protocol] += parts[protocol];
  }

  #divided(amount: number): ByProtocol {
    return divide(amount, this.#udp);
  }
}

function countOf(
  { total }: PipelineStats,
  protocol: FlowProtocol,
  key: 'datagrams' | 'decodedDatagrams',
): number {
  return total.decode[protocolBlock(protocol) + PROTOCOL_WORD[key]] ?? 0;
}

function errorsOf({ total: { producer } }: PipelineStats): number {
  return producer.failed + producer.dropped;
}

/** Without anything to go by, all is IPFIX's. */
function divide(amount: number, by: ByProtocol): ByProtocol {
  const whole = sum(Object.values(by));
  return perProtocol((protocol) => {
    if (whole === 0) return protocol === 'ipfix' ? amount : 0;
    return (amount * by[protocol]) / whole;
  });
}

function zeros(): ByProtocol {
  return perProtocol(() => 0);
}

function perProtocol(read: (protocol: FlowProtocol) => number): ByProtocol {
  return {
    netflow5: read('netflow5'),
    netflow9: read('netflow9'),
    ipfix: read('ipfix'),
    sflow: read('sflow'),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
