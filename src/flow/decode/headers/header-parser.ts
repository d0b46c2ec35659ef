/** Parses the first octets of sampled packets into columns: layers 2, 3 and 4. */
import { type Columns, ETHER_TYPE, type Frame } from './frame.ts';
import { ethernet, llc, mpls, ppp, pppoe, versionType, vlans, wifi } from './link.ts';
import { FRAGMENT, ipv4, ipv6, NO_PACKET } from './network.ts';
import { transport } from './transport.ts';
import { insideOf } from './tunnels.ts';

/**
 * Which packet goes to the columns when one carries another (IP in IP, GRE, VXLAN, Geneve): the outer, which routers
 * forward, or the innermost that came whole enough to have addresses.
 */
export type TunnelLayer = 'outer' | 'inner';

/** What the octets begin with (sFlow: `header_protocol`; those that are not named here are not parsed). */
export const HEADER_PROTOCOL = {
  ethernet: 1,
  ppp: 7,
  ipv4: 11,
  ipv6: 12,
  mpls: 13,
  /** Packet over SONET/SDH: PPP. */
  pos: 14,
  wifi: 15,
  /** LLC and SNAP, as in the payload of IEEE 802.11: not of sFlow's list. */
  llc: 0x10000,
} as const;

/** Tunnels within tunnels that are followed. */
const DEEPEST = 4;

export class HeaderParser {
  /** Of the packet that was parsed last: where its IP header begins; -1 when it has none. */
  network = -1;
  /** Where its layer 4 begins, of protocol `transportProtocol`; -1 when it has none, or is a later fragment. */
  transport = -1;
  transportProtocol = 0;
  /** Where it ends: with the octets, or before padding. */
  end = 0;
  readonly #columns: Columns;
  readonly #deepest: number;
  readonly #frame: Frame = { bytes: new Uint8Array(0), at: 0, end: 0, row: 0 };

  /** @param columns where everything goes; columns that a header says nothing of are left as they are */
  constructor(columns: Columns, layer: TunnelLayer = 'outer') {
    this.#columns = columns;
    this.#deepest = layer === 'outer' ? 0 : DEEPEST;
  }

  /**
   * Parses octets from `start` to before `end` into a row.
   *
   * @param protocol a value of HEADER_PROTOCOL; of others nothing is parsed
   */
  parse(protocol: number, bytes: Uint8Array, start: number, end: number, row: number): void {
    const frame = this.#frame;
    frame.bytes = bytes;
    frame.row = row;
    let deepest = this.#deepest;
    for (;;) {
      frame.at = start;
      frame.end = end;
      const failed = this.#layers(protocol, deepest);
      if (failed === 0) return;
      // The packet inside is cut off: once more, down to the one around it.
      clearLayers(this.#columns, row, true);
      deepest = failed - 1;
    }
  }

  /** @returns 0, or how deep in tunnels the packet is of which there is not enough */
  #layers(protocol: number, deepest: number): number {
    let etherType = this.#link(protocol);
    for (let depth = 0; ; depth++) {
      this.network = this.#frame.at;
      this.transport = -1;
      const ipProtocol = this.#network(etherType);
      this.end = this.#frame.end;
      if (ipProtocol === NO_PACKET) {
        this.network = -1;
        return isIp(etherType) ? depth : 0;
      }
      if (ipProtocol >= FRAGMENT) return 0;
      this.transport = this.#frame.at;
      this.transportProtocol = ipProtocol;
      transport(this.#frame, this.#columns, ipProtocol);
      if (depth === deepest) return 0;
      const inside = insideOf(this.#frame, ipProtocol);
      if (inside === 0) return 0;
      etherType = this.#enter(inside);
      if (etherType === 0) return depth + 1;
    }
  }

  /** Begins with the packet in a tunnel, which takes the place of the one around it. @returns as `#link` */
  #enter(inside: number): number {
    const isFrame = inside === ETHER_TYPE.ethernet;
    clearLayers(this.#columns, this.#frame.row, isFrame);
    return isFrame ? this.#link(HEADER_PROTOCOL.ethernet) : this.#tags(inside);
  }

  /** Layer 2. @returns the EtherType of layer 3 */
  #link(protocol: number): number {
    const frame = this.#frame;
    switch (protocol) {
      case HEADER_PROTOCOL.ethernet:
        return this.#tags(ethernet(frame, this.#columns));
      case HEADER_PROTOCOL.ipv4:
      case HEADER_PROTOCOL.ipv6:
        return versionType(frame);
      case HEADER_PROTOCOL.ppp:
      case HEADER_PROTOCOL.pos:
        return this.#tags(ppp(frame));
      case HEADER_PROTOCOL.mpls:
        return this.#tags(ETHER_TYPE.mpls);
      case HEADER_PROTOCOL.wifi:
        return this.#tags(wifi(frame, this.#columns));
      case HEADER_PROTOCOL.llc:
        return this.#tags(llc(frame));
      default:
        return 0;
    }
  }

  /** What may stand between layers 2 and 3: VLAN tags, PPPoE, MPLS. The EtherType goes to its column. */
  #tags(first: number): number {
    const frame = this.#frame;
    const { etype } = this.#columns;
    let type = vlans(frame, this.#columns, first);
    etype[frame.row] = type;
    if (type === ETHER_TYPE.pppoe) type = pppoe(frame);
    if (type === ETHER_TYPE.mpls || type === ETHER_TYPE.mplsMulticast) {
      etype[frame.row] = type;
      type = mpls(frame, this.#columns);
    }
    return type;
  }

  #network(etherType: number): number {
    switch (etherType) {
      case ETHER_TYPE.ipv4:
        return ipv4(this.#frame, this.#columns);
      case ETHER_TYPE.ipv6:
        return ipv6(this.#frame, this.#columns);
      default:
        return NO_PACKET;
    }
  }
}

function isIp(etherType: number): boolean {
  return etherType === ETHER_TYPE.ipv4 || etherType === ETHER_TYPE.ipv6;
}

/** Empties what the header of a packet has written. @param withLink layer 2 too */
export function clearLayers(columns: Columns, row: number, withLink: boolean): void {
  if (withLink) {
    columns.srcMac.high[row] = 0;
    columns.srcMac.low[row] = 0;
    columns.dstMac.high[row] = 0;
    columns.dstMac.low[row] = 0;
    columns.vlanId[row] = 0;
    columns.mplsLabel[row] = 0;
  }
  columns.etype[row] = 0;
  columns.srcAddr.fill(0, row * 4, row * 4 + 4);
  columns.dstAddr.fill(0, row * 4, row * 4 + 4);
  columns.proto[row] = 0;
  columns.srcPort[row] = 0;
  columns.dstPort[row] = 0;
  columns.ipTos[row] = 0;
  columns.ipTtl[row] = 0;
  columns.ipFlags[row] = 0;
  columns.tcpFlags[row] = 0;
  columns.icmpType[row] = 0;
  columns.icmpCode[row] = 0;
  columns.ipv6FlowLabel[row] = 0;
  columns.fragmentId[row] = 0;
  columns.fragmentOffset[row] = 0;
}
