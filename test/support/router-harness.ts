/** A router that works as in a forwarder, on packets that a test makes. */
import { endianness } from 'node:os';

import { Router } from '../../src/dataplane/socket/forwarder/router.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../../src/model/endpoint.ts';
import type { Collector, RuleSet } from '../../src/model/rules.ts';
import { COPY, PACKET, PACKET_FLAG } from '../../src/native/layout.ts';
import type { ForwardingTable } from '../../src/table/forwarding-table.ts';
import { COLLECTOR, LEFT_OUT, STATE } from '../../src/table/layout.ts';
import { addressWords } from '../../src/table/rows.ts';
import type { SlotAllocator } from '../../src/table/slots.ts';
import { endpoint } from './rule-sets.ts';
import { compileRules, LISTEN_PORT, makeAllocator } from './tables.ts';

const IS_LITTLE_ENDIAN = endianness() === 'LE';
const STATES = 50_000;
const PAYLOAD_BYTES = 128;

/** A packet that is more than its source. */
export interface TestPacket {
  readonly from: Endpoint;
  /** Up to 128 bytes. */
  readonly payload: Uint8Array;
  /** The port of the proxy. */
  readonly to?: number;
}

export interface Routed {
  readonly inputSlot: number;
  /** Where each copy goes, as formatEndpoint() prints it. */
  readonly copies: readonly string[];
}

/** Routes packets by a rule set as a forwarder does, one batch for all. */
export class RouterHarness {
  readonly allocator: SlotAllocator;
  readonly #packets = new Int32Array(64 * PACKET.WORDS);
  readonly #copies = new Int32Array(64 * 32 * COPY.WORDS);
  readonly #states = new Int32Array(STATES * STATE.WORDS);
  readonly #leftOut = new Int32Array(STATES * LEFT_OUT.WORDS);
  readonly #payloads = new Uint8Array(64 * PAYLOAD_BYTES);
  readonly table: ForwardingTable;
  readonly router: Router;

  /** @param left in each word of the states */
  static async make(set: RuleSet, left = 0): Promise<RouterHarness> {
    const allocator = makeAllocator(STATES);
    const { table } = await compileRules(set, allocator);
    const harness = new RouterHarness(allocator, table);
    harness.#states.fill(left);
    return harness;
  }

  private constructor(allocator: SlotAllocator, table: ForwardingTable) {
    this.allocator = allocator;
    this.table = table;
    const memory = {
      packets: this.#packets,
      copies: this.#copies,
      states: this.#states,
      leftOut: this.#leftOut,
      payloads: this.#payloads,
      payloadStride: PAYLOAD_BYTES,
    };
    this.router = new Router(memory, this.table);
  }

  /** @param flags on top of that of the family, for all packets */
  route(packets: readonly (Endpoint | TestPacket)[], flags = 0): Routed[] {
    packets.forEach((packet, i) => {
      const source = 'from' in packet ? packet.from : packet;
      const at = i * PACKET.WORDS;
      this.#packets.set(addressWords(source), at + PACKET.SOURCE);
      this.#packets[at + PACKET.SOURCE_PORT] = source.port;
      this.#packets[at + PACKET.FLAGS] = (isIpv6(source) ? PACKET_FLAG.IPV6 : 0) | flags;
      this.#setPayload(i, 'from' in packet ? packet : { payload: Uint8Array.of() });
    });
    const copies = this.router.route(packets.length);
    const routed = packets.map((_, i) => ({
      inputSlot: this.#packets[i * PACKET.WORDS + PACKET.INPUT_SLOT] ?? -1,
      copies: [] as string[],
    }));
    for (let i = 0; i < copies; i++) {
      const packet = this.#copies[i * COPY.WORDS + COPY.PACKET] ?? -1;
      routed[packet]?.copies.push(
        this.#collector(this.#copies[i * COPY.WORDS + COPY.COLLECTOR] ?? -1),
      );
    }
    return routed;
  }

  setStates(value: number): void {
    this.#states.fill(value);
  }

  /** What the outputs with these states left out: packets and bytes. */
  leftOut(state: number): { readonly sampled: number[]; readonly filtered: number[] } {
    const counters = new BigUint64Array(this.#leftOut.buffer, state * LEFT_OUT.SIZE);
    const at = (member: number) => [counters[member / 2], counters[member / 2 + 1]].map(Number);
    return { sampled: at(LEFT_OUT.SAMPLED), filtered: at(LEFT_OUT.FILTERED) };
  }

  /** What others left behind a payload stays there. */
  #setPayload(packet: number, { payload, to = LISTEN_PORT }: Omit<TestPacket, 'from'>): void {
    const view = new DataView(this.#packets.buffer, packet * PACKET.SIZE, PACKET.SIZE);
    view.setUint16(PACKET.LENGTH_BYTE, payload.length, IS_LITTLE_ENDIAN);
    view.setUint16(PACKET.LISTEN_PORT_BYTE, to, IS_LITTLE_ENDIAN);
    this.#payloads.set(payload, packet * PAYLOAD_BYTES);
  }

  #collector(index: number): string {
    const at = this.table.collectorsAtBytes + index * COLLECTOR.SIZE;
    const bytes = new Uint8Array(this.table.words.buffer, at, COLLECTOR.SIZE);
    if (bytes[COLLECTOR.FAMILY_BYTE] === 0) return `pipeline ${bytes[COLLECTOR.PIPELINE_BYTE]}`;
    const octets = bytes[COLLECTOR.FAMILY_BYTE] === 6 ? bytes.slice(0, 16) : bytes.slice(12, 16);
    const port = new DataView(bytes.buffer, at).getUint16(COLLECTOR.PORT_BYTE);
    return formatEndpoint(makeEndpoint(octets, port));
  }
}

/** @param isMixed every second one has an IPv6 address */
export function collectorOf(index: number, weight: number, isMixed: boolean): Collector {
  const text = isMixed && index % 2 === 1 ? `[2001:db8::1]:${index + 1}` : `192.0.2.7:${index + 1}`;
  return { endpoint: endpoint(text), weight };
}
