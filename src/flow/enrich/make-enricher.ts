import path from 'node:path';
import type { FlowBatch } from '../model/flow-batch.ts';
import type { NameListener } from '../model/name-listener.ts';
import type { EnrichCounters, Enricher, EnricherContext } from './enricher.ts';
import { estimateCounts } from './estimate.ts';
import { ExporterNames } from './exporter-names.ts';
import { NameColumns } from './name-columns.ts';
import { type FileNames, noNames, readNames } from './names-file.ts';
import { NetworkColumns } from './network-columns.ts';
import { type Networks, readNetworks } from './network-file.ts';
import type { EnrichmentOptions } from './options.ts';
import { SnmpPoller } from './snmp-poller.ts';
import { WatchedFile } from './watched-file.ts';

const MIB = 1024 * 1024;
const MAX_NAMES_BYTES = 64 * MIB;
const MAX_NETWORKS_BYTES = 1024 * MIB;

/** Makes an enricher, which does nothing before it is started. */
export function makeEnricher(options: EnrichmentOptions, context: EnricherContext): Enricher {
  return new OptionalEnricher(options, context);
}

class OptionalEnricher implements Enricher {
  readonly counters: EnrichCounters = {
    exporters: 0,
    interfaces: 0,
    namesRefused: 0,
    snmpRequests: 0,
    snmpFailures: 0,
    filesReloaded: 0,
    fileFailures: 0,
  };
  readonly names: NameListener;
  readonly #options: EnrichmentOptions;
  readonly #context: EnricherContext;
  readonly #learnt: ExporterNames;
  readonly #poller: SnmpPoller | undefined;
  readonly #ask: SnmpPoller['want'] | undefined;
  readonly #nameColumns = new NameColumns();
  readonly #networkColumns: NetworkColumns | undefined;
  readonly #files: WatchedFile<unknown>[] = [];
  #fileNames: FileNames = noNames();
  readonly #networks: Networks[] = [];

  constructor(options: EnrichmentOptions, context: EnricherContext) {
    this.#options = options;
    this.#context = context;
    const { counters } = this;
    const { names, networks } = options;
    this.#learnt = new ExporterNames(names.show, counters);
    if (names.snmp !== undefined) {
      const poller = new SnmpPoller({
        options: names.snmp,
        names: this.#learnt,
        counters,
        log: context.log,
      });
      this.#poller = poller;
      this.#ask = (exporter, at, index) => poller.want(exporter, at, index);
    }
    if (networks !== undefined) this.#networkColumns = new NetworkColumns(networks);
    this.names = { interfaceNamed: (...told) => this.#interfaceNamed(...told) };
  }

  async start(): Promise<void> {
    const { names, networks } = this.#options;
    const { file } = names;
    if (file !== undefined) {
      this.#watch(file, MAX_NAMES_BYTES, {
        read: (bytes, at) => readNames(at, bytes, names.show),
        onRead: (found) => {
          this.#fileNames = found;
        },
      });
    }
    for (const [i, networkFile] of (networks?.files ?? []).entries()) {
      this.#watch(networkFile, MAX_NETWORKS_BYTES, {
        read: readNetworks,
        onRead: (found) => {
          this.#networks[i] = found;
        },
      });
    }
    await Promise.all(this.#files.map((watched) => watched.start()));
    this.#poller?.start();
  }

  enrich(batch: FlowBatch): void {
    if (this.#options.estimate) estimateCounts(batch);
    const sources = { file: this.#fileNames, learnt: this.#learnt, ask: this.#ask };
    const hasNames = sources.file.size > 0 || this.counters.exporters > 0;
    if (hasNames || sources.ask !== undefined) this.#nameColumns.fill(batch, sources);
    this.#networkColumns?.fill(batch, this.#networks);
  }

  stop(): void {
    for (const file of this.#files) file.stop();
    this.#poller?.stop();
  }

  #interfaceNamed(exporter: Uint32Array, index: number, name: string, description: string): void {
    if (!this.#options.names.options) return;
    const told = { source: 'options', name, description } as const;
    this.#learnt.nameInterface(exporter, 0, index, told);
  }

  #watch<T>(
    file: string,
    maxBytes: number,
    use: { read(bytes: Buffer, at: string): T | Promise<T>; onRead(value: T): void },
  ): void {
    const at = path.resolve(this.#context.folder, file);
    const watched = new WatchedFile<T>({
      path: at,
      maxBytes,
      read: (bytes) => use.read(bytes, at),
      onRead: (value, isFirst) => {
        use.onRead(value);
        if (!isFirst) this.counters.filesReloaded++;
      },
      onFailure: () => {
        this.counters.fileFailures++;
      },
      log: this.#context.log,
    });
    this.#files.push(watched);
  }
}
