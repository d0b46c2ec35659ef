/** The handler of ExplainExporter (spec A60). */
import { FloxyError, invalidInput, type Problem } from '../../base/errors.ts';
import { present } from '../../base/present.ts';
import { splitHostAndPort } from '../../config/socket-address.ts';
import type { Control } from '../../control/control.ts';
import type { PipelineStatsSource } from '../../flow/pipeline/stats.ts';
import type { Octets } from '../../model/address.ts';
import type { Way } from '../../model/collector-status.ts';
import { MAX_PORT } from '../../model/endpoint.ts';
import type { Output, Rule } from '../../model/rules.ts';
import { fromCounters } from '../../protocol/codec.ts';
import type {
  ExplainExporterRequestMessage,
  ExplainedRuleMessage,
  ExplanationMessage,
} from '../../protocol/view-messages.ts';
import { type AddressFormat, endpointMessage, readEndpoint } from '../../rules/endpoint-message.ts';
import { type ConsideredRule, type ExporterQuestion, explainMatch } from '../../rules/explain.ts';
import { exporterMessage } from '../../rules/message.ts';
import type { CallContext } from '../call-context.ts';
import type { Answer } from '../method.ts';
import { OutputExplainer, type OutputSources } from './explained-outputs.ts';

/** So many rules that do not fire are told. */
const MAX_OTHERS = 50;

/** Who knows what an explanation tells, besides control. */
export interface Explaining
  extends Pick<OutputSources, 'homeOf' | 'servingOf' | 'healthOf' | 'ipv4SourcePrefix'> {
  /** Asks the kernel. */
  readonly findWays: (addresses: readonly Octets[]) => Promise<ReadonlyMap<string, Way>>;
  /** What moves packets that go to these outputs, in words; undefined where that is always the same. */
  readonly whoMoves?: (outputs: readonly Output[]) => string | undefined;
}

interface Sources {
  readonly control: Pick<Control, 'rules' | 'restoring' | 'unfit' | 'statisticsOf'>;
  readonly pipelineStats?: PipelineStatsSource | undefined;
  /** Addresses on which flow is received. */
  readonly listening: readonly string[];
  readonly explaining: Explaining;
}

export function explainExporter(sources: Sources) {
  return async (
    request: ExplainExporterRequestMessage,
    { addressFormat }: CallContext,
  ): Promise<Answer> => ({ parts: [await explanationOf(sources, request, addressFormat)] });
}

async function explanationOf(
  { control, pipelineStats, listening, explaining }: Sources,
  request: ExplainExporterRequestMessage,
  format: AddressFormat,
): Promise<ExplanationMessage> {
  const reason = control.restoring();
  if (reason !== undefined) throw new FloxyError('NOT_READY', reason);
  const ports = listening.flatMap((text) => splitHostAndPort(text)?.port ?? []);
  const question = questionOf(request, ports[0]);
  const { revision, ruleSet } = control.rules();
  const unfit = control.unfit();
  const { fires, others } = explainMatch(ruleSet.rules, question, unfit.rules);
  const outputs = fires?.rule.outputs ?? ruleSet.defaultOutputs;
  const pipelines = new Set(pipelineStats?.pipelines().map(({ name }) => name));
  const explainer = new OutputExplainer(question, {
    ...explaining,
    ways: await explaining.findWays(addressesOf(outputs)),
    hasPipeline: (name) => pipelines.has(name),
    isDefault: fires === undefined,
    format,
  });
  const tell = (considered: ConsideredRule) => explainedRule(considered, control, format);
  const { source, listeningPort } = question;
  return {
    exporter: endpointMessage(source, format),
    revision: `${revision}`,
    others: others.slice(0, MAX_OTHERS).map(tell),
    otherCount: others.length,
    outputs: outputs.map((output) => explainer.explain(output, unfit.defaultOutputs.get(output))),
    notes: notesOf(question, ports, { fires: fires?.rule, outputs }).concat(
      explaining.whoMoves?.(outputs) ?? [],
    ),
    ...present<Pick<ExplanationMessage, 'listeningPort' | 'rule'>>({
      listeningPort,
      rule: fires && tell(fires),
    }),
  };
}

/** @throws FloxyError INVALID_INPUT */
function questionOf(
  { exporter, listeningPort }: ExplainExporterRequestMessage,
  fallback: number | undefined,
): ExporterQuestion {
  const problems: Problem[] = [];
  const source = readEndpoint(exporter, 'exporter', problems);
  if (listeningPort !== undefined && (listeningPort < 1 || listeningPort > MAX_PORT)) {
    const message = `${listeningPort} is not within 1 to ${MAX_PORT}`;
    problems.push({ path: 'listening_port', message });
  }
  if (problems.length > 0) throw invalidInput(problems);
  return { source, listeningPort: listeningPort ?? fallback };
}

function explainedRule(
  { rule, index, why }: ConsideredRule,
  control: Sources['control'],
  format: AddressFormat,
): ExplainedRuleMessage {
  const [counted] = control.statisticsOf([rule]).rules;
  const { description } = rule;
  return {
    exporter: exporterMessage(rule.exporter, format),
    index,
    why,
    input: fromCounters(counted?.input ?? { packets: 0n, bytes: 0n }),
    ...(description !== undefined && { description }),
  };
}

function addressesOf(outputs: readonly Output[]): Octets[] {
  return outputs.flatMap(({ collectors = [] }) =>
    collectors.map(({ endpoint }) => endpoint.octets),
  );
}

function notesOf(
  { listeningPort }: ExporterQuestion,
  ports: readonly number[],
  { fires, outputs }: { readonly fires: Rule | undefined; readonly outputs: readonly Output[] },
): string[] {
  const notes: string[] = [];
  if (ports.length === 0) notes.push('the proxy is off: it receives nothing');
  else if (listeningPort !== undefined && !ports.includes(listeningPort))
    notes.push(`the proxy does not receive on port ${listeningPort}, but on ${ports.join(', ')}`);
  if (outputs.length === 0) {
    notes.push(
      fires === undefined
        ? 'there are no default outputs: the packets are counted as mismatched and dropped'
        : 'the rule has no outputs: the packets are counted and dropped',
    );
  }
  return notes;
}
