import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { LEFT_OUT, OUTPUT, STATE } from '../../../table/layout.ts';
import { PacketFilter } from './packet-filter.ts';
import type { PayloadMemory, Payloads } from './payloads.ts';
import { WideCounters } from './wide-counters.ts';

/** Memory in which an output's state is, and what it left out is counted. */
export interface AdmissionMemory extends PayloadMemory {
  /** struct table_state[] */
  readonly states: Int32Array;
  /** struct table_left_out[], which begins at a multiple of 8 bytes */
  readonly leftOut: Int32Array;
}

/**
 * Which packets an output takes at all: first those that its filter lets through (spec R22), then one of so many of them
 * (spec R21). What it leaves out is counted.
 */
export class Admission {
  readonly #states: Int32Array;
  readonly #leftOut: WideCounters;
  readonly #payloads: Payloads;
  readonly #filter: PacketFilter;

  constructor(memory: AdmissionMemory, payloads: Payloads) {
    this.#states = memory.states;
    this.#leftOut = new WideCounters(memory.leftOut);
    this.#payloads = payloads;
    this.#filter = new PacketFilter(payloads);
  }

  /** Other packets are there now. */
  begin(): void {
    this.#filter.begin();
  }

  /** @param outputAt where the output's row begins, in words */
  takes(packet: number, table: ForwardingTable, outputAt: number): boolean {
    const { words } = table;
    const state = words[outputAt + OUTPUT.STATE] as number;
    const filter = words[outputAt + OUTPUT.FILTER] as number;
    if (filter !== 0 && !this.#filter.matches(packet, table, filter - 1)) {
      this.#count(packet, state * LEFT_OUT.WORDS + LEFT_OUT.FILTERED);
      return false;
    }
    if (this.#isSampled(state, words[outputAt + OUTPUT.SAMPLE] as number)) return true;
    this.#count(packet, state * LEFT_OUT.WORDS + LEFT_OUT.SAMPLED);
    return false;
  }

  /** The first one, and then one after each `oneIn - 1` others; 0 = all. */
  #isSampled(state: number, oneIn: number): boolean {
    if (oneIn === 0) return true;
    const at = state * STATE.WORDS + STATE.NEXT_SAMPLE;
    const before = this.#states[at] as number;
    // Anything may have been left there.
    const turn = before > 0 && before < oneIn ? before : 0;
    this.#states[at] = turn + 1;
    return turn === 0;
  }

  /** @param at packets, and behind them bytes */
  #count(packet: number, at: number): void {
    this.#leftOut.add(at, 1);
    this.#leftOut.add(at + 2, this.#payloads.length(packet));
  }
}
