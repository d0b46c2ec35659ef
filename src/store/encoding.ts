import { formatAddress, type Octets, parseAddress } from '../model/address.ts';
import { type Endpoint, MAX_PORT } from '../model/endpoint.ts';
import { type Collector, makeCollector, type Output } from '../model/rules.ts';

/** A row that is not what this program writes. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Outputs as JSON: `[[["192.0.2.1",2055],["2001:db8::1",0]]]`; port 0 = none. */
export function encodeOutputs(outputs: readonly Output[]): string {
  return JSON.stringify(outputs.map(collectorPairs));
}

/** Collectors of one output as JSON: `[["192.0.2.1",2055]]`; port 0 = none. */
export function encodeCollectors(output: Output): string {
  return JSON.stringify(collectorPairs(output));
}

function collectorPairs(output: Output): [string, number][] {
  return output.collectors.map((collector) => [collector.endpoint.host, collector.endpoint.port]);
}

/**
 * Reads an address in its canonical text and a port, 0 for none.
 *
 * @throws DecodeError
 */
export function decodeEndpoint(host: unknown, port: unknown): Endpoint {
  if (typeof host !== 'string') throw new DecodeError(`${quote(host)} is not an address`);
  if (!isPort(port)) throw new DecodeError(`${quote(port)} is not a port from 0 to ${MAX_PORT}`);
  return { host, octets: decodeAddress(host), port };
}

/** encodeOutputs() for many rules, which commonly have the same outputs. */
export class OutputEncoder {
  readonly #texts = new Map<readonly Output[], string>();

  outputs(outputs: readonly Output[]): string {
    let text = this.#texts.get(outputs);
    if (text === undefined) {
      text = encodeOutputs(outputs);
      this.#texts.set(outputs, text);
    }
    return text;
  }
}

/**
 * Reads the outputs of one database: equal collectors, and equal outputs of different rules, become one object,
 * because 100,000 rules commonly name a handful of them. Its methods throw DecodeError.
 */
export class OutputDecoder {
  readonly #collectors = new Map<string, Collector>();
  readonly #outputs = new Map<unknown, readonly Output[]>();

  outputs(text: unknown): readonly Output[] {
    let outputs = this.#outputs.get(text);
    if (outputs === undefined) {
      outputs = parseList(text).map((collectors) => this.#output(collectors));
      this.#outputs.set(text, outputs);
    }
    return outputs;
  }

  output(text: unknown): Output {
    return this.#output(parseList(text));
  }

  #output(collectors: unknown): Output {
    if (!Array.isArray(collectors)) throw new DecodeError('an output is not a list');
    if (collectors.length === 0) throw new DecodeError('an output has no collectors');
    return { collectors: collectors.map((pair: unknown) => this.#collector(pair)) };
  }

  #collector(pair: unknown): Collector {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new DecodeError('a collector is not a pair of address and port');
    }
    const [host, port]: unknown[] = pair;
    const key = JSON.stringify(pair);
    const known = this.#collectors.get(key);
    if (known !== undefined) return known;
    const collector = makeCollector(decodeEndpoint(host, port));
    this.#collectors.set(key, collector);
    return collector;
  }
}

function decodeAddress(host: string): Octets {
  const octets = parseAddress(host);
  // Only canonical text makes the UNIQUE constraint of the table hold for addresses.
  if (octets === undefined || formatAddress(octets) !== host) {
    throw new DecodeError(`${quote(host)} is not an address in canonical form`);
  }
  return octets;
}

function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= MAX_PORT;
}

function parseList(text: unknown): unknown[] {
  let list: unknown;
  try {
    list = typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch (cause) {
    throw new DecodeError(`${quote(text)} is not JSON`, { cause });
  }
  if (!Array.isArray(list)) throw new DecodeError(`${quote(text)} is not a JSON list`);
  return list;
}

const MAX_QUOTED_CHARACTERS = 80;

/** Damaged data in a message: escaped, and cut to a readable length. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text;
}
