/**
 * Rules as messages of proto/floxy.proto, written and read. It is the one form in which rules leave a process
 * and come back: on the wire, in the database, from node to node. Digests and differences are made of it too. A
 * field of a rule is written and read here, in output-message.ts and in collector-message.ts, and nowhere else.
 */
import { formatDuration } from '../base/duration.ts';
import type { Problem } from '../base/errors.ts';
import { present } from '../base/present.ts';
import { type Endpoint, MAX_PORT, makeEndpoint } from '../model/endpoint.ts';
import { networkAddress } from '../model/prefix.ts';
import type { Collector, Exporter, Output, Rule } from '../model/rules.ts';
import { readCollector } from './collector-message.ts';
import {
  type AddressFormat,
  type EndpointMessage,
  endpointMessage,
  readEndpoint,
  type Unchecked,
} from './endpoint-message.ts';
import { FieldReader } from './field-reader.ts';
import { type OutputMessage, outputMessage, readOutput } from './output-message.ts';

export interface ExporterMessage {
  readonly endpoint: EndpointMessage;
  readonly prefixLength?: number;
  readonly listeningPort?: number;
}

export interface RuleMessage {
  readonly exporter: ExporterMessage;
  readonly outputs: readonly OutputMessage[];
  readonly expectEvery?: string;
  readonly description?: string;
}

export interface RuleSetMessage {
  readonly rules: readonly RuleMessage[];
  readonly defaultOutputs: readonly OutputMessage[];
}

const LISTENING_PORT = { min: 0, max: MAX_PORT };
const EXPECT_EVERY = { min: 1000, max: 365 * 86_400_000 };

/** Spec V11. */
function checkHostBits(
  { octets, host, port }: Endpoint,
  prefixLength: number | undefined,
  fields: FieldReader,
): void {
  if (prefixLength === undefined) return;
  const network = makeEndpoint(networkAddress(octets, prefixLength), port);
  if (network.host === host) return;
  const message = `${host}/${prefixLength} has bits behind its prefix: the network is ${network.host}/${prefixLength}`;
  fields.problem('endpoint', message);
}

export function exporterMessage(
  { endpoint, prefixLength, listeningPort }: Exporter,
  format: AddressFormat,
): ExporterMessage {
  return {
    endpoint: endpointMessage(endpoint, format),
    ...present<Omit<ExporterMessage, 'endpoint'>>({ prefixLength, listeningPort }),
  };
}

export function ruleMessage(rule: Rule, format: AddressFormat): RuleMessage {
  const { exporter, outputs, expectEveryMs, description } = rule;
  return {
    exporter: exporterMessage(exporter, format),
    outputs: outputs.map((output) => outputMessage(output, format)),
    ...present<Pick<RuleMessage, 'expectEvery' | 'description'>>({
      expectEvery: expectEveryMs === undefined ? undefined : formatDuration(expectEveryMs),
      description,
    }),
  };
}

/**
 * Reads what belongs together: equal collectors, and equal outputs of different rules, become one object, because
 * 100,000 rules commonly name a handful of them. What was read means something only while there are no problems.
 */
export class RuleReader {
  readonly problems: Problem[] = [];
  /** By the text of their messages. */
  readonly #collectors = new Map<string, Collector>();
  readonly #outputs = new Map<string, readonly Output[]>();

  exporter(message: Unchecked<ExporterMessage> | null | undefined, path: string): Exporter {
    const fields = new FieldReader(path, this.problems);
    const endpoint = readEndpoint(message?.endpoint, `${path}.endpoint`, this.problems);
    const prefixLength = this.#prefixLength(message, endpoint, fields);
    checkHostBits(endpoint, prefixLength, fields);
    return {
      endpoint,
      ...present<Pick<Exporter, 'prefixLength' | 'listeningPort'>>({
        prefixLength,
        listeningPort: fields.number('listening_port', message?.listeningPort, LISTENING_PORT, 0),
      }),
    };
  }

  /** Of the canonical address: that of an IPv4-mapped one is given with 96 bits more (spec R18). */
  #prefixLength(
    message: Unchecked<ExporterMessage> | null | undefined,
    { octets }: Endpoint,
    fields: FieldReader,
  ): number | undefined {
    const { host, octets: given } = message?.endpoint ?? {};
    const bits = host?.includes(':') || given?.length === 16 ? 128 : octets.length * 8;
    const before = bits - octets.length * 8;
    const bounds = { min: before, max: bits };
    const length = fields.number('prefix_length', message?.prefixLength, bounds, bits);
    return length === undefined ? undefined : length - before;
  }

  rule(message: Unchecked<RuleMessage>, path: string): Rule {
    const fields = new FieldReader(path, this.problems);
    return {
      exporter: this.exporter(message.exporter, `${path}.exporter`),
      outputs: this.outputs(message.outputs ?? [], `${path}.outputs`),
      ...present<Pick<Rule, 'expectEveryMs' | 'description'>>({
        expectEveryMs: fields.duration('expect_every', message.expectEvery, EXPECT_EVERY),
        description: fields.description(message.description),
      }),
    };
  }

  outputs(messages: readonly Unchecked<OutputMessage>[], path: string): readonly Output[] {
    return this.#once(this.#outputs, messages, () =>
      messages.map((message, i) => this.output(message, `${path}[${i}]`)),
    );
  }

  output(message: Unchecked<OutputMessage>, path: string): Output {
    return readOutput(message, path, this.problems, (collector, place) =>
      this.#once(this.#collectors, collector, () => readCollector(collector, place, this.problems)),
    );
  }

  /** What has problems is read each time: each place is named. */
  #once<T>(known: Map<string, T>, message: object, read: () => T): T {
    const text = JSON.stringify(message);
    const before = known.get(text);
    if (before !== undefined) return before;
    const problems = this.problems.length;
    const value = read();
    if (this.problems.length === problems) known.set(text, value);
    return value;
  }
}
