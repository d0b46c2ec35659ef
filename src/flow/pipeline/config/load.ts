/** Pipelines documents with all kinds that they name: built in, or plug-ins. */
import { z } from 'zod';
import { messageOf } from '../../../base/errors.ts';
import type { ProducerKind } from '../../model/producer.ts';
import { loadProducerKind } from '../../produce/kinds.ts';
import { BUILT_IN } from './built-in.ts';
import { YamlDocument } from './document.ts';
import { PipelinesError, type PipelinesProblem } from './problem.ts';
import { readPipelines } from './read.ts';
import type { PipelinesConfig } from './settings.ts';
import type { SecretSource } from './substitute.ts';

export interface LoadOptions {
  /** As messages name the document. */
  readonly file: string;
  /** What relative paths in it begin at. */
  readonly folder: string;
  readonly secrets: SecretSource;
  /** Whether it may name plug-ins, whose code the service runs. */
  readonly plugIns: boolean;
}

/**
 * Reads a document. Loads the plug-ins that it names: their code is run.
 *
 * @throws PipelinesError with all problems at once, each with its line and column
 */
export async function loadPipelines(text: string, options: LoadOptions): Promise<PipelinesConfig> {
  const { file, secrets } = options;
  const { producers, problems } = await loadProducers(new YamlDocument(text), options);
  const kinds = { ...BUILT_IN, producers };
  try {
    const config = readPipelines(text, { file, kinds, secrets });
    if (problems.length > 0) throw new PipelinesError(file, problems);
    return config;
  } catch (error) {
    if (!(error instanceof PipelinesError)) throw error;
    const places = new Set(problems.map(placeOf));
    const others = error.problems.filter((problem) => !places.has(placeOf(problem)));
    throw new PipelinesError(file, [...others, ...problems]);
  }
}

interface LoadedProducers {
  readonly producers: ReadonlyMap<string, ProducerKind<unknown>>;
  readonly problems: readonly PipelinesProblem[];
}

const namesOfKinds = z.looseObject({ pipelines: z.array(z.unknown()) });
const nameOfKind = z.looseObject({ producer: z.looseObject({ kind: z.string() }) });

async function loadProducers(
  document: YamlDocument,
  options: LoadOptions,
): Promise<LoadedProducers> {
  const producers = new Map<string, ProducerKind<unknown>>();
  const problems: PipelinesProblem[] = [];
  const { pipelines = [] } = namesOfKinds.safeParse(document.value).data ?? {};
  for (const [i, pipeline] of pipelines.entries()) {
    const kind = nameOfKind.safeParse(pipeline).data?.producer.kind;
    if (kind === undefined || producers.has(kind)) continue;
    const path = ['pipelines', i, 'producer', 'kind'];
    const problem = { ...document.placeOfValue(path), path: `pipelines[${i}].producer.kind` };
    try {
      producers.set(kind, await loadProducer(kind, options));
    } catch (error) {
      problems.push({ ...problem, message: messageOf(error) });
    }
  }
  return { producers, problems };
}

function loadProducer(
  kind: string,
  { folder, plugIns }: LoadOptions,
): Promise<ProducerKind<unknown>> {
  if (plugIns || !kind.includes('.')) return loadProducerKind(kind, folder);
  throw new Error('plug-ins are for files on the machine of the service: their code is run');
}

function placeOf({ line, column }: PipelinesProblem): string {
  return `${line}:${column}`;
}
