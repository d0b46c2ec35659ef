/**
 * Rules as messages of proto/floxy.proto, written and read. It is the one form in which rules leave a process
 * and come back: on the wire, in the database, from node to node. Digests and differences are made of it too. A
 * field of a rule is written and read here, and nowhere else.
 */
import type { Problem } from '../base/errors.ts';
import {
  type Collector,
  type Exporter,
  MAX_WEIGHT,
  type Output,
  PIPELINE_NAME,
  type Rule,
} from '../model/rules.ts';
import {
  type AddressFormat,
  type EndpointMessage,
  endpointMessage,
  readEndpoint,
  type Unchecked,
} from './endpoint-message.ts';

export interface ExporterMessage {
  readonly endpoint: EndpointMessage;
}

export interface CollectorMessage {
  readonly endpoint: EndpointMessage;
  readonly weight?: number;
}

/** Collectors, or the name of a pipeline. */
export interface OutputMessage {
  readonly collectors?: readonly CollectorMessage[];
  readonly pipeline?: string;
}

export interface RuleMessage {
  readonly exporter: ExporterMessage;
  readonly outputs: readonly OutputMessage[];
}

export interface RuleSetMessage {
  readonly rules: readonly RuleMessage[];
  readonly defaultOutputs: readonly OutputMessage[];
}

export function exporterMessage({ endpoint }: Exporter, format: AddressFormat): ExporterMessage {
  return { endpoint: endpointMessage(endpoint, format) };
}

export function collectorMessage(
  { endpoint, weight }: Collector,
  format: AddressFormat,
): CollectorMessage {
  const message = { endpoint: endpointMessage(endpoint, format) };
  return weight === 1 ? message : { ...message, weight };
}

export function outputMessage(
  { collectors, pipeline }: Output,
  format: AddressFormat,
): OutputMessage {
  if (collectors === undefined) return { pipeline };
  return { collectors: collectors.map((collector) => collectorMessage(collector, format)) };
}

export function ruleMessage({ exporter, outputs }: Rule, format: AddressFormat): RuleMessage {
  return {
    exporter: exporterMessage(exporter, format),
    outputs: outputs.map((output) => outputMessage(output, format)),
  };
}

/**
 * Reads what belongs together: equal collectors, and equal outputs of different rules, become one object, because
 * 100,000 rules commonly name a handful of them. What was read means something only while there are no problems.
 */
export class RuleReader {
  readonly problems: Problem[] = [];
  /** By the text of their messages. */
  readonly #collectors = new Map<string, Collector>();
  readonly #outputs = new Map<string, readonly Output[]>();

  exporter(message: Unchecked<ExporterMessage> | null | undefined, path: string): Exporter {
    return { endpoint: readEndpoint(message?.endpoint, `${path}.endpoint`, this.problems) };
  }

  rule(message: Unchecked<RuleMessage>, path: string): Rule {
    return {
      exporter: this.exporter(message.exporter, `${path}.exporter`),
      outputs: this.outputs(message.outputs ?? [], `${path}.outputs`),
    };
  }

  outputs(messages: readonly Unchecked<OutputMessage>[], path: string): readonly Output[] {
    return this.#once(this.#outputs, messages, () =>
      messages.map((message, i) => this.output(message, `${path}[${i}]`)),
    );
  }

  output({ collectors, pipeline }: Unchecked<OutputMessage>, path: string): Output {
    if (pipeline !== undefined && pipeline !== null)
      return { pipeline: this.#pipeline(pipeline, collectors ?? [], path) };
    return {
      collectors: (collectors ?? []).map((message, i) =>
        this.#once(this.#collectors, message, () =>
          this.#collector(message, `${path}.collectors[${i}]`),
        ),
      ),
    };
  }

  #collector(message: Unchecked<CollectorMessage>, path: string): Collector {
    return {
      endpoint: readEndpoint(message.endpoint, `${path}.endpoint`, this.problems),
      weight: this.#weight(message.weight ?? 1, `${path}.weight`),
    };
  }

  /** Spec V10. */
  #pipeline(name: string, collectors: readonly unknown[], path: string): string {
    if (!PIPELINE_NAME.test(name)) {
      const message = `${JSON.stringify(name)} is no name of a pipeline: 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit`;
      this.problems.push({ path: `${path}.pipeline`, message });
    }
    if (collectors.length > 0) {
      const message = 'an output names collectors or a pipeline, not both: make two outputs of it';
      this.problems.push({ path: `${path}.pipeline`, message });
    }
    return name;
  }

  /** Spec V9. */
  #weight(weight: number, path: string): number {
    if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) {
      this.problems.push({ path, message: `${weight} is not within 1 to ${MAX_WEIGHT}` });
    }
    return weight;
  }

  /** What has problems is read each time: each place is named. */
  #once<T>(known: Map<string, T>, message: object, read: () => T): T {
    const text = JSON.stringify(message);
    const before = known.get(text);
    if (before !== undefined) return before;
    const problems = this.problems.length;
    const value = read();
    if (this.problems.length === problems) known.set(text, value);
    return value;
  }
}
