import type { Problem } from '../base/errors.ts';
import type { FlowProtocol } from '../model/flow-protocol.ts';
import { MAX_FILTER_VALUES } from '../model/limits.ts';
import type { Exporter, Filter, Output } from '../model/rules.ts';

const WITH_DOMAIN: readonly FlowProtocol[] = ['NETFLOW_V9', 'IPFIX'];
const WITH_AGENT: readonly FlowProtocol[] = ['SFLOW_V5'];

/** What is wrong with a filter wherever it stands (spec V12). */
export function checkFilter(filter: Filter, path: string, problems: Problem[]): void {
  const { protocols, observationDomains, agents, listeningPorts } = filter;
  const problem = (field: string, message: string) =>
    problems.push({ path: field === '' ? path : `${path}.${field}`, message });
  const lists = {
    protocols,
    observation_domains: observationDomains,
    agents: agents?.map(({ host }) => host),
    listening_ports: listeningPorts,
  };
  let isEmpty = true;
  for (const [field, values] of Object.entries(lists)) {
    if (values === undefined) continue;
    isEmpty = false;
    checkValues(values, field, problem);
  }
  if (isEmpty) problem('', 'an empty filter lets all packets through: leave it out');
  agents?.forEach(({ port }, i) => {
    if (port !== 0) problem(`agents[${i}].port`, 'an agent is an address without port');
  });
  if (observationDomains !== undefined && agents !== undefined) {
    problem('agents', 'no packet has an observation domain and an agent: make two outputs of it');
  } else if (observationDomains !== undefined && !mayBe(WITH_DOMAIN, protocols)) {
    problem('observation_domains', `no packet has one but of ${WITH_DOMAIN.join(' and ')}`);
  } else if (agents !== undefined && !mayBe(WITH_AGENT, protocols)) {
    problem('agents', `no packet has one but of ${WITH_AGENT.join(' and ')}`);
  }
}

/** Whether the packets of a rule can come to a port that the filter of an output asks for (spec V12). */
export function checkFilterPorts(
  { listeningPort }: Exporter,
  outputs: readonly Output[],
  path: string,
  problems: Problem[],
): void {
  if (listeningPort === undefined) return;
  outputs.forEach(({ filter }, i) => {
    if (filter?.listeningPorts?.includes(listeningPort) ?? true) return;
    const message = `no packet can match: those of this rule come to port ${listeningPort}`;
    problems.push({ path: `${path}[${i}].filter.listening_ports`, message });
  });
}

function checkValues(
  values: readonly (string | number)[],
  field: string,
  problem: (field: string, message: string) => void,
): void {
  if (values.length > MAX_FILTER_VALUES) {
    problem(field, `${values.length} values, the limit is ${MAX_FILTER_VALUES}`);
  }
  const first = new Map<string | number, number>();
  values.forEach((value, i) => {
    const other = first.get(value);
    if (other === undefined) first.set(value, i);
    else problem(`${field}[${i}]`, `${value} is ${field}[${other}] already`);
  });
}

function mayBe(wanted: readonly FlowProtocol[], protocols: Filter['protocols']): boolean {
  return protocols === undefined || wanted.some((protocol) => protocols.includes(protocol));
}
