import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { FloxyError, messageOf } from '../../base/errors.ts';
import type { ProducerKind } from '../model/producer.ts';
import { TOOLKIT } from './toolkit.ts';

/**
 * The kinds of producers that are built in, by name. Their code is loaded when one is wanted: clients of brokers take
 * more memory than all the rest of the service.
 */
const BUILT_IN: Readonly<Record<string, () => Promise<AnyKind>>> = {
  stdout: async () => (await import('./stdout.ts')).stdoutKind,
  file: async () => (await import('./file.ts')).fileKind,
  socket: async () => (await import('./socket.ts')).socketKind,
  kafka: async () => (await import('./kafka.ts')).kafkaKind,
  nats: async () => (await import('./nats.ts')).natsKind,
  nsq: async () => (await import('./nsq.ts')).nsqKind,
  clickhouse: async () => (await import('./clickhouse.ts')).clickhouseKind,
};

// biome-ignore lint/suspicious/noExplicitAny: kinds with options of all types.
type AnyKind = ProducerKind<any>;

/** Names of the kinds that are built in. */
export const PRODUCER_KINDS: readonly string[] = Object.keys(BUILT_IN);

const kindShape = z.looseObject({
  name: z.string({ error: 'must be a text' }).min(1, { error: 'must not be empty' }),
  options: z.custom(isSchema, {
    error: 'must be a zod schema of the options',
  }),
  formats: z.array(z.string(), { error: 'must be a list of names' }).optional(),
  create: z.custom((create) => typeof create === 'function', { error: 'must be a function' }),
});

/**
 * A kind of producers: one that is built in, by name, or a plug-in, by the path of its file.
 *
 * @param kind a name, or a path that ends in .mjs, .js or .ts: an ES module whose default export is a ProducerKind, or a
 *   function that gets the toolkit and returns one
 * @param folder what relative paths begin at: that of the configuration
 * @throws FloxyError INVALID_INPUT
 */
export async function loadProducerKind(
  kind: string,
  folder: string,
): Promise<ProducerKind<unknown>> {
  if (Object.hasOwn(BUILT_IN, kind)) return (await BUILT_IN[kind]?.()) as ProducerKind<unknown>;
  if (!/\.(mjs|js|ts)$/.test(kind)) {
    throw new FloxyError(
      'INVALID_INPUT',
      `there is no kind of producers named ${JSON.stringify(kind)}: it must be ${PRODUCER_KINDS.join(', ')}, ` +
        'or the path of a plug-in, such as ./my-producer.mjs',
    );
  }
  return loadPlugIn(path.resolve(folder, kind));
}

async function loadPlugIn(file: string): Promise<ProducerKind<unknown>> {
  let exported: unknown;
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(file).href);
    exported = module['default'];
    if (typeof exported === 'function') exported = exported(TOOLKIT);
  } catch (error) {
    throw new FloxyError(
      'INVALID_INPUT',
      `the plug-in ${file} cannot be loaded: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  if (exported === undefined) {
    throw new FloxyError(
      'INVALID_INPUT',
      `the plug-in ${file} has no default export: it must be a ProducerKind`,
    );
  }
  const checked = kindShape.safeParse(exported);
  if (checked.success) return exported as ProducerKind<unknown>;
  const problems = checked.error.issues.map(
    ({ path: place, message }) =>
      `${place.length > 0 ? `its ${place.join('.')} ` : 'it '}${message}`,
  );
  throw new FloxyError(
    'INVALID_INPUT',
    `the default export of the plug-in ${file} is no ProducerKind: ${problems.join('; ')}`,
  );
}

/** A plug-in may bring a zod of its own. */
function isSchema(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'safeParse' in value &&
    typeof value.safeParse === 'function'
  );
}
