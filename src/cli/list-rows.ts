/** Rows of the tables of `floxy rules list` and `floxy stats`. */

import { described } from '../model/described.ts';
import type { OutputStatsMessage, ProxyStatsMessage } from '../protocol/messages.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { endpointText, exporterText } from './endpoint-text.ts';
import type { Shown } from './shown.ts';
import type { TableColumn } from './table.ts';

export const RULE_COLUMNS: readonly TableColumn[] = [{ head: 'EXPORTER' }, { head: 'OUTPUTS' }];

/** One for each rule, `default` for the others; `|` stands between collectors that take turns. */
export function ruleRows({ rules = [], defaultOutputs = [] }: Shown<RuleSetMessage>): string[][] {
  const rows = rules.map(({ exporter, outputs = [], description }) => [
    described(exporterText(exporter), description),
    outputs.length === 0 ? '- (dropped)' : outputs.map(outputText).join('; '),
  ]);
  return defaultOutputs.length === 0
    ? rows
    : [...rows, ['default', defaultOutputs.map(outputText).join('; ')]];
}

type ShownOutput = Shown<RuleSetMessage['defaultOutputs'][number]>;

function outputText(output: ShownOutput): string {
  const text = [targetText(output), ...optionTexts(output)].join(', ');
  return described(named(output.name, text), output.description);
}

/** `archive: 198.51.100.1:9995` */
function named(name: string | undefined, text: string): string {
  return name === undefined ? text : `${name}: ${text}`;
}

function targetText({ collectors = [], pipeline }: ShownOutput): string {
  if (pipeline !== undefined) return `pipeline ${pipeline}`;
  return collectors
    .map((collector) => {
      const text = [endpointText(collector.endpoint), ...wayTexts(collector)].join(' ');
      return described(text, collector.description);
    })
    .join(' | ');
}

type ShownCollector = NonNullable<ShownOutput['collectors']>[number];

/** What a collector gets in another way than most. */
function wayTexts(collector: ShownCollector): string[] {
  const { weight = 1, source, sourceEndpoint, hopLimit, dscp, ipv4SourcePrefix } = collector;
  return [
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(source === undefined ? [] : [`from ${source.toLowerCase()}`]),
    ...(sourceEndpoint === undefined ? [] : [`from ${endpointText(sourceEndpoint)}`]),
    ...(ipv4SourcePrefix === undefined ? [] : [`prefix ${ipv4SourcePrefix}`]),
    ...(hopLimit === undefined ? [] : [`hop limit ${hopLimit}`]),
    ...(dscp === undefined ? [] : [`dscp ${dscp}`]),
  ];
}

/** What an output does in another way than most. */
function optionTexts({ balance, filter, sampleOneIn }: ShownOutput): string[] {
  return [
    ...(balance === undefined ? [] : [balance.toLowerCase().replace('_', ' ')]),
    ...(filter ? [filterText(filter)] : []),
    ...(sampleOneIn === undefined ? [] : [`1 in ${sampleOneIn}`]),
  ];
}

function filterText(filter: NonNullable<ShownOutput['filter']>): string {
  const { protocols = [], observationDomains = [], agents = [], listeningPorts = [] } = filter;
  const hosts = agents.map((agent) => endpointText(agent));
  const wanted = [
    ['', protocols],
    ['domain ', observationDomains],
    ['agent ', hosts],
    ['to port ', listeningPorts],
  ] as const;
  const texts = wanted.flatMap(([what, values]) =>
    values.length === 0 ? [] : [`${what}${values.join('/')}`],
  );
  return `only ${texts.join(' ')}`;
}

export const STATS_COLUMNS: readonly TableColumn[] = [
  { head: 'EXPORTER' },
  { head: 'PACKETS', isNumber: true },
  { head: 'BYTES', isNumber: true },
  { head: 'TO' },
  { head: 'SENT', isNumber: true },
  { head: 'SENT BYTES', isNumber: true },
];

/** One for each collector; what an exporter sent stands in the first of its rows. */
export function statsRows(part: Shown<ProxyStatsMessage>): string[][] {
  const { rules = [], defaultOutputs = [], mismatched } = part;
  const rows = rules.flatMap(({ exporter, outputs = [], description }) => {
    const { packets = '0', bytes = '0' } = exporter?.input ?? {};
    const who = described(exporterText(exporter), description);
    return withTargets([who, packets, bytes], outputs);
  });
  if (mismatched === undefined) return rows;
  const { packets = '0', bytes = '0' } = mismatched;
  return [...rows, ...withTargets(['no rule', packets, bytes], defaultOutputs)];
}

function withTargets(first: string[], outputs: readonly Shown<OutputStatsMessage>[]): string[][] {
  const targets = outputs.flatMap(targetsOf);
  if (targets.length === 0) return [[...first, '-']];
  return targets.map(([name, { packets = '0', bytes = '0' } = {}], i) => [
    ...(i === 0 ? first : ['', '', '']),
    ...[name, packets, bytes],
  ]);
}

/** Where packets of an output went, and what it left out. */
function targetsOf({
  collectors = [],
  pipeline,
  name,
  description,
  sampledOut,
  filteredOut,
}: Shown<OutputStatsMessage>) {
  const collected = collectors.map(({ endpoint, output, description: own, health }) => {
    const address = endpointText(endpoint) + (health === 'down' ? ' (down)' : '');
    const text = described(address, own ?? description);
    return [named(name, text), output] as const;
  });
  const decoded = pipeline && named(name, described(`pipeline ${pipeline.name}`, description));
  return [
    ...collected,
    ...(decoded ? [[decoded, pipeline.output] as const] : []),
    ...(filteredOut ? [[named(name, '- (filtered out)'), filteredOut] as const] : []),
    ...(sampledOut ? [[named(name, '- (sampled out)'), sampledOut] as const] : []),
  ];
}
