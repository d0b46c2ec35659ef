/** The user's own names of exporters and interfaces, from a YAML or CSV file. */
import { parse } from 'yaml';
import { z } from 'zod';
import { FloxyError, messageOf } from '../../base/errors.ts';
import { AddressTable } from './address-table.ts';
import { parseWords } from './address-words.ts';
import { type CsvRow, parseCsv } from './csv.ts';
import { type Exporter, InterfaceLabel } from './exporter-names.ts';
import { Label } from './label.ts';
import type { NameOptions } from './options.ts';

export type FileNames = AddressTable<Exporter>;

const MAX_INDEX = 2 ** 32 - 1;
const CSV_HEAD = ['exporter', 'interface', 'name', 'description'];

const text = z.string().max(255);

const interfaceNames = z.union([
  text,
  z.strictObject({ name: text.default(''), description: text.default('') }),
]);

const index = z.string().regex(/^\d{1,10}$/, 'must be the index of an interface, a whole number');

const yamlFile = z.record(
  z.string().refine((address) => parseWords(address) !== undefined, 'must be an address'),
  z.strictObject({
    name: text.default(''),
    interfaces: z.record(index, interfaceNames).default({}),
  }),
);

/** A file without anything in it. */
export function noNames(): FileNames {
  return new AddressTable(Number.POSITIVE_INFINITY);
}

/**
 * Reads names. YAML:
 *
 * ```yaml
 * 192.0.2.1:
 *   name: edge1
 *   interfaces:
 *     1: xe-0/0/0
 *     2: {name: xe-0/0/1, description: transit}
 * ```
 *
 * CSV (a file whose name ends in .csv), where a row without interface names the exporter:
 * `exporter,interface,name,description`.
 *
 * @throws FloxyError INVALID_INPUT with file and place
 */
export function readNames(file: string, bytes: Buffer, show: NameOptions['show']): FileNames {
  const names = new NameCollector(show);
  const content = bytes.toString('utf8');
  if (file.endsWith('.csv')) readCsv(file, content, names);
  else readYaml(file, content, names);
  return names.found;
}

class NameCollector {
  readonly found: FileNames = noNames();
  readonly #show: NameOptions['show'];

  constructor(show: NameOptions['show']) {
    this.#show = show;
  }

  nameExporter(address: Uint32Array, name: string): void {
    this.#exporter(address).label.text = name;
  }

  nameInterface(address: Uint32Array, at: number, name: string, description: string): void {
    const chosen = this.#show === 'name' ? name || description : description || name;
    this.#exporter(address).interfaces.set(at, new InterfaceLabel(chosen));
  }

  #exporter(address: Uint32Array): Exporter {
    const known = this.found.get(address);
    if (known !== undefined) return known;
    const made = { label: new Label(), interfaces: new Map() };
    this.found.add(address, 0, made);
    return made;
  }
}

function readYaml(file: string, content: string, names: NameCollector): void {
  const parsed = yamlFile.safeParse(parseYaml(file, content) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = issue?.code === 'invalid_key' ? issue.issues[0] : issue;
    throw wrong(file, issue?.path.join(' → ') ?? '', reason?.message ?? '');
  }
  for (const [address, { name, interfaces }] of Object.entries(parsed.data)) {
    const words = parseWords(address) as Uint32Array;
    if (name !== '') names.nameExporter(words, name);
    for (const [key, value] of Object.entries(interfaces)) {
      const { name: own, description } =
        typeof value === 'string' ? { name: value, description: '' } : value;
      names.nameInterface(words, Number(key), own, description);
    }
  }
}

function parseYaml(file: string, content: string): unknown {
  try {
    return parse(content, { maxAliasCount: 0 });
  } catch (error) {
    throw new FloxyError('INVALID_INPUT', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

function readCsv(file: string, content: string, names: NameCollector): void {
  for (const { line, cells } of rowsOf(file, content)) {
    const [address = '', interfaceText = '', name = '', description = ''] = cells;
    if (line === 1 && address === CSV_HEAD[0]) continue;
    const place = `line ${line}`;
    if (cells.length > CSV_HEAD.length) {
      throw wrong(file, place, `has ${cells.length} cells, not ${CSV_HEAD.join(',')}`);
    }
    const words = parseWords(address);
    if (words === undefined) throw wrong(file, place, `${JSON.stringify(address)} is no address`);
    if (interfaceText === '') names.nameExporter(words, name);
    else if (/^\d{1,10}$/.test(interfaceText) && Number(interfaceText) <= MAX_INDEX) {
      names.nameInterface(words, Number(interfaceText), name, description);
    } else {
      throw wrong(file, place, `${JSON.stringify(interfaceText)} is no index of an interface`);
    }
  }
}

function* rowsOf(file: string, content: string): Generator<CsvRow> {
  try {
    yield* parseCsv(content);
  } catch (error) {
    throw new FloxyError('INVALID_INPUT', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

function wrong(file: string, place: string, message: string): FloxyError {
  return new FloxyError('INVALID_INPUT', `${file}: ${place}: ${message}`);
}
