import { ownOctets } from '../../base/octets.ts';
import { FLOW_TYPE } from '../model/columns.ts';
import type { FlowBatch } from '../model/flow-batch.ts';
import type { FlowProtocol } from '../model/packets.ts';
import { exporterName } from './vflow/exporter-name.ts';

/** Exporters whose keys are kept. */
const MAX_KEYS = 65_536;

const PROTOCOLS = new Map(
  Object.entries(FLOW_TYPE).map(([protocol, type]) => [type as number, protocol as FlowProtocol]),
);

/** Which rows make which message. */
export interface Messages {
  /** The row behind the last of each message. */
  readonly ends: Uint32Array;
  readonly keys?: readonly Buffer[];
}

/** Puts rows into messages. */
export class MessageCutter {
  readonly #keyed: boolean;
  readonly #keys = new Map<string, Buffer>();
  #ends = new Uint32Array(0);

  constructor(keyed: boolean) {
    this.#keyed = keyed;
  }

  /** @returns memory of the cutter, valid until its next call, which may be written to */
  cut(batch: FlowBatch, recordsPerMessage: number): Messages {
    const { rows } = batch;
    if (this.#ends.length < rows) this.#ends = new Uint32Array(batch.capacity);
    const keys: Buffer[] = [];
    const { samplerAddress } = batch.columns;
    let messages = 0;
    for (let row = 0; row < rows; messages++) {
      const end = Math.min(row + recordsPerMessage, rows);
      const last = this.#keyed ? lastOfExporter(samplerAddress, row, end) : end;
      if (this.#keyed) {
        const again = row > 0 && isSameExporter(samplerAddress, row - 1, row);
        keys.push(again ? (keys[messages - 1] as Buffer) : this.#key(samplerAddress, row));
      }
      this.#ends[messages] = last;
      row = last;
    }
    return { ends: this.#ends.subarray(0, messages), ...(this.#keyed ? { keys } : {}) };
  }

  #key(addresses: Uint32Array, row: number): Buffer {
    const words = addresses.subarray(row * 4, row * 4 + 4);
    const name = words.join();
    const known = this.#keys.get(name);
    if (known) return known;
    if (this.#keys.size === MAX_KEYS) this.#keys.clear();
    const key = ownOctets(exporterName(words));
    this.#keys.set(name, key);
    return key;
  }
}

/** The row before which rows of the exporter of `row` end. */
function lastOfExporter(addresses: Uint32Array, row: number, end: number): number {
  for (let next = row + 1; next < end; next++) {
    if (!isSameExporter(addresses, next, row)) return next;
  }
  return end;
}

function isSameExporter(addresses: Uint32Array, row: number, other: number): boolean {
  for (let i = 0; i < 4; i++) if (addresses[row * 4 + i] !== addresses[other * 4 + i]) return false;
  return true;
}

/** The protocol of all rows, when it is one. */
export function commonProtocol({ columns: { type }, rows }: FlowBatch): FlowProtocol | undefined {
  for (let row = 1; row < rows; row++) if (type[row] !== type[0]) return undefined;
  return rows > 0 ? PROTOCOLS.get(type[0] as number) : undefined;
}
