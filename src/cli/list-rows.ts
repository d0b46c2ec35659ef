/** Rows of the tables of `floxy rules list` and `floxy stats`. */
import type { OutputStatsMessage, ProxyStatsMessage } from '../protocol/messages.ts';
import type { RuleSetMessage } from '../rules/message.ts';
import { endpointText, exporterText } from './endpoint-text.ts';
import type { Shown } from './shown.ts';
import type { TableColumn } from './table.ts';

export const RULE_COLUMNS: readonly TableColumn[] = [{ head: 'EXPORTER' }, { head: 'OUTPUTS' }];

/** One for each rule, `default` for the others; `|` stands between collectors that take turns. */
export function ruleRows({ rules = [], defaultOutputs = [] }: Shown<RuleSetMessage>): string[][] {
  const rows = rules.map(({ exporter, outputs = [] }) => [
    exporterText(exporter),
    outputs.length === 0 ? '- (dropped)' : outputs.map(outputText).join('; '),
  ]);
  return defaultOutputs.length === 0
    ? rows
    : [...rows, ['default', defaultOutputs.map(outputText).join('; ')]];
}

type ShownOutput = Shown<RuleSetMessage['defaultOutputs'][number]>;

function outputText(output: ShownOutput): string {
  return [targetText(output), ...optionTexts(output)].join(', ');
}

function targetText({ collectors = [], pipeline }: ShownOutput): string {
  if (pipeline !== undefined) return `pipeline ${pipeline}`;
  return collectors
    .map((collector) => [endpointText(collector.endpoint), ...wayTexts(collector)].join(' '))
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
function optionTexts({ balance }: ShownOutput): string[] {
  return balance === undefined ? [] : [balance.toLowerCase().replace('_', ' ')];
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
  const rows = rules.flatMap(({ exporter, outputs = [] }) => {
    const { packets = '0', bytes = '0' } = exporter?.input ?? {};
    return withTargets([exporterText(exporter), packets, bytes], outputs);
  });
  if (mismatched === undefined) return rows;
  const { packets = '0', bytes = '0' } = mismatched;
  return [...rows, ...withTargets(['no rule', packets, bytes], defaultOutputs)];
}

function withTargets(first: string[], outputs: readonly Shown<OutputStatsMessage>[]): string[][] {
  const targets = outputs.flatMap(({ collectors = [], pipeline }) => {
    const found = collectors.map(
      ({ endpoint, output }) => [endpointText(endpoint), output] as const,
    );
    return pipeline === undefined
      ? found
      : [...found, [`pipeline ${pipeline.name}`, pipeline.output] as const];
  });
  if (targets.length === 0) return [[...first, '-']];
  return targets.map(([name, { packets = '0', bytes = '0' } = {}], i) => [
    ...(i === 0 ? first : ['', '', '']),
    ...[name, packets, bytes],
  ]);
}
