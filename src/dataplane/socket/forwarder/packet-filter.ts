import { PROTOCOL } from '../../../native/notes-layout.ts';
import type { ForwardingTable } from '../../../table/forwarding-table.ts';
import { FILTER } from '../../../table/layout.ts';
import type { Payloads } from './payloads.ts';

/** Where an IPFIX message has its observation domain, and NetFlow v9 its source id (RFC 7011 section 3.1, RFC 3954 section 5.1). */
const IPFIX_DOMAIN = 12;
const V9_SOURCE_ID = 16;

/** Where an sFlow datagram has the type of its agent's address, and the address (sFlow version 5, section 5). */
const AGENT_TYPE = 4;
const AGENT = 8;
const AGENT_IPV4 = 1;
const AGENT_IPV6 = 2;
/** What goes before an IPv4 address in a table. */
const MAPPED = 0xffff;

/** Whether packets are those that an output is for (spec R22). Rows: struct table_filter of native/include/table.h. */
export class PacketFilter {
  readonly #payloads: Payloads;
  /** The packet of the batch whose protocol is known, or -1. */
  #classified = -1;
  #protocol = 0;

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  /** Other packets are there now. */
  begin(): void {
    this.#classified = -1;
  }

  /** @param filter index of its row */
  matches(packet: number, { words, filtersAt, filterValuesAt }: ForwardingTable, filter: number) {
    const at = filtersAt + filter * FILTER.WORDS;
    const protocol = this.#protocolOf(packet);
    if ((((words[at + FILTER.PROTOCOLS] as number) >>> protocol) & 1) === 0) return false;
    const domains = filterValuesAt + (words[at + FILTER.FIRST_VALUE] as number);
    const ports = domains + (words[at + FILTER.DOMAINS] as number);
    const agents = ports + (words[at + FILTER.PORTS] as number);
    const agentCount = words[at + FILTER.AGENTS] as number;
    return (
      (ports === domains || this.#isOfDomain(packet, protocol, words, domains, ports)) &&
      (agents === ports || isAmong(words, ports, agents, this.#payloads.listenPort(packet))) &&
      (agentCount === 0 || this.#isOfAgent(packet, protocol, words, agents, agentCount))
    );
  }

  #protocolOf(packet: number): number {
    if (packet !== this.#classified) {
      this.#classified = packet;
      this.#protocol = this.#payloads.protocol(packet);
    }
    return this.#protocol;
  }

  #isOfDomain(packet: number, protocol: number, words: Int32Array, first: number, end: number) {
    if (protocol !== PROTOCOL.IPFIX && protocol !== PROTOCOL.NETFLOW_V9) return false;
    const at = protocol === PROTOCOL.IPFIX ? IPFIX_DOMAIN : V9_SOURCE_ID;
    if (this.#payloads.length(packet) < at + 4) return false;
    return isAmong(words, first, end, this.#payloads.word(packet, at));
  }

  #isOfAgent(packet: number, protocol: number, words: Int32Array, first: number, count: number) {
    const payloads = this.#payloads;
    const length = payloads.length(packet);
    if (protocol !== PROTOCOL.SFLOW_V5 || length < AGENT + 4) return false;
    const type = payloads.word(packet, AGENT_TYPE);
    const word = (index: number) => payloads.word(packet, AGENT + index * 4);
    if (type === AGENT_IPV4) return hasAgent(words, first, count, 0, 0, MAPPED, word(0));
    if (type !== AGENT_IPV6 || length < AGENT + 16) return false;
    return hasAgent(words, first, count, word(0), word(1), word(2), word(3));
  }
}

function isAmong(words: Int32Array, first: number, end: number, wanted: number): boolean {
  for (let at = first; at < end; at++) if (words[at] === wanted) return true;
  return false;
}

function hasAgent(
  words: Int32Array,
  first: number,
  count: number,
  a0: number,
  a1: number,
  a2: number,
  a3: number,
): boolean {
  for (let at = first; at < first + count * 4; at += 4) {
    if (words[at + 3] === a3 && words[at + 2] === a2 && words[at + 1] === a1 && words[at] === a0)
      return true;
  }
  return false;
}
