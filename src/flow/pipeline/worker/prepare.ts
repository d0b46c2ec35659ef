/** Puts a worker together by its settings. */
import path from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { messageOf } from '../../../base/errors.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import type { Producer } from '../../model/producer.ts';
import { loadProducerKind } from '../../produce/kinds.ts';
import { BUILT_IN } from '../config/built-in.ts';
import type { WorkerRow } from '../worker-row.ts';
import { CrashFolder } from './crash-folder.ts';
import type { Decoding } from './decoding.ts';
import type { WorkerSetup } from './messages.ts';
import { RowDecoding } from './row-decoding.ts';
import { SeldomLog } from './seldom-log.ts';

/** A worker's parts, made and not yet started. */
export interface Prepared {
  readonly decoding: Decoding;
  readonly producer: Producer;
  readonly maxDelayMs: number;
  /** Opens files, begins to connect. */
  start(): Promise<void>;
}

/** Loads all code that the settings need, and makes the parts. */
export async function prepare(
  { settings, configFolder, dataFolder }: WorkerSetup,
  shard: number,
  row: WorkerRow,
  log: Logger,
): Promise<Prepared> {
  const { name, producer: chosen } = settings;
  const kind = await loadProducerKind(chosen.kind, configFolder);
  const folder = path.join(dataFolder, name);
  const producer = kind.create(read(kind.options, chosen.written), {
    log,
    pipeline: name,
    shard,
    spoolFolder: path.join(folder, `spool-${shard}`),
  });
  const seldom = new SeldomLog(log);
  const decoding = new RowDecoding({
    settings,
    enrichment: read(BUILT_IN.enrich, settings.enrich) as EnrichmentOptions,
    formatOptions: read(formatOf(settings.format.kind), settings.format.written),
    producer,
    crashes: new CrashFolder(path.join(folder, 'failed-datagrams'), `shard-${shard}`),
    counters: row.decodeCounters,
    seldom,
  });
  return {
    decoding,
    producer,
    maxDelayMs: settings.batch.max_delay,
    start: async () => {
      await decoding.start();
      producer.start().catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'the producer could not be started');
      });
    },
  };
}

function formatOf(kind: string): z.ZodType {
  const schema = BUILT_IN.formats.get(kind);
  if (schema === undefined) throw new Error(`there is no format ${kind}`);
  return schema;
}

/** Control has read the same before; only a file that it names may be another by now. */
function read<T>(schema: z.ZodType<T>, written: unknown): T {
  return schema.parse(written);
}
