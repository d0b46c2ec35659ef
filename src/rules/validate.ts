/** Validation of rules against each other and against this host (spec V1 to V6, V10, V12). Pure. */

import { FloxyError, invalidInput, type Problem } from '../base/errors.ts';
import type { Octets } from '../model/address.ts';
import { addressKind, needsInterface } from '../model/address-kind.ts';
import { type Endpoint, isIpv6 } from '../model/endpoint.ts';
import {
  MAX_COLLECTORS_PER_OUTPUT,
  MAX_FILTERS,
  MAX_OUTPUTS_PER_RULE,
  MAX_PIPELINES,
  MAX_RULES,
  MAX_SLOTS_PER_RULE_SET,
} from '../model/limits.ts';
import {
  type Collector,
  collectorKey,
  type Exporter,
  exporterKey,
  filterKeys,
  type Output,
  pipelineNames,
  type Rule,
  type RuleChange,
  type RuleSet,
  takesIpv6,
} from '../model/rules.ts';
import { checkFilter, checkFilterPorts } from './filter-problems.ts';
import { checkHealth } from './validate-health.ts';

/** What the rules must not collide with: this host, at the moment of the change. */
export interface HostAddresses {
  /** Whether an address is this host's own. */
  isLocal(octets: Octets): boolean;
  /** Whether an address is the broadcast address of a network that this host is on. */
  isBroadcast(octets: Octets): boolean;
  /** UDP ports on which the proxy receives; none when it is off. */
  readonly listenPorts: readonly number[];
}

/** @throws FloxyError as validateRules() does, for the rules that the change brings */
export function validateChange(change: RuleChange, host: HostAddresses): void {
  const { rules, defaultOutputs } =
    change.kind === 'replace'
      ? change.ruleSet
      : { rules: change.upserts, defaultOutputs: change.defaultOutputs ?? [] };
  validateRules(rules, defaultOutputs, host);
}

/**
 * Checks rules that came in one request. Limits of the merged set are checkLimits()' business.
 *
 * @throws FloxyError INVALID_INPUT that names every bad place, or LIMIT_EXCEEDED
 */
export function validateRules(
  rules: readonly Rule[],
  defaultOutputs: readonly Output[],
  host: HostAddresses,
): void {
  const problems = ruleProblems({ rules, defaultOutputs }, host);
  if (problems.length > 0) throw invalidInput(problems);
}

/** Does the same. @returns every bad place @throws FloxyError LIMIT_EXCEEDED */
export function ruleProblems({ rules, defaultOutputs }: RuleSet, host: HostAddresses): Problem[] {
  checkLimits({ rules, defaultOutputs });
  const problems: Problem[] = [];
  checkDuplicateExporters(rules, problems);
  const faultless: FaultlessOutputs = new Set();
  rules.forEach((rule, i) => {
    checkRule(rule, `rules[${i}].`, host, faultless, problems);
  });
  checkOutputs(defaultOutputs, 'default_outputs', host, problems);
  return problems;
}

/** Rules, and default outputs one by one, that would be refused now; each with the first reason. */
export interface Unfit {
  readonly rules: ReadonlyMap<Rule, string>;
  readonly defaultOutputs: ReadonlyMap<Output, string>;
}

/** Looks for what was valid when it was accepted, and is not any more: the host or this program has changed. */
export function findUnfit({ rules, defaultOutputs }: RuleSet, host: HostAddresses): Unfit {
  const unfit = { rules: new Map<Rule, string>(), defaultOutputs: new Map<Output, string>() };
  const faultless: FaultlessOutputs = new Set();
  for (const rule of rules) {
    const problems: Problem[] = [];
    checkRule(rule, '', host, faultless, problems);
    if (problems[0]) unfit.rules.set(rule, describe(problems[0]));
  }
  for (const output of defaultOutputs) {
    const problems: Problem[] = [];
    checkOutputs([output], 'default_outputs', host, problems);
    if (problems[0]) unfit.defaultOutputs.set(output, problems[0].message);
  }
  return unfit;
}

function describe({ path, message }: Problem): string {
  return `${path}: ${message}`;
}

/** Many rules have the same outputs, which are looked at once. */
type FaultlessOutputs = Set<readonly Output[]>;

/** @param path of the rule, with the dot before what follows */
function checkRule(
  rule: Rule,
  path: string,
  host: HostAddresses,
  faultless: FaultlessOutputs,
  problems: Problem[],
): void {
  checkExporterKind(rule.exporter, `${path}exporter.endpoint`, host, problems);
  if (!faultless.has(rule.outputs)) {
    const before = problems.length;
    checkOutputs(rule.outputs, `${path}outputs`, host, problems);
    if (problems.length === before) faultless.add(rule.outputs);
  }
  if (isIpv6(rule.exporter.endpoint)) checkFamilies(rule, path, problems);
  checkFilterPorts(rule.exporter, rule.outputs, `${path}outputs`, problems);
}

/** V6, V10, V12. @throws FloxyError LIMIT_EXCEEDED that names the limit */
export function checkLimits(ruleSet: RuleSet): void {
  const { rules, defaultOutputs } = ruleSet;
  limit(rules.length, MAX_RULES, () => 'rules: rules in all');
  let slots = rules.length + checkOutputLimits(defaultOutputs, () => 'default_outputs');
  rules.forEach((rule, i) => {
    slots += checkOutputLimits(rule.outputs, () => `rules[${i}].outputs`);
  });
  limit(slots, MAX_SLOTS_PER_RULE_SET, () => 'rules: rules, outputs and collectors together');
  const { size } = pipelineNames(ruleSet);
  limit(size, MAX_PIPELINES, () => 'rules: different pipelines that outputs name');
  limit(filterKeys(ruleSet).size, MAX_FILTERS, () => 'rules: different filters');
}

/** How many outputs and collectors there are. */
function checkOutputLimits(outputs: readonly Output[], path: () => string): number {
  limit(outputs.length, MAX_OUTPUTS_PER_RULE, () => `${path()}: outputs`);
  let count = outputs.length;
  outputs.forEach(({ collectors = [] }, i) => {
    const what = () => `${path()}[${i}].collectors: collectors`;
    limit(collectors.length, MAX_COLLECTORS_PER_OUTPUT, what);
    count += collectors.length;
  });
  return count;
}

function limit(count: number, max: number, what: () => string): void {
  if (count <= max) return;
  throw new FloxyError('LIMIT_EXCEEDED', `${what()}: ${count}, the limit is ${max}`);
}

/** V1 */
function checkDuplicateExporters(rules: readonly Rule[], problems: Problem[]): void {
  const exporters = new Map<string, number>();
  rules.forEach((rule, i) => {
    const key = exporterKey(rule.exporter);
    const other = firstOf(exporters, key, i);
    if (other === undefined) return;
    const message = `exporter ${key} has a rule already, rules[${other}]`;
    problems.push({ path: `rules[${i}].exporter.endpoint`, message });
  });
}

/** V3 */
function checkFamilies(rule: Rule, path: string, problems: Problem[]): void {
  rule.outputs.forEach((output, i) => {
    output.collectors?.forEach((collector, k) => {
      const { endpoint } = collector;
      if (takesIpv6(collector)) return;
      const message = `IPv4 collector ${endpoint.host} can never get packets of IPv6 exporter ${exporterKey(rule.exporter)}`;
      problems.push({ path: `${path}outputs[${i}].collectors[${k}].endpoint`, message });
    });
  });
}

function checkOutputs(
  outputs: readonly Output[],
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  const pipelines = new Map<string, number>();
  const names = new Map<string, number>();
  outputs.forEach(({ collectors, pipeline, name, filter }, i) => {
    const outputPath = `${path}[${i}]`;
    const refuse = (field: string, message: string) =>
      problems.push({ path: `${outputPath}.${field}`, message });
    if (filter !== undefined) checkFilter(filter, `${outputPath}.filter`, problems);
    // V15
    const namesake = name === undefined ? undefined : firstOf(names, name, i);
    if (namesake !== undefined) refuse('name', `outputs[${namesake}] has the name ${name} already`);
    if (collectors === undefined) {
      // V10
      const other = firstOf(pipelines, pipeline, i);
      if (other !== undefined)
        refuse('pipeline', `pipeline ${pipeline} is that of outputs[${other}] already`);
      return;
    }
    if (collectors.length === 0) refuse('collectors', 'an output needs a collector, or a pipeline');
    checkCollectors(collectors, `${outputPath}.collectors`, host, problems);
  });
}

function checkCollectors(
  collectors: readonly Collector[],
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  const keys = new Map<string, number>();
  collectors.forEach((collector, k) => {
    const { endpoint, health } = collector;
    const collectorPath = `${path}[${k}]`;
    const endpointPath = `${collectorPath}.endpoint`;
    if (health !== undefined) checkHealth(health, `${collectorPath}.health`, problems);
    // V2. One without port is the same as one with the listening port only by chance: allowed.
    const key = collectorKey(collector);
    const other = firstOf(keys, key, k);
    if (other !== undefined) {
      const message = `${key} is collectors[${other}] of this output already`;
      problems.push({ path: endpointPath, message });
    }
    checkKind(endpoint, endpointPath, host, problems);
    checkReach(endpoint, endpointPath, problems);
    checkLoop(endpoint, endpointPath, host, problems);
    checkSource(collector, collectorPath, host, problems);
  });
}

/** V13 */
function checkSource(
  { endpoint, source, sourceEndpoint, ipv4SourcePrefix }: Collector,
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  if (ipv4SourcePrefix !== undefined && !isIpv6(endpoint)) {
    const message = `${endpoint.host} is an IPv4 collector: sources of IPv4 need no prefix there`;
    problems.push({ path: `${path}.ipv4_source_prefix`, message });
  }
  if (ipv4SourcePrefix !== undefined && source !== undefined) {
    const message = `copies with source: ${source} come from an address of this host`;
    problems.push({ path: `${path}.ipv4_source_prefix`, message });
  }
  if (sourceEndpoint === undefined) return;
  const sourcePath = `${path}.source_endpoint`;
  if (source !== undefined) {
    const message = `source: ${source} is another source: leave one of them`;
    problems.push({ path: sourcePath, message });
  }
  checkKind(sourceEndpoint, sourcePath, host, problems);
  checkReach(sourceEndpoint, sourcePath, problems);
  if (!isIpv6(sourceEndpoint) || isIpv6(endpoint)) return;
  const message = `${sourceEndpoint.host} is an IPv6 address: copies to IPv4 collector ${endpoint.host} cannot come from it`;
  problems.push({ path: sourcePath, message });
}

/** Which one of a list had a name first, when another has it already. @param names with the index of the first of each */
function firstOf(names: Map<string, number>, name: string, index: number): number | undefined {
  const first = names.get(name);
  if (first === undefined) names.set(name, index);
  return first;
}

/** V5 */
function checkKind(
  endpoint: Endpoint,
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  const kind = host.isBroadcast(endpoint.octets) ? 'broadcast' : addressKind(endpoint.octets);
  if (kind !== 'unspecified' && kind !== 'multicast' && kind !== 'broadcast') return;
  const article = kind === 'unspecified' ? 'an' : 'a';
  problems.push({ path, message: `${endpoint.host} is ${article} ${kind} address` });
}

/** V5. Networks have addresses of all kinds, but for those of multicast, which no packet comes from. */
function checkExporterKind(
  { endpoint, prefixLength }: Exporter,
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  if (prefixLength === undefined) checkKind(endpoint, path, host, problems);
  else if (addressKind(endpoint.octets) === 'multicast') {
    problems.push({ path, message: `${endpoint.host}/${prefixLength} is a multicast prefix` });
  }
}

/** V5 */
function checkReach({ octets, host }: Endpoint, path: string, problems: Problem[]): void {
  if (!needsInterface(octets)) return;
  const message = `${host} is a link-local address, which can be on any interface: use one that is routed`;
  problems.push({ path, message });
}

/** V4 */
function checkLoop(
  collector: Endpoint,
  path: string,
  host: HostAddresses,
  problems: Problem[],
): void {
  if (!isProxyItself(collector, host)) return;
  const ports = collector.port === 0 ? host.listenPorts.join(', ') : collector.port;
  const message = `${collector.host} port ${ports} is the proxy itself: packets would circle`;
  problems.push({ path, message });
}

function isProxyItself({ octets, port }: Endpoint, host: HostAddresses): boolean {
  if (host.listenPorts.length === 0) return false;
  return (port === 0 || host.listenPorts.includes(port)) && host.isLocal(octets);
}
