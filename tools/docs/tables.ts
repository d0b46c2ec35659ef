/** Tables of documents that follow from the code: columns, counters, options of producers, metrics. */
import { z } from 'zod';
import { snakeCase } from '../../src/base/text.ts';
import { DECODE_COUNTERS } from '../../src/flow/decode/counters.ts';
import { COLUMNS } from '../../src/flow/model/columns.ts';
import {
  DEATH_COUNTERS,
  ENRICH_COUNTERS,
  PRODUCER_COUNTERS,
  RING_COUNTERS,
  WORKER_COUNTERS,
} from '../../src/flow/pipeline/counters.ts';
import { loadProducerKind, PRODUCER_KINDS } from '../../src/flow/produce/kinds.ts';
import { commonOptions } from '../../src/flow/produce/options.ts';
import { metricsTables } from './metrics.ts';
import { code, table } from './table.ts';

interface CounterRow {
  readonly meaning: string;
  readonly loss?: true;
}

/** Of an option, as JSON Schema has it. */
interface OptionSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, OptionSchema>>;
}

const COUNTERS: Readonly<Record<string, Readonly<Record<string, CounterRow>>>> = {
  ring: RING_COUNTERS,
  worker: WORKER_COUNTERS,
  producer: PRODUCER_COUNTERS,
  enrich: ENRICH_COUNTERS,
  deaths: DEATH_COUNTERS,
};

/** Replaces what stands between `<!-- NAME -->` and `<!-- end -->` in a document. */
export function withTables(document: string): string {
  return document.replace(
    /(<!-- (\w+) -->\n).*?(<!-- end -->)/gs,
    (_, begin: string, name: string, end: string) => `${begin}${tableNamed(name)}\n${end}`,
  );
}

function tableNamed(name: string): string {
  if (name === 'columns') return table(['column', 'meaning'], columnRows());
  if (name === 'counters') {
    return table(['group', 'counter', 'what it counts', 'loss'], counterRows());
  }
  if (name === 'producers') return producerTables();
  if (name === 'metrics') return metricsTables();
  throw new Error(`there is no table ${name}`);
}

function columnRows(): string[][] {
  return COLUMNS.map(({ key, meaning }) => [code(snakeCase(key)), meaning]);
}

function counterRows(): string[][] {
  const row = (group: string, key: string, { meaning, loss }: CounterRow) => {
    return [code(group), code(snakeCase(key)), meaning, loss === true ? 'yes' : ''];
  };
  const rows = Object.entries(COUNTERS).flatMap(([group, catalogue]) =>
    Object.entries(catalogue).map(([key, counter]) => row(group, key, counter)),
  );
  // Those of protocols are the same for each.
  const decode = new Map(DECODE_COUNTERS.map((counter) => [counter.key, counter]));
  return [...rows, ...[...decode].map(([key, counter]) => row('decode', key, counter))];
}

const PRODUCERS = await Promise.all(PRODUCER_KINDS.map((name) => loadProducerKind(name, '/')));

function producerTables(): string {
  const kinds = PRODUCERS.map(({ name, options }) => {
    const own = optionsOf(options).filter(({ name: option }) => {
      return !Object.hasOwn(commonOptions, option.split('.', 1)[0] ?? '');
    });
    return `\n#### ${name}\n${optionTable(own)}`;
  });
  return [
    `#### All kinds\n${optionTable(optionsOf(z.strictObject(commonOptions)))}`,
    ...kinds,
  ].join('\n');
}

interface Option {
  readonly name: string;
  readonly meaning: string;
  readonly preset: string;
}

function optionTable(options: readonly Option[]): string {
  if (options.length === 0) return 'No other options.';
  return table(
    ['option', 'meaning', 'default'],
    options.map(({ name, meaning, preset }) => [code(name), meaning, preset]),
  );
}

/** Those within others as `spool.max_bytes`. */
function optionsOf(schema: z.ZodType): Option[] {
  const written = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  return flatten('', written as OptionSchema);
}

function flatten(prefix: string, { properties = {} }: OptionSchema): Option[] {
  return Object.entries(properties).flatMap(([key, option]) => {
    const name = prefix + key;
    const { description = '', default: preset } = option;
    const text = preset === undefined || isObject(preset) ? '' : printed(preset);
    return [{ name, meaning: description, preset: text }, ...flatten(`${name}.`, option)];
  });
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function printed(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}
