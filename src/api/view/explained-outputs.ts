/** What outputs do with the packets of an exporter, in the words of proto/view.proto. */
import { present } from '../../base/present.ts';
import { wayProblem } from '../../control/way-problem.ts';
import { formatAddress, type Octets } from '../../model/address.ts';
import { healthProblem, type WatchedCollector } from '../../model/collector-health.ts';
import type { Way } from '../../model/collector-status.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../../model/endpoint.ts';
import { type Collector, type Filter, type Output, takesIpv6 } from '../../model/rules.ts';
import type {
  ExplainedCollectorMessage,
  ExplainedOutputMessage,
} from '../../protocol/view-messages.ts';
import { type AddressFormat, endpointMessage } from '../../rules/endpoint-message.ts';
import type { ExporterQuestion } from '../../rules/explain.ts';

/** What is asked of others. */
export interface OutputSources {
  /** Ways to addresses as the kernel knows them now, by formatAddress(). */
  readonly ways: ReadonlyMap<string, Way>;
  /** Of several collectors of an output that hashes, the one that gets the packets. */
  readonly homeOf: (
    collectors: readonly Collector[],
    source: Endpoint,
    hasPort: boolean,
  ) => Collector;
  /** Those of an output that get packets of a family, by their health (spec H3). */
  readonly servingOf: (
    collectors: readonly Collector[],
    packet: { readonly isIpv6: boolean; readonly isDefault: boolean },
  ) => readonly Collector[];
  /** Undefined for a collector that is not watched. */
  readonly healthOf: (collector: Collector) => WatchedCollector | undefined;
  /** The outputs are the default ones. */
  readonly isDefault: boolean;
  /** 12 bytes before an IPv4 source on its way to an IPv6 collector that has none of its own. */
  readonly ipv4SourcePrefix: Octets;
  readonly hasPipeline: (name: string) => boolean;
  readonly format: AddressFormat;
}

type OptionalPart = 'via' | 'device' | 'mtu' | 'problem' | 'description' | 'health';

const UNKNOWN: Way = { route: 'unknown', neighbour: 'unknown' };

export class OutputExplainer {
  readonly #question: ExporterQuestion;
  readonly #sources: OutputSources;

  constructor(question: ExporterQuestion, sources: OutputSources) {
    this.#question = question;
    this.#sources = sources;
  }

  /** @param setAside why it is not in force */
  explain(output: Output, setAside: string | undefined): ExplainedOutputMessage {
    const { pipeline, name, description } = output;
    const { isDefault } = this.#sources;
    const packet = { isIpv6: isIpv6(this.#question.source), isDefault };
    const eligible = this.#sources.servingOf(output.collectors ?? [], packet);
    return {
      conditions: conditionsOf(output),
      collectors: (output.collectors ?? []).map((one) => this.#collector(one, output, eligible)),
      ...present<Omit<ExplainedOutputMessage, 'conditions' | 'collectors'>>({
        choice: eligible.length < 2 ? undefined : choiceOf(output),
        pipeline,
        name,
        description,
        problem: setAside === undefined ? this.#problemOf(output, eligible) : notInForce(setAside),
      }),
    };
  }

  /** Spec R3. */
  #canTake(collector: Collector): boolean {
    return takesIpv6(collector) || !isIpv6(this.#question.source);
  }

  #problemOf({ pipeline, filter }: Output, eligible: readonly Collector[]): string | undefined {
    const { listeningPort } = this.#question;
    const ports = filter?.listeningPorts;
    if (ports !== undefined && listeningPort !== undefined && !ports.includes(listeningPort))
      return `it takes no packets that come to port ${listeningPort}`;
    if (pipeline !== undefined) {
      const isThere = this.#sources.hasPipeline(pipeline);
      return isThere ? undefined : 'there is no such pipeline: its packets are lost';
    }
    if (eligible.length > 0) return undefined;
    return 'none of its collectors can take IPv6 packets: they are lost, and counted';
  }

  #collector(
    collector: Collector,
    output: Output,
    eligible: readonly Collector[],
  ): ExplainedCollectorMessage {
    const { endpoint, description } = collector;
    const onWire = this.#onWire(endpoint);
    const way = this.#sources.ways.get(endpoint.host) ?? UNKNOWN;
    const canTake = eligible.includes(collector);
    const health = this.#sources.healthOf(collector);
    const problem = canTake
      ? ((health && healthProblem(health)) ?? wayProblem(endpoint, way))
      : this.#whyNone(collector, health);
    const { route, neighbour, via, device, mtu } = way;
    return {
      endpoint: endpointMessage(onWire, this.#sources.format),
      share: canTake ? this.#shareOf(collector, output, eligible) : 0,
      source: canTake ? this.#sourceAt(collector, way) : '',
      marks: marksOf(collector),
      route,
      neighbour,
      ...present<Pick<ExplainedCollectorMessage, OptionalPart>>({
        ...{ via, device, mtu, problem, description },
        health: health?.state,
      }),
    };
  }

  #whyNone(collector: Collector, health: WatchedCollector | undefined): string | undefined {
    if (!this.#canTake(collector))
      return 'it is IPv4, so it gets no packets of an IPv6 exporter with their source';
    if (health?.state === 'down') return healthProblem(health);
    return collector.isStandby ? undefined : 'others of its output get the packets';
  }

  /** Spec R5. */
  #onWire(endpoint: Endpoint): Endpoint {
    const { listeningPort = 0 } = this.#question;
    return endpoint.port === 0 ? makeEndpoint(endpoint.octets, listeningPort) : endpoint;
  }

  /** Spec R16, R20. */
  #shareOf(collector: Collector, { balance }: Output, eligible: readonly Collector[]): number {
    const { source } = this.#question;
    const hasPort = balance === 'BY_ENDPOINT';
    // Without a port it is not known whose they are.
    if (balance === undefined || (hasPort && source.port === 0)) {
      const sum = eligible.reduce((all, { weight }) => all + weight, 0);
      return collector.weight / sum;
    }
    return this.#sources.homeOf(eligible, source, hasPort) === collector ? 1 : 0;
  }

  /** As the collector sees it (spec R6, R25). */
  #sourceAt(collector: Collector, way: Way): string {
    const { source, sourceEndpoint, endpoint, ipv4SourcePrefix } = collector;
    // The port is the forwarder's.
    if (source === 'PROXY') return way.source ?? '';
    const seen = sourceEndpoint ? this.#fixed(sourceEndpoint) : this.#question.source;
    if (isIpv6(seen) || !isIpv6(endpoint)) return formatEndpoint(seen);
    return translated(seen, ipv4SourcePrefix ?? this.#sources.ipv4SourcePrefix);
  }

  #fixed({ octets, port }: Endpoint): Endpoint {
    return makeEndpoint(octets, port || this.#question.source.port);
  }
}

function notInForce(why: string): string {
  return `it is not in force, as it does not fit this host: ${why}`;
}

/** `[::ffff:192.0.2.1]:1000`: a mapped address, which has no other text here, as collectors print it. */
function translated({ octets, host, port }: Endpoint, prefix: Octets): string {
  const all = new Uint8Array(16);
  all.set(prefix);
  all.set(octets, 12);
  const isMapped = prefix[10] === 0xff && prefix.findIndex((octet) => octet !== 0) === 10;
  const address = isMapped ? `::ffff:${host}` : formatAddress(all);
  return port === 0 ? address : `[${address}]:${port}`;
}

function conditionsOf({ sampleOneIn, filter = {} }: Output): string[] {
  return [...filterConditions(filter), ...(sampleOneIn ? [`one of ${sampleOneIn} packets`] : [])];
}

function filterConditions(filter: Filter): string[] {
  const { protocols, observationDomains, agents, listeningPorts } = filter;
  const only = (what: string, values: readonly (string | number)[] | undefined) =>
    values === undefined ? [] : [`only ${what}${values.join(' or ')}`];
  return [
    ...only('', protocols),
    ...only('of observation domain ', observationDomains),
    ...only('of sFlow agent ', agents?.map(formatEndpoint)),
    ...only('what comes to port ', listeningPorts),
  ];
}

/** Spec R16, R20, R23. */
function choiceOf(output: Output): string {
  const areShared = (output.templates ?? (output.balance ? 'ONE' : 'ALL')) === 'ALL';
  return areShared ? `${balanceText(output)}, templates go to all of them` : balanceText(output);
}

function balanceText({ balance, collectors = [] }: Output): string {
  if (balance === 'BY_EXPORTER') return 'each exporter has one collector, by its address';
  if (balance === 'BY_ENDPOINT') return 'each exporter and source port has one collector';
  const isWeighted = collectors.some(({ weight }) => weight !== collectors[0]?.weight);
  return isWeighted ? 'they take turns by their weights' : 'they take turns';
}

/** Spec R26. */
function marksOf({ hopLimit, dscp, source, isStandby }: Collector): string[] {
  return [
    ...(source === 'PROXY' ? ['from an address and port of this proxy'] : []),
    ...(hopLimit === undefined ? [] : [`hop limit ${hopLimit}`]),
    ...(dscp === undefined ? [] : [`DSCP ${dscp}`]),
    ...(isStandby ? ['standby: only while no other is up'] : []),
  ];
}
