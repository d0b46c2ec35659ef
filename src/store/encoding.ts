/**
 * Rows of the tables `rules` and `default_outputs` ↔ rules. A row holds the JSON of messages, as src/rules/message.ts
 * writes them, and is read back by it: what is not exactly what would be written is refused.
 */
import { exporterKey, type Output, type Rule } from '../model/rules.ts';
import type { Unchecked } from '../rules/endpoint-message.ts';
import { RuleReader, ruleMessage } from '../rules/message.ts';
import { type OutputMessage, outputMessage } from '../rules/output-message.ts';

/** A row that is not what this program writes. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A row of `rules`; the columns say what they hold (store/schema.ts). */
export type RuleRow = readonly [exporter: string, rule: string, outputs: string];

/** Writes many rules, which commonly have the same outputs. */
export class RuleEncoder {
  readonly #texts = new Map<readonly Output[], string>();

  rule(rule: Rule): RuleRow {
    let outputs = this.#texts.get(rule.outputs);
    if (outputs === undefined) {
      outputs = encodeOutputs(rule.outputs);
      this.#texts.set(rule.outputs, outputs);
    }
    return [exporterKey(rule.exporter), encodeRest(rule), outputs];
  }
}

export function encodeOutput(output: Output): string {
  return JSON.stringify(outputMessage(output, 'text'));
}

function encodeOutputs(outputs: readonly Output[]): string {
  return JSON.stringify(outputs.map((output) => outputMessage(output, 'text')));
}

/** All of a rule but its outputs. */
function encodeRest(rule: Rule): string {
  const { outputs: _, ...rest } = ruleMessage({ ...rule, outputs: [] }, 'text');
  return JSON.stringify(rest);
}

/**
 * Reads the rules of one database: equal outputs of different rules become one object, and their text is read
 * once. Its methods throw DecodeError; then it is of no more use.
 */
export class RuleDecoder {
  readonly #reader = new RuleReader();
  /** By their text. */
  readonly #outputs = new Map<unknown, readonly Output[]>();

  rule(exporter: unknown, restText: unknown, outputsText: unknown): Rule {
    const rest = this.#decode(
      restText,
      (message) => this.#reader.rule({ ...(message as object), outputs: [] }, 'rule'),
      encodeRest,
    );
    if (exporterKey(rest.exporter) !== exporter) {
      throw new DecodeError(`${quote(exporter)} is not the exporter of ${quote(restText)}`);
    }
    return { ...rest, outputs: this.#outputsOf(outputsText) };
  }

  output(text: unknown): Output {
    const read = (message: unknown) =>
      this.#reader.output(message as Unchecked<OutputMessage>, 'output');
    return checkOutput(this.#decode(text, read, encodeOutput));
  }

  #outputsOf(text: unknown): readonly Output[] {
    let outputs = this.#outputs.get(text);
    if (outputs === undefined) {
      const read = (messages: unknown) =>
        (messages as Unchecked<OutputMessage>[]).map((message, i) =>
          this.#reader.output(message, `outputs[${i}]`),
        );
      outputs = this.#decode(text, read, encodeOutputs);
      outputs.forEach(checkOutput);
      this.#outputs.set(text, outputs);
    }
    return outputs;
  }

  /** @param read can throw whatever it likes for a message of another shape */
  #decode<T>(text: unknown, read: (message: unknown) => T, encode: (value: T) => string): T {
    const value = this.#read(text, read);
    // Nothing that was read may be lost, and equal addresses must be equal texts: exporters are unique by theirs.
    if (encode(value) === text) return value;
    throw new DecodeError(
      `${quote(text)} is not what this version writes: it is of a newer version of floxy, or damaged`,
    );
  }

  #read<T>(text: unknown, read: (message: unknown) => T): T {
    const message = parse(text);
    let value: T;
    try {
      value = read(message);
    } catch (cause) {
      throw new DecodeError(`${quote(text)} is not of the shape of what is written`, { cause });
    }
    const [problem] = this.#reader.problems;
    if (problem === undefined) return value;
    throw new DecodeError(`${quote(text)}: ${problem.path}: ${problem.message}`);
  }
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new DecodeError(`${quote(text)} is not JSON`, { cause });
  }
}

function checkOutput(output: Output): Output {
  if (output.collectors?.length === 0) throw new DecodeError('an output has no collectors');
  return output;
}

const MAX_QUOTED_CHARACTERS = 80;

/** Damaged data in a message: escaped, and cut to a readable length. */
function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text;
}
