/** Puts a worker together by its settings. */
import path from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import { messageOf } from '../../../base/errors.ts';
import { EXTRA_COLUMNS } from '../../decode/columns/extra-columns.ts';
import { makeEnricher } from '../../enrich/make-enricher.ts';
import type { EnrichmentOptions } from '../../enrich/options.ts';
import { ROW_FORMATS } from '../../format/row-formats.ts';
import { vflowOptions } from '../../format/vflow/vflow-json.ts';
import type { Producer } from '../../model/producer.ts';
import { loadProducerKind } from '../../produce/kinds.ts';
import { TemplateStore } from '../../templates/template-store.ts';
import { BUILT_IN, VFLOW_FORMAT } from '../config/built-in.ts';
import type { TailedRecords } from '../tail/request.ts';
import type { WorkerRow } from '../worker-row.ts';
import { CrashFolder } from './crash-folder.ts';
import type { Decoding } from './decoding.ts';
import { FlowDecoding } from './flow-decoding.ts';
import { FlowPath } from './flow-path.ts';
import type { SentSettings, WorkerSetup } from './messages.ts';
import { RowWriting, type RowWritingOptions } from './row-writing.ts';
import { SeldomLog } from './seldom-log.ts';
import { TappedWriting } from './tapped-writing.ts';
import { VflowWriting } from './vflow-writing.ts';
import type { Writing } from './writing.ts';

/** Templates, sampling rates and names of all pipelines of the service. */
export const TEMPLATES_FILE = 'templates.db';

/** A worker's parts, made and not yet started. */
export interface Prepared {
  readonly decoding: Decoding;
  readonly producer: Producer;
  readonly maxDelayMs: number;
  /** Shows records to those who look. */
  readonly tapped: TappedWriting;
  /** Opens files, begins to connect. @throws Error when a file cannot be used */
  start(): Promise<void>;
}

export interface WorkerContext {
  readonly shard: number;
  readonly row: WorkerRow;
  readonly log: Logger;
  /** @param sent to be called when control has them */
  readonly showFlows: (found: TailedRecords, sent: () => void) => void;
}

/** Loads all code that the settings need, and makes the parts. */
export async function prepare(
  { settings, configFolder, dataFolder }: WorkerSetup,
  { shard, row, log, showFlows }: WorkerContext,
): Promise<Prepared> {
  const folder = path.join(dataFolder, settings.name);
  const producer = await makeProducer(settings, configFolder, { folder, shard, log });
  const seldom = new SeldomLog(log);
  const flowPath = new FlowPath(producer, seldom);
  const enrichment = BUILT_IN.enrich.parse(settings.enrich) as EnrichmentOptions;
  const enricher = makeEnricher(enrichment, { log, folder: configFolder });
  const counters = row.decodeCounters;
  const extras = EXTRA_COLUMNS.parse(settings.mapping ?? []);
  const { sampling } = settings;
  const written = makeWriting(settings, { counters, enricher, extras, path: flowPath });
  const writing = new TappedWriting(written, { extras, sampling, enricher, send: showFlows });
  const crashes = new CrashFolder(path.join(folder, 'failed-datagrams'), `shard-${shard}`);
  const decoding = new FlowDecoding({
    writing,
    enricher,
    path: flowPath,
    crashes,
    counters,
    openTemplates: () => openTemplates(path.join(dataFolder, TEMPLATES_FILE), log),
    seldom,
  });
  return {
    decoding,
    producer,
    maxDelayMs: settings.batch.max_delay,
    tapped: writing,
    start: async () => {
      await decoding.start();
      producer.start().catch((error: unknown) => {
        log.error({ error: messageOf(error) }, 'the producer could not be started');
      });
    },
  };
}

/** Without them datagrams are decoded as well: exporters send their templates again. */
function openTemplates(file: string, log: Logger): TemplateStore | undefined {
  try {
    return new TemplateStore({ path: file, log });
  } catch (error) {
    log.error({ error: messageOf(error) }, 'templates are not kept');
    return undefined;
  }
}

async function makeProducer(
  { name, producer }: SentSettings,
  configFolder: string,
  { folder, shard, log }: { folder: string; shard: number; log: Logger },
): Promise<Producer> {
  const kind = await loadProducerKind(producer.kind, configFolder);
  const spoolFolder = path.join(folder, `spool-${shard}`);
  return kind.create(kind.options.parse(producer.written), {
    log,
    pipeline: name,
    shard,
    spoolFolder,
  });
}

function makeWriting(
  settings: SentSettings,
  parts: Pick<RowWritingOptions, 'counters' | 'enricher' | 'extras' | 'path'>,
): Writing {
  const { kind, written } = settings.format;
  if (kind === VFLOW_FORMAT) {
    return new VflowWriting(vflowOptions.parse(written), parts.path);
  }
  const format = ROW_FORMATS.get(kind);
  if (format === undefined) throw new Error(`there is no format ${kind}`);
  const formatOptions = (BUILT_IN.formats.get(kind) as z.ZodType).parse(written);
  return new RowWriting({ ...parts, settings, format, formatOptions });
}
