/** Pipelines on a ring of their own: datagrams go in, what their producers got comes out. No network, no root. */
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { loadPipelines } from '../../../src/flow/pipeline/config/load.ts';
import { localSecrets } from '../../../src/flow/pipeline/config/secrets.ts';
import type { PipelineStats } from '../../../src/flow/pipeline/stats.ts';
import { PipelineSupervisor } from '../../../src/flow/pipeline/supervisor/supervisor.ts';
import {
  createReaderStates,
  createRing,
  mapAll,
  readOnly,
} from '../../../src/native/ring-memory.ts';
import { RingWriter } from '../../../src/native/ring-writer.ts';
import { numberedSflow } from './numbered-sflow.ts';

const RING_BYTES = 16 * 1024 * 1024;
const PLUG_IN = path.join(import.meta.dirname, 'recording-producer.mjs');

/** What was sent, and came back, as a record: from whom, and the how-manieth of them. */
export interface Identity {
  readonly exporter: number;
  readonly number: number;
}

interface Ring {
  readonly ring: number;
  readonly states: number;
  readonly writer: RingWriter;
}

export class PipelineLab {
  readonly folder: string;
  readonly supervisor: PipelineSupervisor;
  /** Lines that were logged, as pino writes them. */
  readonly log: string[] = [];
  readonly #rings: readonly Ring[];
  readonly #indexes = new Map<string, number>();
  readonly #sent = new Map<number, number>();

  constructor({ rings = 1, cores = 4 } = {}) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'floxy-pipelines-'));
    this.#rings = Array.from({ length: rings }, (_, i) => {
      const ring = createRing(`test-ring-${i}`, RING_BYTES);
      const writer = new RingWriter(mapAll(ring, true));
      return { ring, states: createReaderStates(`test-readers-${i}`), writer };
    });
    this.supervisor = new PipelineSupervisor({
      log: pino({ level: 'debug', base: null }, { write: (line: string) => this.log.push(line) }),
      user: undefined,
      dataFolder: this.folder,
      controlFolder: this.folder,
      logLevel: 'info',
      cores,
    });
    this.supervisor.start(
      this.#rings.map(({ ring, states }) => ({ ring: readOnly(ring), states })),
    );
  }

  /** A pipeline's part of a document, with the producer of tests. */
  pipeline(name: string, more = '', producer = ''): string {
    const file = path.join(this.folder, `${name}.out`);
    return `  - {name: ${name}, producer: {kind: ${PLUG_IN}, file: ${file}${producer}}${more}}`;
  }

  async configure(...pipelines: readonly string[]): Promise<void> {
    const text = `pipelines:\n${pipelines.join('\n')}\n`;
    const config = await loadPipelines(text, {
      file: 'test.yaml',
      folder: this.folder,
      secrets: localSecrets({}, this.folder),
      plugIns: true,
    });
    for (const { name } of config.pipelines) {
      if (!this.#indexes.has(name)) this.#indexes.set(name, this.#indexes.size);
    }
    void this.supervisor.place(this.#indexes);
    await this.supervisor.configure(config, this.folder);
  }

  /** Sends datagrams of one record each, from these exporters in turn, for all pipelines; a ring for each exporter. */
  send(datagrams: number, exporters = 1): void {
    for (let i = 0; i < datagrams; i++) this.#sendOne(i % exporters);
    for (const { writer } of this.#rings) writer.publish();
  }

  get sent(): number {
    return [...this.#sent.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What the producer of a pipeline got, in the order in which it came. */
  received(pipeline: string): Identity[] {
    return this.lines(pipeline).map((line) => {
      const record = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>;
      const exporter = Number(String(record['sampler_address']).split('.')[3]);
      return { exporter, number: Number(record['sequence_num']) };
    });
  }

  lines(pipeline: string): string[] {
    try {
      const text = readFileSync(path.join(this.folder, `${pipeline}.out`), 'utf8');
      // What is behind the last line's end is being written.
      return text.split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  stats(pipeline: string): PipelineStats {
    const stats = this.supervisor.pipelines().find(({ name }) => name === pipeline);
    if (stats === undefined) throw new Error(`there is no pipeline ${pipeline}`);
    return stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.stop(500);
    for (const { ring, states } of this.#rings) {
      closeSync(ring);
      closeSync(states);
    }
    rmSync(this.folder, { recursive: true });
  }

  #sendOne(exporter: number): void {
    const number = (this.#sent.get(exporter) ?? 0) + 1;
    this.#sent.set(exporter, number);
    this.#append(numberedSflow(exporter, number), exporter);
  }

  /** Sends one datagram of any kind for all pipelines, from an exporter and its port 5000. */
  sendDatagram(payload: Uint8Array, exporter = 0): void {
    this.#append(payload, exporter);
    for (const { writer } of this.#rings) writer.publish();
  }

  #append(payload: Uint8Array, exporter: number): void {
    const { writer } = this.#rings[exporter % this.#rings.length] as Ring;
    const source = new Uint8Array(16);
    source.set([0xff, 0xff, 192, 0, 2, exporter], 10);
    writer.append({
      source,
      sourcePort: 5000,
      listenPort: 2055,
      pipelines: 0xffffffff,
      receivedMs: Date.now(),
      payload,
    });
  }
}
