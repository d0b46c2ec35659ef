/** Reads pipelines documents: YAML that says what becomes of decoded flow. */
import { z } from 'zod';
import { messageOf } from '../../../base/errors.ts';
import { type NodeAddress, parseNodeAddress } from '../../../config/node-address.ts';
import {
  formatSocketAddress,
  parseListenAddress,
  type SocketAddress,
} from '../../../config/socket-address.ts';
import { type Path, YamlDocument } from './document.ts';
import { problemsOf, unknownName } from './explain.ts';
import type { Kinds } from './kinds.ts';
import { formatPath, PipelinesError, type PipelinesProblem } from './problem.ts';
import { DOCUMENT, PIPELINE } from './schema.ts';
import type { Chosen, PipelineSettings, PipelinesConfig, Written } from './settings.ts';
import { type SecretSource, substitute } from './substitute.ts';

export interface ReadOptions {
  /** As messages name the document. */
  readonly file: string;
  readonly kinds: Kinds;
  readonly secrets: SecretSource;
}

/** @throws PipelinesError with all problems at once, each with its line and column */
export function readPipelines(text: string, options: ReadOptions): PipelinesConfig {
  return new Reader(text, options).read();
}

type Shape = Readonly<Record<string, z.ZodType>>;
/** Values where there was no problem. */
type Fields<S extends Shape> = { readonly [K in keyof S]?: z.infer<S[K]> };
type Formats = ReadonlyMap<string, Chosen | undefined>;

class Reader {
  readonly #options: ReadOptions;
  readonly #document: YamlDocument;
  readonly #problems: PipelinesProblem[];

  constructor(text: string, options: ReadOptions) {
    this.#options = options;
    this.#document = new YamlDocument(text);
    this.#problems = [...this.#document.problems];
  }

  read(): PipelinesConfig {
    this.#throwProblems();
    const tell = (path: Path, message: string) => this.#tell(path, message);
    const { secrets } = this.#options;
    const written = substitute(this.#document.value ?? {}, [], { secrets, tell });
    const values = this.#fields(DOCUMENT, written, []);
    const formats = Object.entries(values.formats ?? {}).map(
      ([name, format]) => [name, this.#format(format, ['formats', name])] as const,
    );
    const named = new Map(formats);
    const pipelines = (values.pipelines ?? []).map((pipeline, i) =>
      this.#pipeline(pipeline, ['pipelines', i], named),
    );
    this.#checkNames(pipelines.map(({ name }) => name));
    this.#checkListeners(values.listen ?? []);
    const peers = values.templates?.peers ?? [];
    this.#checkPeers(peers);
    this.#throwProblems();
    // Whatever is missing has thrown.
    return {
      listen: values.listen?.map((text) => parseListenAddress(text) as SocketAddress),
      pipelines: pipelines as PipelineSettings[],
      templatePeers: peers.map((text) => (parseNodeAddress(text) as NodeAddress).target),
    };
  }

  #pipeline(written: unknown, path: Path, formats: Formats): Partial<PipelineSettings> {
    const { kinds } = this.#options;
    const values = this.#fields(PIPELINE, written, path);
    const { name, workers, batch, sflow, sampling = {} } = values;
    const format = this.#formatOrName(values.format, [...path, 'format'], formats);
    const producer = this.#producer(values.producer, [...path, 'producer']);
    const enrich = this.#written(values.enrich ?? {}, kinds.enrich, [...path, 'enrich']);
    const mapping =
      values.mapping === undefined
        ? undefined
        : this.#written(values.mapping, kinds.mapping, [...path, 'mapping']);
    this.#checkCarries(producer, format, [...path, 'format']);
    this.#checkMade(format, mapping, [...path, 'format']);
    if (sflow?.counters) this.#checkCounters(format, [...path, 'sflow', 'counters']);
    return {
      ...(name === undefined ? {} : { name }),
      ...(workers === undefined ? {} : { workers }),
      ...(batch === undefined ? {} : { batch }),
      ...(sflow === undefined ? {} : { sflow }),
      ...(format === undefined ? {} : { format }),
      ...(producer === undefined ? {} : { producer }),
      sampling: Object.entries(sampling).map(([prefix, rate]) => ({ prefix, rate })),
      ...(enrich === undefined ? {} : { enrich }),
      mapping,
    };
  }

  /** What options say can depend on the columns that the pipeline has. */
  #checkMade(format: Chosen | undefined, mapping: Written | undefined, path: Path): void {
    if (format === undefined) return;
    try {
      this.#options.kinds.tryFormat(format.kind, format.options, mapping?.options ?? []);
    } catch (error) {
      this.#tell(path, messageOf(error));
    }
  }

  #checkCounters(format: Chosen | undefined, path: Path): void {
    if (format === undefined || format.kind === 'json') return;
    this.#tell(path, 'needs format json: other formats have flow alone, and vflow always has them');
  }

  #formatOrName(
    format: string | { readonly kind: string } | undefined,
    path: Path,
    named: Formats,
  ): Chosen | undefined {
    if (format === undefined) return undefined;
    if (typeof format !== 'string') return this.#format(format, path);
    if (named.has(format)) return named.get(format);
    const { formats } = this.#options.kinds;
    if (formats.has(format)) return this.#format({ kind: format }, path);
    this.#tell(path, unknownName('format', format, [...named.keys(), ...formats.keys()]));
    return undefined;
  }

  #format(written: { readonly kind: string }, path: Path): Chosen | undefined {
    const { formats } = this.#options.kinds;
    const schema = formats.get(written.kind);
    if (schema !== undefined) return this.#chosen(written, schema, path);
    this.#tell([...path, 'kind'], unknownName('format', written.kind, [...formats.keys()]));
    return undefined;
  }

  #producer(written: { readonly kind: string } | undefined, path: Path): Chosen | undefined {
    if (written === undefined) return undefined;
    const { producers } = this.#options.kinds;
    const kind = producers.get(written.kind);
    if (kind !== undefined) return this.#chosen(written, kind.options, path);
    const known = [...producers.keys()];
    this.#tell([...path, 'kind'], unknownName('kind of producer', written.kind, known));
    return undefined;
  }

  #chosen(all: { readonly kind: string }, schema: z.ZodType, path: Path): Chosen | undefined {
    const { kind, ...written } = all;
    const chosen = this.#written(written, schema, path);
    return chosen === undefined ? undefined : { kind, ...chosen };
  }

  #written(written: unknown, schema: z.ZodType, path: Path): Written | undefined {
    const problems = this.#problems.length;
    const options = this.#parse(schema, written, path);
    return this.#problems.length > problems ? undefined : { options, written };
  }

  #checkCarries(producer: Chosen | undefined, format: Chosen | undefined, path: Path): void {
    if (producer === undefined || format === undefined) return;
    const { formats } = this.#options.kinds.producers.get(producer.kind) ?? {};
    if (formats === undefined || formats.includes(format.kind)) return;
    const carried = formats.join(', ');
    this.#tell(path, `a ${producer.kind} producer carries ${carried} only, not ${format.kind}`);
  }

  #checkNames(names: readonly (string | undefined)[]): void {
    for (const i of repeated(names)) {
      const path = ['pipelines', i, 'name'];
      this.#tell(path, `there is a pipeline ${names[i]} already: give each a name of its own`);
    }
  }

  #checkListeners(listen: readonly string[]): void {
    const addresses = listen.map((text) => {
      const address = parseListenAddress(text);
      return address === undefined ? undefined : formatSocketAddress(address);
    });
    for (const i of repeated(addresses)) {
      this.#tell(['listen', i], `${addresses[i]} is there already: leave one of them`);
    }
  }

  #checkPeers(peers: readonly string[]): void {
    const targets = peers.map((text) => parseNodeAddress(text)?.target);
    for (const i of repeated(targets)) {
      this.#tell(['templates', 'peers', i], `${targets[i]} is there already: leave one of them`);
    }
  }

  /** Parses each key by itself, so that what is wrong with one does not hide what is wrong with others. */
  #fields<S extends Shape>(shape: S, value: unknown, path: Path): Fields<S> {
    const keys = Object.keys(shape).map((key) => [key, z.unknown().optional()]);
    const known = z.strictObject(Object.fromEntries(keys) as Record<string, z.ZodType>);
    this.#parse(known, value, path);
    const given = z.looseObject({}).safeParse(value).data;
    if (given === undefined) return {};
    const fields = Object.entries(shape).map(([key, schema]) => {
      return [key, this.#parse(schema, given[key], [...path, key])] as const;
    });
    return Object.fromEntries(fields) as Fields<S>;
  }

  #parse<T>(schema: z.ZodType<T>, value: unknown, path: Path): T | undefined {
    const { success, data, error } = schema.safeParse(value, { reportInput: true });
    if (success) return data;
    this.#problems.push(...problemsOf(error, schema, path, this.#document));
    return undefined;
  }

  #tell(path: Path, message: string): void {
    const place = this.#document.placeOfValue(path);
    this.#problems.push({ ...place, path: formatPath(path), message });
  }

  #throwProblems(): void {
    if (this.#problems.length > 0) throw new PipelinesError(this.#options.file, this.#problems);
  }
}

/** Indexes of what was there before. */
function repeated(values: readonly (string | undefined)[]): number[] {
  return values.flatMap((value, i) =>
    value !== undefined && values.indexOf(value) < i ? [i] : [],
  );
}
