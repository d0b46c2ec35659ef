/** Short ways to write rule sets in tests: endpoints as text, such as `192.0.2.1:2055`. */
import { parseAddress } from '../../src/model/address.ts';
import { type Endpoint, makeEndpoint } from '../../src/model/endpoint.ts';
import {
  type CollectorOutput,
  type Exporter,
  exporterKey,
  makeCollector,
  type Output,
  type PipelineOutput,
  type Rule,
  type RuleEdit,
  type RuleSet,
} from '../../src/model/rules.ts';
import type { HostAddresses } from '../../src/rules/validate.ts';

/** @param text `192.0.2.1`, `192.0.2.1:1`, `2001:db8::1` or `[2001:db8::1]:1` */
export function endpoint(text: string): Endpoint {
  const match = /^\[(.*)\](?::(\d+))?$/.exec(text) ?? /^([\d.]+)(?::(\d+))?$/.exec(text);
  const octets = parseAddress(match?.[1] ?? text);
  if (octets === undefined) throw new Error(`${text} is no endpoint`);
  return makeEndpoint(octets, Number(match?.[2] ?? 0));
}

/** @param text as exporterKey() prints it: `192.0.2.1:1`, `10.20.0.0/16`, `[2001:db8::/32]:2055@9995` */
export function exporter(text: string): Exporter {
  const [source = '', listening] = text.split('@');
  const length = /\/(\d+)/.exec(source)?.[1];
  return {
    endpoint: endpoint(source.replace(/\/\d+/, '')),
    ...(length !== undefined && { prefixLength: Number(length) }),
    ...(listening !== undefined && { listeningPort: Number(listening) }),
  };
}

/** @param collectors of each output */
export function outputs(...collectors: readonly (readonly string[])[]): CollectorOutput[] {
  return collectors.map((group) => ({
    collectors: group.map((text) => makeCollector(endpoint(text))),
  }));
}

/** One output for each pipeline. */
export function pipelineOutputs(...names: readonly string[]): PipelineOutput[] {
  return names.map((pipeline) => ({ pipeline }));
}

export function rule(text: string, ...collectors: readonly (readonly string[])[]): Rule {
  return { exporter: exporter(text), outputs: outputs(...collectors) };
}

export function ruleSet(rules: readonly Rule[], defaultOutputs: readonly Output[] = []): RuleSet {
  return { rules, defaultOutputs };
}

/** @param deleted exporters whose rules go */
export function ruleEdit(
  deleted: readonly string[],
  upserts: readonly Rule[] = [],
  defaultOutputs?: readonly Output[],
): RuleEdit {
  const defaults = defaultOutputs === undefined ? {} : { defaultOutputs };
  return { kind: 'edit', deleted: deleted.map(exporter), upserts, ...defaults };
}

/** What an edit makes of a rule set, but for the order. */
export function edited(
  { rules, defaultOutputs }: RuleSet,
  { deleted, upserts, defaultOutputs: defaults = defaultOutputs }: RuleEdit,
): RuleSet {
  const byExporter = new Map(rules.map((rule) => [exporterKey(rule.exporter), rule]));
  for (const gone of deleted) byExporter.delete(exporterKey(gone));
  for (const upsert of upserts) byExporter.set(exporterKey(upsert.exporter), upsert);
  return ruleSet([...byExporter.values()], defaults);
}

/** The same rules, in which equal outputs are one object, as canonicaliseRuleSet() makes them. */
export function shareOutputs({ rules, defaultOutputs }: RuleSet): RuleSet {
  const known = new Map<string, readonly Output[]>();
  const share = (outputs: readonly Output[]) => {
    const text = JSON.stringify(outputs);
    const shared = known.get(text) ?? outputs;
    known.set(text, shared);
    return shared;
  };
  return {
    rules: rules.map(({ exporter, outputs }) => ({ exporter, outputs: share(outputs) })),
    defaultOutputs: share(defaultOutputs),
  };
}

/** A host with the given addresses that receives on port 2055. */
export function host(
  local: readonly string[] = [],
  broadcast: readonly string[] = [],
): HostAddresses {
  const has = (list: readonly string[]) => (octets: Uint8Array) =>
    list.some((text) => Buffer.from(endpoint(text).octets).equals(octets));
  return { isLocal: has(local), isBroadcast: has(broadcast), listenPorts: [2055] };
}
