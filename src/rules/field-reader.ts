/** Reads fields of messages that several messages have. Problems are told with the path of the field. */
import { formatDuration, parseDuration } from '../base/duration.ts';
import type { Problem } from '../base/errors.ts';
import { PIPELINE_NAME } from '../model/rules.ts';

/** What can be there or not. */
type Given<T> = T | null | undefined;

/** Bounds of a number, both of them allowed. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Longest description, in octets of UTF-8 (spec V15). */
export const MAX_DESCRIPTION_OCTETS = 256;

const CONTROL = /\p{Cc}|\u2028|\u2029/u;

/** Reads the fields of one message. */
export class FieldReader {
  readonly path: string;
  readonly problems: Problem[];

  /** @param path of the message */
  constructor(path: string, problems: Problem[]) {
    this.path = path;
    this.problems = problems;
  }

  problem(field: string, message: string): void {
    this.problems.push({ path: `${this.path}.${field}`, message });
  }

  /** @param none what says the same as no value */
  number(field: string, value: Given<number>, { min, max }: Bounds, none?: number) {
    if (value === undefined || value === null || value === none) return undefined;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    this.problem(field, `${value} is not within ${min} to ${max}`);
    return undefined;
  }

  /** @param none what says the same as no value */
  choice<T extends string, N extends T>(
    field: string,
    value: Given<string>,
    choices: readonly T[],
    none?: N,
  ): Exclude<T, N> | undefined {
    if (value === undefined || value === null || value === none) return undefined;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.problem(field, `${value} is none of ${choices.join(', ')}`);
    return chosen as Exclude<T, N> | undefined;
  }

  /** @returns milliseconds */
  duration(field: string, text: Given<string>, { min, max }: Bounds): number | undefined {
    if (text === undefined || text === null) return undefined;
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= min && ms <= max) return ms;
    const allowed = `a duration from ${formatDuration(min)} to ${formatDuration(max)}`;
    this.problem(field, `${JSON.stringify(text)} is not ${allowed}, such as 90s or 5m`);
    return undefined;
  }

  /** Free text of one line. */
  description(text: Given<string>): string | undefined {
    if (text === undefined || text === null || text === '') return undefined;
    if (CONTROL.test(text)) this.problem('description', 'must be one line of text');
    const octets = Buffer.byteLength(text);
    if (octets > MAX_DESCRIPTION_OCTETS) {
      const limit = `the limit is ${MAX_DESCRIPTION_OCTETS}`;
      this.problem('description', `${octets} bytes of UTF-8, ${limit}`);
    }
    return text;
  }

  /** @param what has the name */
  name(field: string, what: string, name: Given<string>): string | undefined {
    if (name === undefined || name === null) return undefined;
    if (!PIPELINE_NAME.test(name)) {
      const allowed = '1 to 63 of a-z, 0-9, _ and -, the first a letter or digit';
      this.problem(field, `${JSON.stringify(name)} is no name of ${what}: ${allowed}`);
    }
    return name;
  }
}
