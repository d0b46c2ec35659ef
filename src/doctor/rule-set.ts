/** What rules name, each once. */
import { type Endpoint, makeEndpoint } from '../model/endpoint.ts';
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

/** Addresses of all exporters that have a rule; of a prefix the second one, and of a default route none. */
export function exportersOf({ rules }: RuleSet): Endpoint[] {
  const found = rules.flatMap(({ exporter: { endpoint, prefixLength } }) => {
    if (prefixLength === undefined) return [endpoint];
    return prefixLength === 0 ? [] : [secondOf(endpoint)];
  });
  return [...new Map(found.map((endpoint) => [endpoint.host, endpoint])).values()];
}

/** The first address of a network is the network itself: no host has it. */
function secondOf({ octets, port }: Endpoint): Endpoint {
  const second = octets.with(-1, (octets.at(-1) as number) | 1);
  return makeEndpoint(second, port);
}
