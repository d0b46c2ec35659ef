/**
 * From input to model: one spelling of each address (spec E1 to E3), complete messages. What depends on
 * other rules or on this host is the business of rules/validate.ts.
 */
import { canonicalOctets, type Octets, parseAddress } from '../model/address.ts';
import { type Endpoint, MAX_PORT, makeEndpoint } from '../model/endpoint.ts';
import { invalidInput, type Problem } from '../model/errors.ts';
import type { Output, Rule, RuleSet } from '../model/rules.ts';
import type { EndpointInput, MemberInput, OutputInput, RuleInput, RuleSetInput } from './input.ts';

/** @throws FloxyError INVALID_INPUT that names every bad place */
export function canonicaliseRuleSet(input: RuleSetInput): RuleSet {
  const problems: Problem[] = [];
  const rules = (input.rules ?? []).map((rule, i) => readRule(rule, `rules[${i}]`, problems));
  const defaultOutputs = readOutputs(input.defaultOutputs, 'default_outputs', problems);
  if (problems.length > 0) throw invalidInput(problems);
  return { rules, defaultOutputs };
}

/**
 * @param field what the list is called in the paths of problems
 * @throws FloxyError INVALID_INPUT that names every bad place
 */
export function canonicaliseExporters(inputs: readonly MemberInput[], field: string): Endpoint[] {
  const problems: Problem[] = [];
  const exporters = inputs.map((input, i) => readMember(input, `${field}[${i}]`, problems));
  if (problems.length > 0) throw invalidInput(problems);
  return exporters;
}

function readRule(input: RuleInput, path: string, problems: Problem[]): Rule {
  return {
    exporter: readMember(input.exporter, `${path}.exporter`, problems),
    outputs: readOutputs(input.outputs, `${path}.outputs`, problems),
  };
}

function readOutputs(
  inputs: readonly OutputInput[] | undefined,
  path: string,
  problems: Problem[],
): Output[] {
  return (inputs ?? []).map((input, i) => ({
    collectors: (input.collectors ?? []).map((collector, k) =>
      readMember(collector, `${path}[${i}].collectors[${k}]`, problems),
    ),
  }));
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
