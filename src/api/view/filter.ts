import { invalidInput, type Problem } from '../../base/errors.ts';
import { splitHostAndPort } from '../../config/socket-address.ts';
import { type Octets, parseAddress } from '../../model/address.ts';
import type { Endpoint } from '../../model/endpoint.ts';
import { isInNetwork } from '../../model/prefix.ts';
import type { Exporter, Output, Rule } from '../../model/rules.ts';
import type { RuleFilterMessage } from '../../protocol/view-messages.ts';

/** What an endpoint has to be: in a network, and with a port when one is named. */
interface Wanted {
  readonly octets: Octets;
  /** Of the address that have to be the same. */
  readonly bits: number;
  /** 0 = any. */
  readonly port: number;
}

/**
 * Chooses exporters, collectors and rules (spec S22). What is not named is not asked for; of what is named several
 * times, any will do.
 */
export class RuleFilter {
  readonly #exporters: readonly Wanted[];
  readonly #collectors: readonly Wanted[];
  readonly #pipelines: ReadonlySet<string>;
  /** Rules commonly have the same outputs. */
  readonly #known = new Map<readonly Output[], boolean>();

  /** @throws FloxyError INVALID_INPUT with all problems */
  constructor({ exporters = [], collectors = [], pipelines = [] }: RuleFilterMessage = {}) {
    const problems: Problem[] = [];
    this.#exporters = readAll('filter.exporters', exporters, problems);
    this.#collectors = readAll('filter.collectors', collectors, problems);
    this.#pipelines = new Set(pipelines);
    if (problems.length > 0) throw invalidInput(problems);
  }

  /** Everything is wanted. */
  get isEmpty(): boolean {
    return !this.#asksForOutputs && this.#exporters.length === 0;
  }

  hasRule({ exporter, outputs }: Rule): boolean {
    return this.hasExporter(exporter) && this.#hasOutputs(outputs);
  }

  /** Of a prefix: when one of the wanted addresses is in it, or when it is in one of the wanted prefixes. */
  hasExporter({ endpoint, prefixLength }: Exporter): boolean {
    return this.#exporters.length === 0 || isAmong(this.#exporters, endpoint, prefixLength);
  }

  hasCollector(endpoint: Endpoint): boolean {
    return this.#collectors.length === 0 || isAmong(this.#collectors, endpoint);
  }

  get #asksForOutputs(): boolean {
    return this.#collectors.length > 0 || this.#pipelines.size > 0;
  }

  /** Whether one of the outputs has what is wanted. */
  #hasOutputs(outputs: readonly Output[]): boolean {
    if (!this.#asksForOutputs) return true;
    const known = this.#known.get(outputs);
    if (known !== undefined) return known;
    const has = outputs.some(({ collectors = [], pipeline }) => {
      if (pipeline !== undefined) return this.#pipelines.has(pipeline);
      return collectors.some(({ endpoint }) => isAmong(this.#collectors, endpoint));
    });
    this.#known.set(outputs, has);
    return has;
  }
}

function readAll(path: string, texts: readonly string[], problems: Problem[]): Wanted[] {
  return texts.flatMap((text, i) => {
    const wanted = readWanted(text);
    if (wanted !== undefined) return [wanted];
    const message = `${JSON.stringify(text)} is no address, address and port, or prefix: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000, 192.0.2.0/24`;
    problems.push({ path: `${path}[${i}]`, message });
    return [];
  });
}

function readWanted(text: string): Wanted | undefined {
  const [before = '', length, ...rest] = text.split('/');
  if (rest.length > 0) return undefined;
  if (length === undefined) {
    const { host = '', port = 0 } = splitHostAndPort(before) ?? {};
    const octets = parseAddress(host);
    return octets && { octets, bits: octets.length * 8, port };
  }
  const octets = parseAddress(before);
  if (octets === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  // The prefix of an IPv4-mapped address is one of IPv4.
  const written = before.includes(':') ? 128 : 32;
  const bits = Number(length) - (written - octets.length * 8);
  return Number(length) > written || bits < 0 ? undefined : { octets, bits, port: 0 };
}

/** @param length of the prefix that the address stands for */
function isAmong(
  wanted: readonly Wanted[],
  { octets, port }: Endpoint,
  length = octets.length * 8,
): boolean {
  return wanted.some(
    (one) =>
      (one.port === 0 || one.port === port) &&
      isInNetwork(octets, one.octets, Math.min(one.bits, length)),
  );
}
