import { COPY, PACKET, PACKET_FLAG } from '../../../native/layout.ts';
import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { COLLECTOR, OUTPUT, RULE, STATE, TABLE } from '../../../table/layout.ts';
import { exporterNumber } from '../../../table/rendezvous.ts';
import { Admission, type AdmissionMemory } from './admission.ts';
import { chooseByWeight, chooseEven } from './hashed-choice.ts';
import { Payloads } from './payloads.ts';

/** Memory shared with packet I/O, as words: signed, which V8 never boxes. */
export interface RouterMemory extends AdmissionMemory {
  /** struct pio_copy[] */
  readonly copies: Int32Array;
}

/** table_output.flags of outputs that have no turns. */
const HASHED = TABLE.OUTPUT_BY_EXPORTER | TABLE.OUTPUT_BY_ENDPOINT;

/**
 * Decides for each packet of a batch which collectors get a copy (spec R1 to R4, R14, R16 to R22). The innermost loop of
 * the proxy: it reads and writes flat memory only and allocates nothing.
 */
export class Router {
  /** Outcome of the last batch, besides its copies. */
  droppedByRule = 0;
  noEligibleCollector = 0;
  hopLimitExceeded = 0;
  readonly #memory: RouterMemory;
  readonly #payloads: Payloads;
  readonly #admission: Admission;
  /** The rule of each packet of the batch. */
  readonly #rules: Int32Array;
  #table: ForwardingTable;

  constructor(memory: RouterMemory, table: ForwardingTable) {
    this.#memory = memory;
    this.#payloads = new Payloads(memory);
    this.#admission = new Admission(memory, this.#payloads);
    this.#rules = new Int32Array(memory.packets.length / PACKET.WORDS);
    this.#table = table;
  }

  setTable(table: ForwardingTable): void {
    this.#table = table;
  }

  /**
   * Routes packets[0..count): sets each input slot and fills copies.
   *
   * @returns how many copies there are
   */
  route(count: number): number {
    this.#findRules(count);
    const { packets } = this.#memory;
    const words = this.#table.words;
    let copies = 0;
    this.#admission.begin();
    this.droppedByRule = 0;
    this.noEligibleCollector = 0;
    this.hopLimitExceeded = 0;
    for (let packet = 0; packet < count; packet++) {
      const at = packet * PACKET.WORDS;
      const rule = this.#rules[packet] as number;
      const outputs = (words[rule + RULE.OUTPUTS] as number) & TABLE.RULE_OUTPUTS;
      packets[at + PACKET.INPUT_SLOT] = words[rule + RULE.INPUT_SLOT] as number;
      if (outputs === 0) {
        this.droppedByRule++;
        continue;
      }
      const flags = packets[at + PACKET.FLAGS] as number;
      const firstOutput = words[rule + RULE.FIRST_OUTPUT] as number;
      if ((flags & PACKET_FLAG.EXPIRED) !== 0) {
        copies = this.#copyExpired(packet, firstOutput, outputs, copies);
        continue;
      }
      const ipv6 = (flags & PACKET_FLAG.IPV6) === 0 ? 0 : 1;
      copies = this.#copy(packet, ipv6, firstOutput, outputs, copies);
    }
    return copies;
  }

  /** In a loop of its own: with many rules each look-up waits for memory, and here they wait together. */
  #findRules(count: number): void {
    const { packets } = this.#memory;
    const table = this.#table;
    const { namesListeningPorts } = table;
    for (let packet = 0; packet < count; packet++) {
      const at = packet * PACKET.WORDS;
      this.#rules[packet] = table.find(
        packets[at + PACKET.SOURCE] as number,
        packets[at + PACKET.SOURCE + 1] as number,
        packets[at + PACKET.SOURCE + 2] as number,
        packets[at + PACKET.SOURCE + 3] as number,
        packets[at + PACKET.SOURCE_PORT] as number,
        namesListeningPorts ? this.#payloads.listenPort(packet) : 0,
      );
    }
  }

  /** @param ipv6 1 for an IPv6 packet, 0 for IPv4: in memory IPv6 is the word after IPv4 */
  #copy(packet: number, ipv6: 0 | 1, firstOutput: number, outputs: number, copies: number): number {
    const words = this.#table.words;
    let outputAt = this.#table.outputsAt + firstOutput * OUTPUT.WORDS;
    let count = copies;
    for (let i = 0; i < outputs; i++, outputAt += OUTPUT.WORDS) {
      const flags = words[outputAt + OUTPUT.FLAGS] as number;
      if ((flags & TABLE.OUTPUT_LEAVES_OUT) !== 0 && !this.#takes(packet, outputAt)) continue;
      const eligible = words[outputAt + OUTPUT.COLLECTORS + ipv6] as number;
      if (eligible === 0) {
        this.noEligibleCollector++;
        this.#flag(packet, PACKET_FLAG.NO_COLLECTOR);
        continue;
      }
      const chosen = eligible === 1 ? 0 : this.#choose(packet, outputAt, flags, ipv6, eligible);
      this.#add(count++, packet, outputAt, chosen);
    }
    return count;
  }

  /** Nothing goes any further, but pipelines are here. */
  #copyExpired(packet: number, firstOutput: number, outputs: number, copies: number): number {
    const words = this.#table.words;
    let outputAt = this.#table.outputsAt + firstOutput * OUTPUT.WORDS;
    let count = copies;
    let isEnded = false;
    for (let i = 0; i < outputs; i++, outputAt += OUTPUT.WORDS) {
      const flags = words[outputAt + OUTPUT.FLAGS] as number;
      if ((flags & TABLE.OUTPUT_LEAVES_OUT) !== 0 && !this.#takes(packet, outputAt)) continue;
      if ((flags & TABLE.OUTPUT_PIPELINE) === 0) isEnded = true;
      else this.#add(count++, packet, outputAt, 0);
    }
    if (isEnded) {
      this.hopLimitExceeded++;
      this.#flag(packet, PACKET_FLAG.ENDED);
    }
    return count;
  }

  #takes(packet: number, outputAt: number): boolean {
    return this.#admission.takes(packet, this.#table, outputAt);
  }

  /** @param chosen which collector of the output */
  #add(copy: number, packet: number, outputAt: number, chosen: number): void {
    const { copies } = this.#memory;
    const first = this.#table.words[outputAt + OUTPUT.FIRST_COLLECTOR] as number;
    copies[copy * COPY.WORDS + COPY.PACKET] = packet;
    copies[copy * COPY.WORDS + COPY.COLLECTOR] = first + chosen;
  }

  /** For packet I/O, which notes whose packets are lost. */
  #flag(packet: number, flag: number): void {
    const at = packet * PACKET.WORDS + PACKET.FLAGS;
    this.#memory.packets[at] = (this.#memory.packets[at] as number) + flag;
  }

  /** @returns which of the collectors that can take the packet gets it */
  #choose(packet: number, outputAt: number, flags: number, ipv6: 0 | 1, eligible: number) {
    const isWeighted = (flags & TABLE.OUTPUT_WEIGHTED) !== 0;
    if ((flags & HASHED) === 0) return this.#takeTurn(outputAt, ipv6, eligible, isWeighted);
    const exporter = this.#exporterOf(packet, (flags & TABLE.OUTPUT_BY_ENDPOINT) !== 0);
    const first = this.#table.words[outputAt + OUTPUT.FIRST_COLLECTOR] as number;
    return isWeighted
      ? chooseByWeight(this.#table, first, eligible, exporter)
      : chooseEven(this.#table, first, eligible, exporter);
  }

  /** The number by which an exporter has a collector (spec R20). */
  #exporterOf(packet: number, hasPort: boolean): number {
    const { packets } = this.#memory;
    const at = packet * PACKET.WORDS;
    return exporterNumber(
      packets[at + PACKET.SOURCE] as number,
      packets[at + PACKET.SOURCE + 1] as number,
      packets[at + PACKET.SOURCE + 2] as number,
      packets[at + PACKET.SOURCE + 3] as number,
      hasPort ? (packets[at + PACKET.SOURCE_PORT] as number) : 0,
    );
  }

  /** Round robin over the collectors that can take the packet. @returns whose turn it is, among them */
  #takeTurn(outputAt: number, ipv6: 0 | 1, eligible: number, isWeighted: boolean): number {
    const { states } = this.#memory;
    const words = this.#table.words;
    const turns = isWeighted ? this.#weightsUpTo(outputAt, eligible) : eligible;
    const state = words[outputAt + OUTPUT.STATE] as number;
    const at = state * STATE.WORDS + STATE.NEXT_IPV4 + ipv6;
    const next = states[at] as number;
    const turn = next >= 0 && next < turns ? next : 0;
    states[at] = turn + 1;
    return isWeighted ? this.#collectorOf(turn, outputAt, eligible) : turn;
  }

  /** Whose turn of all is this one by weights? See struct table_output (native/include/table.h). */
  #collectorOf(turn: number, outputAt: number, eligible: number): number {
    let first = 0;
    let end = eligible;
    let before = 0;
    let weights = this.#weightsUpTo(outputAt, eligible);
    let rest = turn;
    while (end - first > 1) {
      const middle = (first + end) >> 1;
      const half = this.#weightsUpTo(outputAt, middle) - before;
      const share = shareOf(rest, half, weights);
      if (shareOf(rest + 1, half, weights) > share) {
        end = middle;
        rest = share;
        weights = half;
      } else {
        first = middle;
        before += half;
        rest -= share;
        weights -= half;
      }
    }
    return first;
  }

  /** The sum of weights of the first collectors of an output. */
  #weightsUpTo(outputAt: number, collectors: number): number {
    const words = this.#table.words;
    const last = (words[outputAt + OUTPUT.FIRST_COLLECTOR] as number) + collectors - 1;
    const at = (this.#table.collectorsAtBytes >> 2) + last * COLLECTOR.WORDS;
    return words[at + COLLECTOR.WEIGHTS] as number;
  }
}

/** How many of the first turns are those of `weight` in `weights`; at most 2^33 in between. */
function shareOf(turns: number, weight: number, weights: number): number {
  return Math.floor((2 * turns * weight + weights) / (2 * weights));
}
