/** Rules, outputs and collectors as rows of a forwarding table. Layout: native/include/table.h. */
import { IS_LITTLE_ENDIAN } from '../base/byte-order.ts';
import { mappedOctets } from '../model/address.ts';
import { isWatchedBy } from '../model/collector-health.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import {
  type Collector,
  type CollectorOutput,
  type Exporter,
  type Filter,
  leavesOut,
  type Output,
} from '../model/rules.ts';
import { COLLECTOR, OUTPUT, RULE, TABLE } from './layout.ts';
import { leaveRow } from './leaves.ts';
import { IPV4_PREFIX_BITS } from './prefix-bits.ts';
import { collectorNumber } from './rendezvous.ts';
import { type Serving, servingCollectors } from './serving.ts';
import { writeTemplates } from './template-rows.ts';

/** An output as the table holds it, but for its slots and state, and for where its collectors and its filter are. */
export interface OutputRows {
  /** OUTPUT.WORDS. */
  readonly output: Int32Array;
  /** COLLECTOR.WORDS each; those come first that IPv6 packets can go to. */
  readonly collectors: Int32Array;
  /** How copies to each of them leave, see leaveRow(); none: all as the exporter sent the packet. */
  readonly leaves: readonly (Int32Array | undefined)[] | undefined;
  /** Which collector of the output each of them is: those that serve. */
  readonly order: readonly number[];
  readonly filter: Filter | undefined;
}

/** Those of its collectors, or of its pipeline. */
export type TargetRows = Omit<OutputRows, 'filter'>;

/** What the rows of outputs depend on besides the rules. */
export interface Destinations {
  /** Destination port of collectors without one (spec R5). */
  readonly listenPort: number;
  /** The index of each pipeline that the rules name. */
  readonly pipelines: ReadonlyMap<string, number>;
  /** Collectors that are left out while others serve, by watchKey() (spec H3). */
  readonly down: ReadonlySet<string>;
  /** How often collectors have come back after they were down, by watchKey(); absent: not at all (spec R24). */
  readonly returns?: ReadonlyMap<string, number> | undefined;
  /** Index of the path to a collector (native/include/paths.h), 0 = none; absent: there are no paths. */
  readonly pathOf?: ((collector: Endpoint) => number) | undefined;
}

/** @param isDefault IPv4 and IPv6 packets come to it, whatever its collectors are */
export function outputRows(
  output: Output,
  destinations: Destinations,
  isDefault: boolean,
): OutputRows {
  const { sampleOneIn = 0, filter } = output;
  const rows =
    output.collectors === undefined
      ? pipelineRows(destinations.pipelines.get(output.pipeline))
      : servingRows(output, destinations, isDefault);
  const words = rows.output;
  words[OUTPUT.SAMPLE] = sampleOneIn;
  if (leavesOut(output)) {
    words[OUTPUT.FLAGS] = (words[OUTPUT.FLAGS] as number) | TABLE.OUTPUT_LEAVES_OUT;
  }
  return { ...rows, filter };
}

function servingRows(
  output: CollectorOutput,
  { listenPort, down, returns, pathOf }: Destinations,
  isDefault: boolean,
): TargetRows {
  const isDown = (collector: Collector) => isWatchedBy(down, collector);
  const serving = servingCollectors(output.collectors, isDown, isDefault);
  const rows = collectorRows(output, serving, listenPort);
  if (pathOf !== undefined) writePaths(output, rows, pathOf);
  writeTemplates(output, rows, returns);
  return rows;
}

function pipelineRows(index: number | undefined): TargetRows {
  if (index === undefined) throw new Error('a pipeline has no index');
  const bytes = new Uint8Array(COLLECTOR.SIZE);
  bytes[COLLECTOR.PIPELINE_BYTE] = index;
  const output = new Int32Array(OUTPUT.WORDS);
  output[OUTPUT.COLLECTORS] = 1;
  output[OUTPUT.IPV6_COLLECTORS] = 1;
  output[OUTPUT.FLAGS] = TABLE.OUTPUT_PIPELINE;
  return { output, collectors: new Int32Array(bytes.buffer), leaves: undefined, order: [0] };
}

function collectorRows(
  { collectors, balance }: CollectorOutput,
  serving: Serving,
  listenPort: number,
): TargetRows {
  const order = balance === undefined ? serving.order : orderByAddress(collectors, serving);
  const bytes = new Uint8Array(order.length * COLLECTOR.SIZE);
  const words = new Int32Array(bytes.buffer);
  let weights = 0;
  for (const [place, index] of order.entries()) {
    const { endpoint, weight } = collectors[index] as Collector;
    const at = place * COLLECTOR.SIZE;
    const port = endpoint.port === 0 ? listenPort : endpoint.port;
    bytes.set(mappedOctets(endpoint.octets), at + COLLECTOR.ADDRESS * 4);
    bytes[at + COLLECTOR.PORT_BYTE] = port >> 8;
    bytes[at + COLLECTOR.PORT_BYTE + 1] = port & 0xff;
    bytes[at + COLLECTOR.FAMILY_BYTE] = isIpv6(endpoint) ? 6 : 4;
    const flags = endpoint.port === 0 ? TABLE.COLLECTOR_LISTEN_PORT : 0;
    words[place * COLLECTOR.WORDS + COLLECTOR.FLAGS] = flags;
    weights += weight;
    words[place * COLLECTOR.WORDS + COLLECTOR.WEIGHTS] = weights;
    if (balance === undefined) continue;
    const seed = collectorNumber(addressWords(endpoint), endpoint.port);
    words[place * COLLECTOR.WORDS + COLLECTOR.SEED] = seed;
  }
  const output = new Int32Array(OUTPUT.WORDS);
  output[OUTPUT.COLLECTORS] = order.length;
  output[OUTPUT.IPV6_COLLECTORS] = serving.ipv6;
  const weightOf = (index = 0) => collectors[index]?.weight;
  const isWeighted = order.some((index) => weightOf(index) !== weightOf(order[0]));
  output[OUTPUT.FLAGS] = (isWeighted ? TABLE.OUTPUT_WEIGHTED : 0) | balanceFlag(balance);
  const leaves = order.map((i) => leaveRow(collectors[i] as Collector));
  const areSent = leaves.every((row) => row === undefined);
  return { output, collectors: words, leaves: areSent ? undefined : leaves, order };
}

function writePaths(
  rule: CollectorOutput,
  { collectors, order }: TargetRows,
  pathOf: NonNullable<Destinations['pathOf']>,
): void {
  for (const [place, index] of order.entries()) {
    const { endpoint } = rule.collectors[index] as Collector;
    const at = place * COLLECTOR.WORDS + COLLECTOR.FLAGS;
    const path = pathOf(endpoint) << TABLE.COLLECTOR_PATH_SHIFT;
    collectors[at] = (collectors[at] as number) | path;
  }
}

/** The same whatever the order in the rule is; those stay first that IPv6 packets can go to. */
function orderByAddress(collectors: readonly Collector[], { order, ipv6 }: Serving): number[] {
  const of = (index: number) => (collectors[index] as Collector).endpoint;
  const sorted = (indexes: readonly number[]) =>
    indexes.toSorted((a, b) => compareEndpoints(of(a), of(b)));
  return [...sorted(order.slice(0, ipv6)), ...sorted(order.slice(ipv6))];
}

function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return Buffer.compare(a.octets, b.octets) || a.port - b.port;
}

function balanceFlag(balance: CollectorOutput['balance']): number {
  if (balance === undefined) return 0;
  return balance === 'BY_EXPORTER' ? TABLE.OUTPUT_BY_EXPORTER : TABLE.OUTPUT_BY_ENDPOINT;
}

/** Writes of which exporter a row of a rule is; it has no outputs then. */
export function writeExporter(row: Int32Array, at: number, exporter: Exporter): void {
  const { endpoint, prefixLength, listeningPort = 0 } = exporter;
  row.set(addressWords(endpoint), at + RULE.ADDRESS);
  row[at + RULE.PORT] = endpoint.port | TABLE.RULE_PRESENT | prefixKind(endpoint, prefixLength);
  row[at + RULE.OUTPUTS] = listeningPort << TABLE.RULE_LISTENING_SHIFT;
}

function prefixKind(endpoint: Endpoint, prefixLength: number | undefined): number {
  if (prefixLength === undefined) return 0;
  const length = isIpv6(endpoint) ? prefixLength : IPV4_PREFIX_BITS + prefixLength;
  return TABLE.RULE_PREFIX | (length << TABLE.RULE_PREFIX_LENGTH_SHIFT);
}

/** The 16-byte form of an address as four words in host order, as packet I/O shows it. */
export function addressWords(endpoint: Endpoint): [number, number, number, number] {
  const octets = mappedOctets(endpoint.octets);
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  const word = (index: number) => view.getInt32(index * 4, IS_LITTLE_ENDIAN);
  return [word(0), word(1), word(2), word(3)];
}
