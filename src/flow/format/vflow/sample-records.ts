import type { SflowSample } from '../../decode/sflow/consumer.ts';
import type { Structure } from '../../decode/sflow/structures/structure.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import type { TextOutput } from '../sflow/growing-buffer.ts';
import { planStructure, putStructure } from '../sflow/structure-json.ts';

type Put = (out: TextOutput, bytes: Uint8Array, start: number, end: number) => void;

/** A record that is written in a way of its own. */
export interface SpecialRecord {
  readonly format: number;
  readonly name: string;
  /** Octets that one has at least: shorter ones are left out. */
  readonly least: number;
  readonly put: Put;
}

interface Known {
  /** A comma, and the key of the record. */
  readonly before: Literal;
  readonly least: number;
  readonly put: Put;
}

const CLOSE = makeLiteral('}');

/**
 * Writes the records of samples as vFlow does: as an object that has each kind of record once, the last of its kind,
 * in the order of their names. Records of unknown formats are left out.
 */
export class SampleRecords {
  /** In the order of their names. */
  readonly #known: readonly Known[];
  readonly #placeByFormat: ReadonlyMap<number, number>;
  /** By place: which record of the sample it is; -1 none. */
  readonly #found: Int32Array;

  constructor(structures: ReadonlyMap<number, Structure>, special?: SpecialRecord) {
    const all = [...structures.values()].map(plainRecord);
    if (special) all.push(special);
    all.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#known = all.map(({ name, least, put }) => ({
      before: makeLiteral(`,"${name}":`),
      least,
      put,
    }));
    this.#placeByFormat = new Map(all.map(({ format }, place) => [format, place]));
    this.#found = new Int32Array(all.length).fill(-1);
  }

  put(out: TextOutput, bytes: Uint8Array, sample: SflowSample): void {
    const found = this.#found;
    for (let i = 0; i < sample.records; i++) {
      const place = this.#placeByFormat.get(sample.formats[i] as number);
      if (place !== undefined) found[place] = i;
    }
    const start = out.at;
    for (let place = 0; place < found.length; place++) {
      const record = found[place] as number;
      if (record < 0) continue;
      found[place] = -1;
      this.#putRecord(out, place, out.at === start, bytes, sample, record);
    }
  }

  #putRecord(
    out: TextOutput,
    place: number,
    isFirst: boolean,
    bytes: Uint8Array,
    { starts, ends }: SflowSample,
    record: number,
  ): void {
    const { before, least, put } = this.#known[place] as Known;
    const from = starts[record] as number;
    const to = ends[record] as number;
    if (to - from < least) return;
    const view = out.ensure(before.length + OVERRUN);
    const at = out.at;
    out.at = putLiteral(view, at, before);
    // Every key begins with a comma: the first one goes where it would be.
    if (isFirst) {
      const octets = new Uint8Array(view.buffer, view.byteOffset);
      octets.copyWithin(at, at + 1, out.at);
      out.at--;
    }
    put(out, bytes, from, to);
  }
}

function plainRecord(structure: Structure): SpecialRecord {
  const plan = planStructure(structure, ({ vflow }) => vflow);
  const { format, vflow: name } = structure;
  const open = makeLiteral('{');
  return {
    format,
    name,
    least: 0,
    put: (out, bytes, start, end) => {
      out.at = putLiteral(out.ensure(open.length + OVERRUN), out.at, open);
      putStructure(out, plan, bytes, start, end);
      out.at = putLiteral(out.ensure(CLOSE.length + OVERRUN), out.at, CLOSE);
    },
  };
}
