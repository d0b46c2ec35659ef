import { healthProblem, type WatchedCollector } from '../model/collector-health.ts';
import type { CollectorStatus, SendLoss, Way } from '../model/collector-status.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import type { Collector, Output } from '../model/rules.ts';
import type { Counters } from '../model/statistics.ts';
import type { StatisticsSource } from './statistics.ts';
import { wayProblem } from './way-problem.ts';

export interface CollectorSource extends StatisticsSource {
  /** Ports of collectors that have none (spec R5): that of arrival. */
  readonly listenPorts: readonly number[];
  readonly losses: readonly SendLoss[];
  readonly way: (collector: Endpoint) => Way;
  readonly health: (collector: Collector) => WatchedCollector | undefined;
}

/** One collector while it is summed up. */
interface Sum {
  readonly endpoint: Endpoint;
  /** The first that an output has for it. */
  description?: string | undefined;
  outputs: number;
  packets: bigint;
  bytes: bigint;
  readonly losses: SendLoss[];
  /** The worst that is known of it: rules may have it watched in several ways. */
  health: WatchedCollector | undefined;
}

/**
 * What became of copies, collector by collector (spec S23): those that rules name, and those of which losses are known.
 *
 * @returns undefined when the source was out of date before all was collected
 */
export async function collectCollectors(
  source: CollectorSource,
): Promise<CollectorStatus[] | undefined> {
  const { ruleSet, counters, losses, pause } = source;
  const sums = new CollectorSums(source);
  for (const rule of ruleSet.rules) {
    const isValid = pause();
    if (isValid !== true && !(await isValid)) return undefined;
    sums.add(rule.outputs, counters.outputs(rule));
  }
  sums.add(ruleSet.defaultOutputs, counters.defaultOutputs());
  for (const loss of losses) sums.ofLoss(loss.collector).losses.push(loss);
  return [...sums.all()].map((sum) => statusOf(sum, source.way(sum.endpoint)));
}

class CollectorSums {
  readonly #listenPorts: readonly number[];
  readonly #health: CollectorSource['health'];
  readonly #sums = new Map<string, Sum>();
  /** Many rules have the same outputs. */
  readonly #ofOutputs = new Map<readonly Output[], readonly (readonly Sum[])[]>();

  constructor({ listenPorts, health }: CollectorSource) {
    this.#listenPorts = listenPorts;
    this.#health = health;
  }

  add(outputs: readonly Output[], sent: readonly (readonly Counters[])[]): void {
    for (const [i, sums] of this.#find(outputs).entries()) {
      for (const [k, sum] of sums.entries()) {
        const counters = sent[i]?.[k];
        sum.outputs++;
        sum.packets += counters?.packets ?? 0n;
        sum.bytes += counters?.bytes ?? 0n;
      }
    }
  }

  /** One without port gets packets at each port where they arrive: where that is one, it is told. */
  of({ octets, port }: Endpoint): Sum {
    const [first = 0, ...others] = this.#listenPorts;
    const own = port === 0 && others.length === 0 ? first : port;
    const endpoint = makeEndpoint(octets, own);
    const key = formatEndpoint(endpoint);
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { endpoint, outputs: 0, packets: 0n, bytes: 0n, losses: [], health: undefined };
      this.#sums.set(key, sum);
    }
    return sum;
  }

  /** @param collector with its port as on the wire */
  ofLoss(collector: Endpoint): Sum {
    const { octets, port } = collector;
    const exact = this.#sums.get(formatEndpoint(collector));
    if (exact !== undefined || !this.#listenPorts.includes(port))
      return exact ?? this.of(collector);
    return this.#sums.get(formatEndpoint(makeEndpoint(octets, 0))) ?? this.of(collector);
  }

  all(): Iterable<Sum> {
    return this.#sums.values();
  }

  #named(collector: Collector): Sum {
    const sum = this.of(collector.endpoint);
    sum.description ??= collector.description;
    const health = this.#health(collector);
    if (health !== undefined && gravity(health) > gravity(sum.health)) sum.health = health;
    return sum;
  }

  #find(outputs: readonly Output[]): readonly (readonly Sum[])[] {
    let found = this.#ofOutputs.get(outputs);
    if (found === undefined) {
      found = outputs.map(({ collectors = [] }) =>
        collectors.map((collector) => this.#named(collector)),
      );
      this.#ofOutputs.set(outputs, found);
    }
    return found;
  }
}

function gravity(health: WatchedCollector | undefined): number {
  if (health === undefined) return 0;
  if (health.state === 'down') return 4;
  if (health.problem !== undefined) return 3;
  return health.state === 'unknown' ? 1 : 2;
}

function statusOf(sum: Sum, way: Way): CollectorStatus {
  const { endpoint, outputs, packets, bytes, losses, health, description } = sum;
  const most = losses.toSorted((one, other) => Number(other.copies - one.copies));
  const [lastError] = losses.toSorted((one, other) => other.at.getTime() - one.at.getTime());
  const problem = (health && healthProblem(health)) ?? wayProblem(endpoint, way);
  return {
    endpoint,
    ...(description !== undefined && { description }),
    outputs,
    sent: { packets, bytes },
    errors: most.map(({ code, copies }) => ({ code, count: copies })),
    ...(lastError === undefined ? {} : { lastError }),
    ...way,
    ...(health === undefined ? {} : { health }),
    ...(problem === undefined ? {} : { problem }),
  };
}
