/** Rows of notes (native/include/notes.h), read from a copy of them. */
import { canonicalOctets } from '../../model/address.ts';
import type { SendLoss } from '../../model/collector-status.ts';
import { type Endpoint, makeEndpoint } from '../../model/endpoint.ts';
import {
  SEQUENCE_UNITS,
  type SeenExporter,
  type SequenceLoss,
} from '../../model/exporter-status.ts';
import { FLOW_PROTOCOLS, type FlowProtocol } from '../../model/flow-protocol.ts';
import { errnoName } from '../../native/errno.ts';
import { EVENT, EXPORTER, LOSS, NOTES, PROTOCOL, SEQUENCE } from '../../native/notes-layout.ts';
import type { LossEvent } from '../../telemetry/loss-log.ts';

const ADDRESS_BYTES = 16;
const WORD_BYTES = 4;

const PROTOCOLS = new Map<number, FlowProtocol>(
  FLOW_PROTOCOLS.map((name) => [PROTOCOL[name], name]),
);

/** By the bits of a row; few are different, so they are kept. */
const PROTOCOL_LISTS = Array.from({ length: 1 << FLOW_PROTOCOLS.length }, (_, bits) =>
  FLOW_PROTOCOLS.filter((name) => (bits >> PROTOCOL[name]) & 1),
);

function protocolsOf(bits: number): readonly FlowProtocol[] {
  return PROTOCOL_LISTS[bits] ?? [];
}

function hasNumbers(protocol: FlowProtocol): protocol is SequenceLoss['protocol'] {
  return protocol in SEQUENCE_UNITS;
}

const KINDS = new Map<number, LossEvent['kind']>([
  [NOTES.LOST_SEND, 'sendErrors'],
  [NOTES.LOST_TRUNCATED, 'truncated'],
  [NOTES.LOST_HOP_LIMIT, 'hopLimitExceeded'],
  [NOTES.LOST_NO_COLLECTOR, 'noEligibleCollector'],
]);

/** A copy of rows, all of one kind: they have one size. */
export class NoteRows {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  /** @param room how many */
  constructor(room: number) {
    this.bytes = new Uint8Array(room * EXPORTER.SIZE);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Equal for equal exporters. */
  exporterKey(row: number): string {
    const at = row * EXPORTER.SIZE;
    return `${this.#raw(at, EXPORTER.ADDRESS)}${this.#u16(at + EXPORTER.PORT_BYTE)}`;
  }

  /** Equal for equal pairs of collector and errno. */
  lossKey(row: number): string {
    const at = row * LOSS.SIZE;
    const [port, error] = [this.#u16(at + LOSS.PORT_BYTE), this.#u16(at + LOSS.ERROR_BYTE)];
    return `${this.#raw(at, LOSS.COLLECTOR)}${port} ${error}`;
  }

  lossCopies(row: number): bigint {
    return this.#u64(row * LOSS.SIZE, LOSS.COPIES);
  }

  lossTime(row: number): Date {
    return this.#seconds(row * LOSS.SIZE, LOSS.LAST_S);
  }

  exporter(row: number): SeenExporter {
    const at = row * EXPORTER.SIZE;
    return {
      endpoint: this.#endpoint(at, EXPORTER.ADDRESS, EXPORTER.PORT_BYTE),
      received: { packets: this.#u64(at, EXPORTER.PACKETS), bytes: this.#u64(at, EXPORTER.BYTES) },
      protocol: PROTOCOLS.get(this.bytes[at + EXPORTER.PROTOCOL_BYTE] ?? 0) ?? 'OTHER',
      protocols: protocolsOf(this.bytes[at + EXPORTER.PROTOCOLS_BYTE] ?? 0),
      missed: [],
      firstSeen: this.#seconds(at, EXPORTER.FIRST_S),
      lastSeen: this.#seconds(at, EXPORTER.LAST_S),
      truncated: this.#u64(at, EXPORTER.TRUNCATED),
      lost: this.#u64(at, EXPORTER.LOST),
    };
  }

  /** Equal for equal exporters, and the same as theirs. */
  sequenceKey(row: number): string {
    const at = row * SEQUENCE.SIZE;
    return `${this.#raw(at, SEQUENCE.ADDRESS)}${this.#u16(at + SEQUENCE.PORT_BYTE)}`;
  }

  /** @returns undefined for one of a protocol that is not known */
  sequence(row: number): SequenceLoss | undefined {
    const at = row * SEQUENCE.SIZE;
    const protocol = PROTOCOLS.get(this.bytes[at + SEQUENCE.PROTOCOL_BYTE] ?? 0);
    if (protocol === undefined || !hasNumbers(protocol)) return undefined;
    return { protocol, sequences: 1, lost: this.#u64(at, SEQUENCE.LOST) };
  }

  loss(row: number): SendLoss {
    const at = row * LOSS.SIZE;
    const exporter = this.#endpoint(at, LOSS.EXPORTER, LOSS.EXPORTER_PORT_BYTE);
    return {
      collector: this.#endpoint(at, LOSS.COLLECTOR, LOSS.PORT_BYTE),
      code: errnoName(this.#u16(at + LOSS.ERROR_BYTE)),
      copies: this.lossCopies(row),
      at: this.lossTime(row),
      ...(isNobody(exporter) ? {} : { exporter }),
    };
  }

  /** @returns undefined for one of a kind that is not known */
  event(row: number): LossEvent | undefined {
    const at = row * EVENT.SIZE;
    const kind = KINDS.get(this.bytes[at + EVENT.KIND_BYTE] ?? 0);
    if (kind === undefined) return undefined;
    const exporter = this.#endpoint(at, EVENT.EXPORTER, EVENT.EXPORTER_PORT_BYTE);
    if (kind !== 'sendErrors') return { kind, exporter };
    const collector = this.#endpoint(at, EVENT.COLLECTOR, EVENT.COLLECTOR_PORT_BYTE);
    return { kind, exporter, collector, code: errnoName(this.#u16(at + EVENT.ERROR_BYTE)) };
  }

  eventNumber(row: number): number {
    return Number(this.#u64(row * EVENT.SIZE, EVENT.NUMBER));
  }

  /** An address as text of its bytes: much faster than to print it. */
  #raw(at: number, addressWord: number): string {
    const start = at + addressWord * WORD_BYTES;
    return Buffer.from(this.bytes.buffer, start, ADDRESS_BYTES).toString('latin1');
  }

  #endpoint(at: number, addressWord: number, portByte: number): Endpoint {
    const start = at + addressWord * WORD_BYTES;
    const octets = this.bytes.slice(start, start + ADDRESS_BYTES);
    return makeEndpoint(canonicalOctets(octets), this.#u16(at + portByte));
  }

  #seconds(at: number, word: number): Date {
    return new Date(this.#view.getUint32(at + word * WORD_BYTES, true) * 1000);
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  #u64(at: number, word: number): bigint {
    return this.#view.getBigUint64(at + word * WORD_BYTES, true);
  }
}

function isNobody({ octets }: Endpoint): boolean {
  return octets.every((byte) => byte === 0);
}
