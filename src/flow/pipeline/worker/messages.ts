/** What control and a worker tell each other. Datagrams and counters never pass here, records only for those who look. */
import type { ProducerStatus } from '../../model/producer.ts';
import type { TemplateAnswer, TemplateAsk } from '../../templates/ask.ts';
import type { PipelineSettings } from '../config/settings.ts';
import type { TailedRecords, TailRequest } from '../tail/request.ts';

/** Given as JSON in the first argument: nothing in it is secret. */
export interface WorkerArguments {
  readonly pipeline: string;
  /** Of the pipeline, as rings have it. */
  readonly index: number;
  readonly shard: number;
  /** Tells the pipeline from others that had its index. */
  readonly owner: number;
  /** Its row of counters. */
  readonly row: number;
  /** Whom to become; undefined = stay who we are. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** How many rings it inherits. */
  readonly rings: number;
}

/** What a worker does: a pipeline's settings as they can be sent, with secrets. */
export type SentSettings = Pick<PipelineSettings, 'name' | 'batch' | 'sampling' | 'sflow'> & {
  readonly format: { readonly kind: string; readonly written: unknown };
  readonly producer: { readonly kind: string; readonly written: unknown };
  readonly enrich: unknown;
  readonly mapping: unknown;
};

export interface WorkerSetup {
  readonly settings: SentSettings;
  /** What relative paths of the settings begin at. */
  readonly configFolder: string;
  /** Where the worker can keep files: templates, spools, datagrams for reports. */
  readonly dataFolder: string;
  readonly logLevel: string;
}

export type MessageToWorker =
  | { readonly kind: 'setup'; readonly setup: WorkerSetup }
  /** Takes datagrams from now on; also after a pause. */
  | { readonly kind: 'start' }
  /** Finishes the batch and takes no more until it is started again. */
  | { readonly kind: 'pause' }
  /** Shows records that pass to somebody who looks, until untap. */
  | { readonly kind: 'tap'; readonly request: TailRequest }
  | { readonly kind: 'untap'; readonly id: number }
  /** Asks for templates that are kept, or has some kept. */
  | { readonly kind: 'templates'; readonly id: number; readonly ask: TemplateAsk }
  /** Takes no more, delivers what it has as far as the time allows, ends. */
  | { readonly kind: 'stop'; readonly deadlineMs: number };

export type MessageFromWorker =
  /** It is set up. */
  | { readonly kind: 'ready' }
  /** It takes no datagrams at the moment. */
  | { readonly kind: 'paused' }
  /** It takes no more datagrams: another process may. */
  | { readonly kind: 'left' }
  /** How its producer is, when that has changed. */
  | { readonly kind: 'producer'; readonly status: ProducerStatus }
  /** Records for somebody who looks. */
  | { readonly kind: 'flows'; readonly found: TailedRecords }
  /** What became of an ask of that id. */
  | { readonly kind: 'templates'; readonly id: number; readonly answer: TemplateAnswer }
  /** A line of its log, as pino writes it. */
  | { readonly kind: 'log'; readonly line: string };

/** Settings without what only control needs. */
export function toSent(settings: PipelineSettings): SentSettings {
  const { name, batch, sampling, sflow, format, producer, enrich, mapping } = settings;
  return {
    name,
    batch,
    sampling,
    sflow,
    format: { kind: format.kind, written: format.written },
    producer: { kind: producer.kind, written: producer.written },
    enrich: enrich.written,
    mapping: mapping?.written,
  };
}
