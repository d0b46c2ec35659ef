/** Rules, outputs and collectors as rows of a forwarding table. Layout: native/include/table.h. */
import { endianness } from 'node:os';
import { mappedOctets } from '../model/address.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import type { Collector, Output } from '../model/rules.ts';
import { COLLECTOR, OUTPUT, RULE, TABLE } from './layout.ts';

const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** An output as the table holds it, but for its slots and state, and for where its collectors are. */
export interface OutputRows {
  /** OUTPUT.WORDS. */
  readonly output: Int32Array;
  /** COLLECTOR.WORDS each; IPv6 comes first. */
  readonly collectors: Int32Array;
  /** Which collector of the output each of them is. */
  readonly order: readonly number[];
}

/** What the rows of outputs depend on besides the rules. */
export interface Destinations {
  /** Destination port of collectors without one (spec R5). */
  readonly listenPort: number;
  /** The index of each pipeline that the rules name. */
  readonly pipelines: ReadonlyMap<string, number>;
}

export function outputRows(
  { collectors, pipeline }: Output,
  { listenPort, pipelines }: Destinations,
): OutputRows {
  return collectors === undefined
    ? pipelineRows(pipelines.get(pipeline))
    : collectorRows(collectors, listenPort);
}

function pipelineRows(index: number | undefined): OutputRows {
  if (index === undefined) throw new Error('a pipeline has no index');
  const bytes = new Uint8Array(COLLECTOR.SIZE);
  bytes[COLLECTOR.PIPELINE_BYTE] = index;
  const output = new Int32Array(OUTPUT.WORDS);
  output[OUTPUT.COLLECTORS] = 1;
  output[OUTPUT.IPV6_COLLECTORS] = 1;
  output[OUTPUT.FLAGS] = TABLE.OUTPUT_PIPELINE;
  return { output, collectors: new Int32Array(bytes.buffer), order: [0] };
}

function collectorRows(collectors: readonly Collector[], listenPort: number): OutputRows {
  const indexes = collectors.map((_, i) => i);
  const isOfIpv6 = (i: number) => isIpv6((collectors[i] as Collector).endpoint);
  const ipv6 = indexes.filter(isOfIpv6);
  const order = [...ipv6, ...indexes.filter((i) => !isOfIpv6(i))];
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
  }
  const output = new Int32Array(OUTPUT.WORDS);
  output[OUTPUT.COLLECTORS] = order.length;
  output[OUTPUT.IPV6_COLLECTORS] = ipv6.length;
  const isWeighted = collectors.some(({ weight }) => weight !== collectors[0]?.weight);
  output[OUTPUT.FLAGS] = isWeighted ? TABLE.OUTPUT_WEIGHTED : 0;
  return { output, collectors: words, order };
}

/** Writes of which exporter a row of a rule is. */
export function writeExporter(row: Int32Array, at: number, endpoint: Endpoint): void {
  row.set(addressWords(endpoint), at + RULE.ADDRESS);
  row[at + RULE.PORT] = endpoint.port | TABLE.RULE_PRESENT;
}

/** The 16-byte form of an address as four words in host order, as packet I/O shows it. */
export function addressWords(endpoint: Endpoint): [number, number, number, number] {
  const octets = mappedOctets(endpoint.octets);
  const view = new DataView(octets.buffer, octets.byteOffset, 16);
  const word = (index: number) => view.getInt32(index * 4, IS_LITTLE_ENDIAN);
  return [word(0), word(1), word(2), word(3)];
}
