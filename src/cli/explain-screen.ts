/** What `floxy explain` shows of an answer of ExplainExporter. */
import { withoutControls } from '../base/text.ts';
import type {
  ExplainedCollectorMessage,
  ExplainedOutputMessage,
  ExplainedRuleMessage,
  ExplanationMessage,
} from '../protocol/view-messages.ts';
import { endpointText, exporterText } from './endpoint-text.ts';
import type { Shown } from './shown.ts';
import { formatCount } from './table.ts';

type ShownExplanation = Shown<ExplanationMessage>;
type ShownRule = Shown<ExplainedRuleMessage>;
type ShownOutput = Shown<ExplainedOutputMessage>;
type ShownCollector = Shown<ExplainedCollectorMessage>;

/** First the rule that fires, then why no other does, then where copies go. */
export function explainScreen(explanation: ShownExplanation): string {
  const { outputs = [], notes = [] } = explanation;
  const lines = [
    ...ruleLines(explanation),
    ...otherLines(explanation),
    ...outputs.flatMap((output, i) => outputLines(output, i + 1)),
    ...notes.map((note) => `- ${note}`),
  ];
  return lines.map((line) => `${withoutControls(line)}\n`).join('');
}

function ruleLines({ exporter, listeningPort, revision = '0', rule }: ShownExplanation): string[] {
  const port = listeningPort === undefined ? '' : ` to port ${listeningPort}`;
  const asked = `${endpointText(exporter)}${port}`;
  if (rule === undefined) {
    return [`${asked}: no rule, default outputs (revision ${revision})`];
  }
  const { why = '', description } = rule;
  const { packets = '0' } = rule.input ?? {};
  return [
    `${asked}: rule ${exporterText(rule.exporter)}, ${why} (${placeOf(rule)} of revision ${revision}, ${formatCount(Number(packets))} packets so far)`,
    ...(description === undefined ? [] : [`  ${description}`]),
  ];
}

function otherLines({ others = [], otherCount = 0 }: ShownExplanation): string[] {
  const lines = others.map((rule) => `not ${exporterText(rule.exporter)}: ${rule.why ?? ''}`);
  const rest = otherCount - others.length;
  return rest > 0 ? [...lines, `and ${rest} more that do not fire`] : lines;
}

function placeOf({ index = 0 }: ShownRule): string {
  return `rules[${index}]`;
}

function outputLines(output: ShownOutput, number: number): string[] {
  const { conditions = [], choice, collectors = [], pipeline, name, description } = output;
  const title = name === undefined ? `output ${number}` : `output ${number} (${name})`;
  const what = [...conditions, ...(choice === undefined ? [] : [choice])].join('; ');
  const head = what === '' ? title : `${title}: ${what}`;
  return [
    pipeline === undefined ? head : `${head}${what === '' ? ':' : ';'} pipeline ${pipeline}`,
    ...(description === undefined ? [] : [`  ${description}`]),
    ...(output.problem === undefined ? [] : [`  - ${output.problem}`]),
    ...collectors.flatMap((collector) => collectorLines(collector, choice !== undefined)),
  ];
}

function collectorLines(collector: ShownCollector, isChosen: boolean): string[] {
  const { endpoint, source, share = 0, marks = [], problem, description } = collector;
  const parts = [
    ...(isChosen ? [shareText(share)] : []),
    ...(source ? [`source ${source}`] : []),
    ...marks,
    ...(collector.health === undefined ? [] : [collector.health]),
    ...wayParts(collector),
  ];
  const name = description === undefined ? '' : ` (${description})`;
  return [
    `  ${endpointText(endpoint)}${name}${parts.length === 0 ? '' : `  ${parts.join(', ')}`}`,
    ...(problem === undefined ? [] : [`    - ${problem.replaceAll('`', '')}`]),
  ];
}

function shareText(share: number): string {
  if (share === 0 || share === 1) return share === 1 ? 'all packets' : 'no packets';
  return `${(share * 100).toFixed(share * 100 < 10 ? 1 : 0)} % of packets`;
}

/** `via 10.20.0.254 dev collectors, mtu 1500, neighbour reachable` */
function wayParts({ route = 'unknown', via, device, mtu, neighbour }: ShownCollector): string[] {
  if (route !== 'ok') return [`route ${route}`];
  const hop = [
    ...(via === undefined ? [] : [`via ${via}`]),
    ...(device === undefined ? [] : [`dev ${device}`]),
  ].join(' ');
  return [
    ...(hop === '' ? [] : [hop]),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
    ...(neighbour === undefined || neighbour === 'unneeded' ? [] : [`neighbour ${neighbour}`]),
  ];
}
