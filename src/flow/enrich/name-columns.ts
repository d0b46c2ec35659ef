import type { FlowBatch } from '../model/flow-batch.ts';
import type { Exporter, ExporterNames } from './exporter-names.ts';
import type { FileNames } from './names-file.ts';

/** Is told of what nobody could name. */
export type Unnamed = (exporter: Uint32Array, at: number, index: number) => void;

export interface NameSources {
  /** Of the user's file: goes before what exporters say. */
  readonly file: FileNames;
  readonly learnt: ExporterNames;
  /** Absent: nobody can be asked. */
  readonly ask: Unnamed | undefined;
}

/** No exporter has this address: the unspecified one with a port in it, as it were. */
const NO_EXPORTER = new Uint32Array([1, 0, 0, 0]);

/** Fills names of exporters and interfaces, where the record itself has none. Rows of one exporter mostly come together. */
export class NameColumns {
  #stamp = 0;
  readonly #current = new Uint32Array(4);
  #file: Exporter | undefined;
  #learnt: Exporter | undefined;

  fill(batch: FlowBatch, sources: NameSources): void {
    this.#stamp++;
    this.#current.set(NO_EXPORTER);
    const { columns, rows } = batch;
    const { samplerAddress, samplerName, inIf, outIf, inIfName, outIfName } = columns;
    for (let row = 0; row < rows; row++) {
      if (this.#isOther(samplerAddress, row * 4)) this.#choose(samplerAddress, row * 4, sources);
      samplerName[row] ||= this.#exporterIndex(batch);
      inIfName[row] ||= this.#interfaceIndex(batch, row, inIf[row] as number, sources);
      outIfName[row] ||= this.#interfaceIndex(batch, row, outIf[row] as number, sources);
    }
  }

  #isOther(addresses: Uint32Array, at: number): boolean {
    const current = this.#current;
    return (
      addresses[at + 3] !== current[3] ||
      addresses[at + 2] !== current[2] ||
      addresses[at + 1] !== current[1] ||
      addresses[at] !== current[0]
    );
  }

  #choose(addresses: Uint32Array, at: number, { file, learnt }: NameSources): void {
    for (let i = 0; i < 4; i++) this.#current[i] = addresses[at + i] as number;
    this.#file = file.get(addresses, at);
    this.#learnt = learnt.find(addresses, at);
  }

  #exporterIndex(batch: FlowBatch): number {
    const label = this.#file?.label;
    if (label !== undefined && label.text !== '') return label.indexIn(batch, this.#stamp);
    return this.#learnt?.label.indexIn(batch, this.#stamp) ?? 0;
  }

  /** 0 says that the exporter does not know the interface. */
  #interfaceIndex(batch: FlowBatch, row: number, index: number, sources: NameSources): number {
    if (index === 0) return 0;
    const label = this.#file?.interfaces.get(index) ?? this.#learnt?.interfaces.get(index);
    if (label !== undefined) return label.indexIn(batch, this.#stamp);
    if (sources.ask !== undefined) {
      const { samplerAddress } = batch.columns;
      sources.ask(samplerAddress, row * 4, index);
      this.#learnt = sources.learnt.find(samplerAddress, row * 4);
    }
    return 0;
  }
}
