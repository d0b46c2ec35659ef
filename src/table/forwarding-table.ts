/** Read access to the compiled form of a rule set. Its layout and look-up: native/include/table.h. */
import { HEADER, TABLE } from './layout.ts';
import { PrefixSearch } from './prefix-search.ts';
import { RuleProbe } from './rule-probe.ts';

/** Read access to a compiled table. Rules are known by where they begin, in words. */
export class ForwardingTable {
  readonly words: Int32Array;
  readonly defaultRule: number;
  /** Where outputs begin, in words; collectors in bytes, as native code wants it. */
  readonly outputsAt: number;
  readonly collectorsAtBytes: number;
  readonly collectorCount: number;
  /** How copies leave, in bytes too. */
  readonly leavesAtBytes: number;
  readonly leaveCount: number;
  /** In words. */
  readonly filtersAt: number;
  readonly filterValuesAt: number;
  /** Without, no rule depends on the port on which a packet came. */
  readonly namesListeningPorts: boolean;
  readonly #probe: RuleProbe;
  readonly #prefixes: PrefixSearch;
  readonly #portFilter: number;
  readonly #hasPortRules: boolean;
  readonly #hasAddressRules: boolean;
  readonly #hasListeningPortRules: boolean;
  readonly #hasListeningAddressRules: boolean;
  readonly #hasPrefixes: boolean;

  /** @throws RangeError when the buffer does not hold a table of this layout */
  constructor(buffer: ArrayBuffer) {
    const words = new Int32Array(buffer);
    if (words[HEADER.MAGIC] !== TABLE.MAGIC || words[HEADER.LAYOUT] !== TABLE.LAYOUT) {
      throw new RangeError('not a forwarding table of this layout');
    }
    const header = (index: number) => words[index] ?? 0;
    this.words = words;
    this.defaultRule = header(HEADER.DEFAULT_RULE);
    this.outputsAt = header(HEADER.OUTPUTS);
    this.collectorsAtBytes = header(HEADER.COLLECTORS) * 4;
    this.collectorCount = header(HEADER.COLLECTOR_COUNT);
    this.leavesAtBytes = header(HEADER.LEAVES) * 4;
    this.leaveCount = header(HEADER.LEAVE_COUNT);
    this.filtersAt = header(HEADER.FILTERS);
    this.filterValuesAt = header(HEADER.FILTER_VALUES);
    this.#probe = new RuleProbe(words);
    this.#prefixes = new PrefixSearch(words, this.#probe);
    this.#portFilter = header(HEADER.PORT_FILTER);
    this.#hasPortRules = header(HEADER.PORT_RULES) > 0;
    this.#hasAddressRules = header(HEADER.ADDRESS_RULES) > 0;
    this.#hasListeningPortRules = header(HEADER.LISTENING_PORT_RULES) > 0;
    this.#hasListeningAddressRules = header(HEADER.LISTENING_ADDRESS_RULES) > 0;
    this.#hasPrefixes = !this.#prefixes.isEmpty;
    this.namesListeningPorts =
      this.#hasListeningPortRules ||
      this.#hasListeningAddressRules ||
      header(HEADER.PREFIX_PORT_RULES) > 0;
  }

  /**
   * The rule for a packet (spec R1, R4, R18, R19). In the order of native/include/table.h.
   *
   * @param listening the port on which it came; it matters only where namesListeningPorts
   */
  find(a0: number, a1: number, a2: number, a3: number, port: number, listening: number): number {
    let rule = this.namesListeningPorts
      ? this.#findListening(a0, a1, a2, a3, port, listening)
      : this.#findAddress(a0, a1, a2, a3, port);
    if (rule === 0 && this.#hasPrefixes)
      rule = this.#prefixes.find(a0, a1, a2, a3, port, listening);
    return rule === 0 ? this.defaultRule : rule;
  }

  #findAddress(a0: number, a1: number, a2: number, a3: number, port: number): number {
    const probe = this.#probe;
    const hash = probe.hashOf(a0, a1, a2, a3);
    let rule = 0;
    if (port !== 0 && this.#mayNamePort(hash)) rule = probe.plain(hash, a0, a1, a2, a3, port);
    if (rule === 0 && this.#hasAddressRules) rule = probe.plain(hash, a0, a1, a2, a3, 0);
    return rule;
  }

  /** Whether rules of an address with this hash may name a port. */
  #mayNamePort(hash: number): boolean {
    return ((this.#portFilter >>> (hash >>> TABLE.PORT_FILTER_SHIFT)) & 1) !== 0;
  }

  #findListening(
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    port: number,
    listening: number,
  ): number {
    const probe = this.#probe;
    const hash = probe.hashOf(a0, a1, a2, a3);
    let rule = 0;
    if (port !== 0 && this.#mayNamePort(hash)) {
      if (this.#hasListeningPortRules) rule = probe.at(hash, a0, a1, a2, a3, port, listening, 0);
      if (rule === 0 && this.#hasPortRules) rule = probe.at(hash, a0, a1, a2, a3, port, 0, 0);
    }
    if (rule === 0 && this.#hasListeningAddressRules)
      rule = probe.at(hash, a0, a1, a2, a3, 0, listening, 0);
    if (rule === 0 && this.#hasAddressRules) rule = probe.at(hash, a0, a1, a2, a3, 0, 0, 0);
    return rule;
  }
}
