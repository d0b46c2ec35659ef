/** Outputs as messages of proto/floxy.proto, written and read. Their collectors: collector-message.ts. */
import type { Problem } from '../base/errors.ts';
import { present } from '../base/present.ts';
import { MAX_PORT } from '../model/endpoint.ts';
import { FLOW_PROTOCOLS, type FlowProtocol } from '../model/flow-protocol.ts';
import type { Collector, CollectorOutput, Filter, Output, PipelineOutput } from '../model/rules.ts';
import { type CollectorMessage, collectorMessage } from './collector-message.ts';
import {
  type AddressFormat,
  type EndpointMessage,
  endpointMessage,
  readEndpoint,
  type Unchecked,
} from './endpoint-message.ts';
import { FieldReader } from './field-reader.ts';

export interface FilterMessage {
  readonly protocols?: readonly string[];
  readonly observationDomains?: readonly number[];
  readonly agents?: readonly EndpointMessage[];
  readonly listeningPorts?: readonly number[];
}

/** Collectors, or the name of a pipeline. */
export interface OutputMessage {
  readonly collectors?: readonly CollectorMessage[];
  readonly pipeline?: string;
  readonly balance?: string;
  readonly templates?: string;
  readonly sampleOneIn?: number;
  readonly filter?: FilterMessage;
  readonly name?: string;
  readonly description?: string;
}

const BALANCES = ['ROUND_ROBIN', 'BY_EXPORTER', 'BY_ENDPOINT'] as const;
const TEMPLATES = ['ALL', 'ONE'] as const;
const SAMPLE = { min: 1, max: 1_000_000 };
const PORT = { min: 1, max: MAX_PORT };
const UINT32 = { min: 0, max: 0xffff_ffff };

/** The order of its fields is always the same: texts of messages are compared. */
export function outputMessage(output: Output, format: AddressFormat): OutputMessage {
  const { collectors, pipeline, balance, templates, sampleOneIn, filter } = output;
  return present<OutputMessage>({
    collectors: collectors?.map((collector) => collectorMessage(collector, format)),
    pipeline,
    balance,
    templates,
    sampleOneIn,
    filter: filter && filterMessage(filter, format),
    name: output.name,
    description: output.description,
  });
}

function filterMessage(filter: Filter, format: AddressFormat): FilterMessage {
  const { protocols, observationDomains, agents, listeningPorts } = filter;
  return present<FilterMessage>({
    protocols,
    observationDomains,
    agents: agents?.map((agent) => endpointMessage(agent, format)),
    listeningPorts,
  });
}

type Messages<T> = readonly Unchecked<T>[] | null | undefined;

/** @param readCollector of its message at a path */
export function readOutput(
  message: Unchecked<OutputMessage>,
  path: string,
  problems: Problem[],
  readCollector: (message: Unchecked<CollectorMessage>, path: string) => Collector,
): Output {
  const fields = new FieldReader(path, problems);
  const { collectors, pipeline, filter } = message;
  const options = present<Pick<PipelineOutput, 'sampleOneIn' | 'filter' | 'name' | 'description'>>({
    sampleOneIn: fields.number('sample_one_in', message.sampleOneIn, SAMPLE, 1),
    filter: filter ? readFilter(filter, `${path}.filter`, problems) : undefined,
    name: fields.name('name', 'an output', message.name),
    description: fields.description(message.description),
  });
  const balance = fields.choice('balance', message.balance, BALANCES, 'ROUND_ROBIN');
  const templates = fields.choice('templates', message.templates, TEMPLATES);
  if (pipeline === undefined || pipeline === null) {
    const ofCollectors = present<Pick<CollectorOutput, 'balance' | 'templates'>>({
      balance,
      // What takes turns does so when nothing is said.
      templates: balance === undefined && templates === 'ALL' ? undefined : templates,
    });
    return {
      collectors: readCollectors(collectors, path, readCollector),
      ...ofCollectors,
      ...options,
    };
  }
  if ((collectors?.length ?? 0) > 0) {
    fields.problem(
      'pipeline',
      'an output names collectors or a pipeline, not both: make two outputs of it',
    );
  }
  if (balance !== undefined) fields.problem('balance', 'a pipeline is not balanced');
  if (templates !== undefined) fields.problem('templates', 'a pipeline gets all packets');
  fields.name('pipeline', 'a pipeline', pipeline);
  return { pipeline, ...options };
}

function readCollectors(
  messages: Messages<CollectorMessage>,
  path: string,
  readCollector: (message: Unchecked<CollectorMessage>, path: string) => Collector,
): Collector[] {
  return (messages ?? []).map((message, i) => readCollector(message, `${path}.collectors[${i}]`));
}

function readFilter(message: Unchecked<FilterMessage>, path: string, problems: Problem[]): Filter {
  const fields = new FieldReader(path, problems);
  const numbers = (field: string, values: Messages<number>, bounds: typeof PORT) =>
    readList(values, (value, i) => fields.number(`${field}[${i}]`, value, bounds));
  return present<Filter>({
    protocols: readList(message.protocols, (value, i) =>
      fields.choice<FlowProtocol, never>(`protocols[${i}]`, value, FLOW_PROTOCOLS),
    ),
    observationDomains: numbers('observation_domains', message.observationDomains, UINT32),
    agents: readList(message.agents, (agent, i) =>
      readEndpoint(agent, `${path}.agents[${i}]`, problems),
    ),
    listeningPorts: numbers('listening_ports', message.listeningPorts, PORT),
  });
}

/** An empty list is none. What has problems is left out. */
function readList<T, V>(
  values: readonly V[] | null | undefined,
  read: (value: V, index: number) => T | undefined,
): readonly T[] | undefined {
  if (!values || values.length === 0) return undefined;
  return values.map(read).filter((value) => value !== undefined);
}
