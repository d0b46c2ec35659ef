import type { FlowProtocol, Packets } from '../model/packets.ts';
import { NETFLOW5_HEADER } from './netflow5.ts';
import type { MessageHeader } from './record-consumer.ts';
import type { Origin } from './session-table.ts';

/** Octets of the headers of NetFlow v9 and IPFIX. */
export const NETFLOW9_HEADER = 20;
export const IPFIX_HEADER = 16;

/** The header of the message that is being decoded, and where it came from. */
export class NetflowHeader implements MessageHeader, Origin {
  protocol: FlowProtocol = 'netflow5';
  version: 5 | 9 | 10 = 5;
  length = 0;
  count = 0;
  sysUptime = 0;
  exportSeconds = 0;
  exportNanoseconds = 0;
  sequence = 0;
  domain = 0;
  sampling = 0;
  receivedMs = 0;
  listenPort = 0;
  sources: Uint32Array = new Uint32Array(4);
  at = 0;
  port = 0;
  /** Octets of the header itself. */
  headerLength = 0;

  /**
   * Reads the header of a datagram of version 5, 9 or 10.
   *
   * @param view of all payloads
   * @returns false when it is cut
   */
  read(packets: Packets, index: number, view: DataView): boolean {
    const at = packets.offsets[index] as number;
    const available = packets.lengths[index] as number;
    this.receivedMs = packets.receivedMs[index] as number;
    this.listenPort = packets.listenPorts[index] as number;
    this.sources = packets.sources;
    this.at = index * 4;
    this.port = packets.ports[index] as number;
    this.length = available;
    switch (view.getUint16(at)) {
      case 5:
        return this.#netflow5(view, at, available);
      case 9:
        return this.#netflow9(view, at, available);
      default:
        return this.#ipfix(view, at, available);
    }
  }

  /** A copy that stays as it is. */
  snapshot(): MessageHeader {
    const { protocol, version, length, count, sysUptime, exportSeconds, exportNanoseconds } = this;
    const { sequence, domain, sampling, receivedMs, listenPort } = this;
    return {
      ...{ protocol, version, length, count, sysUptime, exportSeconds, exportNanoseconds },
      ...{ sequence, domain, sampling, receivedMs, listenPort },
    };
  }

  #netflow5(view: DataView, at: number, available: number): boolean {
    this.protocol = 'netflow5';
    this.version = 5;
    this.headerLength = NETFLOW5_HEADER;
    if (available < NETFLOW5_HEADER) return false;
    this.count = view.getUint16(at + 2);
    this.sysUptime = view.getUint32(at + 4);
    this.exportSeconds = view.getUint32(at + 8);
    this.exportNanoseconds = view.getUint32(at + 12);
    this.sequence = view.getUint32(at + 16);
    this.domain = view.getUint16(at + 20);
    this.sampling = view.getUint16(at + 22);
    return true;
  }

  #netflow9(view: DataView, at: number, available: number): boolean {
    this.protocol = 'netflow9';
    this.version = 9;
    this.headerLength = NETFLOW9_HEADER;
    if (available < NETFLOW9_HEADER) return false;
    this.count = view.getUint16(at + 2);
    this.sysUptime = view.getUint32(at + 4);
    this.exportSeconds = view.getUint32(at + 8);
    this.exportNanoseconds = 0;
    this.sequence = view.getUint32(at + 12);
    this.domain = view.getUint32(at + 16);
    this.sampling = 0;
    return true;
  }

  #ipfix(view: DataView, at: number, available: number): boolean {
    this.protocol = 'ipfix';
    this.version = 10;
    this.headerLength = IPFIX_HEADER;
    if (available < IPFIX_HEADER) return false;
    this.length = view.getUint16(at + 2);
    this.count = 0;
    this.sysUptime = 0;
    this.exportSeconds = view.getUint32(at + 4);
    this.exportNanoseconds = 0;
    this.sequence = view.getUint32(at + 8);
    this.domain = view.getUint32(at + 12);
    this.sampling = 0;
    return true;
  }
}
