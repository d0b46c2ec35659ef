/** What rules name, each once. */
import type { Endpoint } from '../model/endpoint.ts';
import type { Output, RuleSet } from '../model/rules.ts';

/** Of each kind so many are looked at: the rest would say nothing new, and take time. */
export const MAX_ENDPOINTS = 20_000;

/** Collectors of all rules and default outputs; port 0 is the one that the proxy receives on. */
export function collectorsOf({ rules, defaultOutputs }: RuleSet): Endpoint[] {
  const found = new Map<string, Endpoint>();
  const seen = new Set<readonly Output[]>();
  const add = (outputs: readonly Output[]) => {
    if (seen.has(outputs)) return;
    seen.add(outputs);
    for (const { collectors = [] } of outputs)
      for (const { endpoint } of collectors)
        found.set(`${endpoint.host} ${endpoint.port}`, endpoint);
  };
  add(defaultOutputs);
  for (const { outputs } of rules) add(outputs);
  return [...found.values()];
}

/** Addresses of all exporters that have a rule. */
export function exportersOf({ rules }: RuleSet): Endpoint[] {
  return [
    ...new Map(rules.map(({ exporter: { endpoint } }) => [endpoint.host, endpoint])).values(),
  ];
}
