/**
 * From input to model: one spelling of each address (spec E1 to E3), complete messages. What depends on
 * other rules or on this host is the business of rules/validate.ts.
 */

import { invalidInput, type Problem } from '../base/errors.ts';
import { Turn } from '../base/turn.ts';
import { canonicalOctets, type Octets, parseAddress } from '../model/address.ts';
import { type Endpoint, MAX_PORT, makeEndpoint } from '../model/endpoint.ts';
import {
  type Collector,
  type Exporter,
  makeCollector,
  type Output,
  type Rule,
  type RuleSet,
} from '../model/rules.ts';
import type { EndpointInput, MemberInput, OutputInput, RuleInput, RuleSetInput } from './input.ts';

/** @throws FloxyError INVALID_INPUT that names every bad place */
export function canonicaliseRuleSet(input: RuleSetInput): RuleSet {
  const reader = new RuleReader();
  const rules = (input.rules ?? []).map((rule, i) => reader.rule(rule, i));
  return reader.ruleSet(rules, input);
}

/** Does the same, and lets the process do other things in between. */
export async function canonicaliseInTurns(input: RuleSetInput): Promise<RuleSet> {
  const reader = new RuleReader();
  const turn = new Turn();
  const rules: Rule[] = [];
  for (const rule of input.rules ?? []) {
    if (turn.isOver) await turn.next();
    rules.push(reader.rule(rule, rules.length));
  }
  return reader.ruleSet(rules, input);
}

/**
 * @param field what the list is called in the paths of problems
 * @throws FloxyError INVALID_INPUT that names every bad place
 */
export function canonicaliseExporters(inputs: readonly MemberInput[], field: string): Exporter[] {
  const problems: Problem[] = [];
  const exporters = inputs.map((input, i) => ({
    endpoint: readMember(input, `${field}[${i}]`, problems),
  }));
  if (problems.length > 0) throw invalidInput(problems);
  return exporters;
}

/**
 * Reads the rules of one input. Equal collectors, and equal outputs of different rules, become one object: 100,000
 * rules commonly name a handful of them.
 */
class RuleReader {
  readonly #problems: Problem[] = [];
  readonly #collectors = new Map<string, NumberedCollector>();
  /** By the numbers of their collectors. */
  readonly #outputs = new Map<string, readonly Output[]>();

  rule(input: RuleInput, index: number): Rule {
    const path = `rules[${index}]`;
    return {
      exporter: { endpoint: readMember(input.exporter, `${path}.exporter`, this.#problems) },
      outputs: this.#readOutputs(input.outputs ?? [], `${path}.outputs`),
    };
  }

  /** @throws FloxyError INVALID_INPUT that names every bad place seen so far */
  ruleSet(rules: readonly Rule[], { defaultOutputs: inputs = [] }: RuleSetInput): RuleSet {
    const defaultOutputs = this.#readOutputs(inputs, 'default_outputs');
    if (this.#problems.length > 0) throw invalidInput(this.#problems);
    return { rules, defaultOutputs };
  }

  #readOutputs(inputs: readonly OutputInput[], path: string): readonly Output[] {
    let key = '';
    const outputs = inputs.map(({ collectors: members = [] }, i) => {
      const collectors: Collector[] = [];
      for (const member of members) {
        const at = `${path}[${i}].collectors[${collectors.length}]`;
        const { collector, number } = this.#readCollector(member, at);
        collectors.push(collector);
        key += `${number},`;
      }
      key += ';';
      return { collectors };
    });
    const known = this.#outputs.get(key);
    if (known !== undefined) return known;
    this.#outputs.set(key, outputs);
    return outputs;
  }

  #readCollector(input: MemberInput, path: string): NumberedCollector {
    const text = textOf(input.endpoint);
    const known = text === undefined ? undefined : this.#collectors.get(text);
    if (known !== undefined) return known;
    const problems = this.#problems.length;
    const collector = makeCollector(readMember(input, path, this.#problems));
    const numbered = { collector, number: this.#collectors.size };
    if (text !== undefined && this.#problems.length === problems)
      this.#collectors.set(text, numbered);
    return numbered;
  }
}

interface NumberedCollector {
  readonly collector: Collector;
  readonly number: number;
}

/** No two inputs that mean different things have the same: a number ends where the letter after it begins. */
function textOf(input: EndpointInput | null | undefined): string | undefined {
  if (!input) return undefined;
  const { host, octets, port = 0 } = input;
  return host === undefined ? `${port}o${octets?.join()}` : `${port}h${host}`;
}

/** Stands in for an endpoint with a problem; never leaves this module. */
const NO_ENDPOINT: Endpoint = makeEndpoint(new Uint8Array(4), 0);

function readMember(
  input: MemberInput | null | undefined,
  path: string,
  problems: Problem[],
): Endpoint {
  const endpoint = input?.endpoint;
  if (!endpoint) {
    problems.push({ path: `${path}.endpoint`, message: 'missing' });
    return NO_ENDPOINT;
  }
  const octets = readAddress(endpoint, `${path}.endpoint`, problems);
  const port = readPort(endpoint, `${path}.endpoint`, problems);
  return octets === undefined ? NO_ENDPOINT : makeEndpoint(octets, port);
}

function readAddress(input: EndpointInput, path: string, problems: Problem[]): Octets | undefined {
  if (input.host !== undefined) {
    const octets = parseAddress(input.host);
    if (octets === undefined) {
      const message = `${JSON.stringify(input.host)} is not an IPv4 or IPv6 address (host names and zones are not supported)`;
      problems.push({ path: `${path}.host`, message });
    }
    return octets;
  }
  if (input.octets !== undefined) {
    const { length } = input.octets;
    if (length === 4 || length === 16) return canonicalOctets(Uint8Array.from(input.octets));
    problems.push({ path: `${path}.octets`, message: `${length} bytes, must be 4 or 16` });
    return undefined;
  }
  problems.push({ path, message: 'host or octets is needed' });
  return undefined;
}

function readPort(input: EndpointInput, path: string, problems: Problem[]): number {
  const port = input.port ?? 0;
  if (Number.isInteger(port) && port >= 0 && port <= MAX_PORT) return port;
  problems.push({ path: `${path}.port`, message: `${port} is not within 0 to ${MAX_PORT}` });
  return 0;
}
