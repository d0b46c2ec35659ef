/** Sampled headers as vFlow's JSON: L2, L3 and L4 of the packet that a router forwarded. */
import { shortAt, wordAt } from '../../decode/bytes/words.ts';
import { IP_PROTOCOL } from '../../decode/headers/frame.ts';
import { clearLayers, HeaderParser } from '../../decode/headers/header-parser.ts';
import { FlowBatch } from '../../model/flow-batch.ts';
import { putUint } from '../digits.ts';
import { type Literal, makeLiteral, OVERRUN, putLiteral } from '../literal.ts';
import type { TextOutput } from '../sflow/growing-buffer.ts';
import { putAddress } from '../sflow/structure-json.ts';
import { putMacText } from './values.ts';

type Number = readonly [key: Literal, value: (bytes: Uint8Array, at: number) => number];

/** Numbers of a layer, with the keys and in the order of vFlow's. */
function numbers(
  values: Readonly<Record<string, (bytes: Uint8Array, at: number) => number>>,
): readonly Number[] {
  return Object.entries(values).map(([key, value], i) => [
    makeLiteral(`${i === 0 ? '{' : ','}"${key}":`),
    value,
  ]);
}

const octet = (offset: number) => (bytes: Uint8Array, at: number) => bytes[at + offset] as number;
const short = (offset: number) => (bytes: Uint8Array, at: number) => shortAt(bytes, at + offset);

const IPV4 = numbers({
  Version: () => 4,
  TOS: octet(1),
  TotalLen: short(2),
  ID: short(4),
  Flags: (bytes, at) => (bytes[at + 6] as number) >>> 5,
  FragOff: (bytes, at) => shortAt(bytes, at + 6) & 0x1fff,
  TTL: octet(8),
  Protocol: octet(9),
  Checksum: short(10),
});

const IPV6 = numbers({
  Version: () => 6,
  TrafficClass: (bytes, at) => (wordAt(bytes, at) >>> 20) & 0xff,
  FlowLabel: (bytes, at) => wordAt(bytes, at) & 0xfffff,
  PayloadLen: short(4),
  NextHeader: octet(6),
  HopLimit: octet(7),
});

const TCP = numbers({
  SrcPort: short(0),
  DstPort: short(2),
  DataOffset: (bytes, at) => (bytes[at + 12] as number) >>> 4,
  Reserved: () => 0,
  Flags: (bytes, at) => shortAt(bytes, at + 12) & 0x1ff,
});

const PORTS = numbers({ SrcPort: short(0), DstPort: short(2) });
const ICMP = numbers({ Type: octet(0), Code: octet(1) });

const L2_START = makeLiteral('{"L2":{"SrcMAC":');
const L2_DESTINATION = makeLiteral(',"DstMAC":');
const L2_VLAN = makeLiteral(',"Vlan":');
const L2_TYPE = makeLiteral(',"EtherType":');
const L3 = makeLiteral('},"L3":');
const L3_SOURCE = makeLiteral(',"Src":');
const L3_DESTINATION = makeLiteral(',"Dst":');
const L4 = makeLiteral(',"L4":');
const REST = makeLiteral(',"RestHeader":"');
const END_OF_REST = makeLiteral('"');
const FRAME_LENGTH = makeLiteral(',"FrameLength":');
const CLOSE = makeLiteral('}');
const NULL = makeLiteral('null');
const NO_MAC = makeLiteral('""');

/** All that one header can become. */
const ROOM = 1024;

export class SampledHeaderJson {
  readonly #columns = new FlowBatch(1).columns;
  readonly #parser = new HeaderParser(this.#columns);

  /** @param start of the record, which is at least 16 octets long */
  put(out: TextOutput, bytes: Uint8Array, start: number, end: number): void {
    const view = out.ensure(ROOM + OVERRUN);
    const last = Math.min(end, start + 16 + wordAt(bytes, start + 12));
    clearLayers(this.#columns, 0, true);
    this.#parser.parse(wordAt(bytes, start), bytes, start + 16, last, 0);
    out.at = this.#putLink(view, out.at);
    out.at = this.#putNetwork(view, out, bytes);
    out.at = putLiteral(view, out.at, L4);
    out.at = this.#putTransport(view, out.at, bytes);
    out.at = putUint(view, putLiteral(view, out.at, FRAME_LENGTH), wordAt(bytes, start + 4));
    out.at = putLiteral(view, out.at, CLOSE);
  }

  #putLink(view: DataView, at: number): number {
    const { srcMac, dstMac, vlanId, etype } = this.#columns;
    let next = putLiteral(view, at, L2_START);
    next = putMac(view, next, srcMac.high[0] as number, srcMac.low[0] as number);
    next = putLiteral(view, next, L2_DESTINATION);
    next = putMac(view, next, dstMac.high[0] as number, dstMac.low[0] as number);
    next = putUint(view, putLiteral(view, next, L2_VLAN), vlanId[0] as number);
    next = putUint(view, putLiteral(view, next, L2_TYPE), etype[0] as number);
    return putLiteral(view, next, L3);
  }

  #putNetwork(view: DataView, out: TextOutput, bytes: Uint8Array): number {
    const at = this.#parser.network;
    if (at < 0) return putLiteral(view, out.at, NULL);
    const isIpv4 = (bytes[at] as number) >>> 4 === 4;
    out.at = putNumbers(view, out.at, isIpv4 ? IPV4 : IPV6, bytes, at);
    const addresses = at + (isIpv4 ? 12 : 8);
    out.at = putLiteral(view, out.at, L3_SOURCE);
    putAddress(out, isIpv4 ? 1 : 2, bytes, addresses);
    out.at = putLiteral(view, out.at, L3_DESTINATION);
    putAddress(out, isIpv4 ? 1 : 2, bytes, addresses + (isIpv4 ? 4 : 16));
    return putLiteral(view, out.at, CLOSE);
  }

  #putTransport(view: DataView, at: number, bytes: Uint8Array): number {
    const { transport, transportProtocol, end } = this.#parser;
    const there = transport < 0 ? 0 : end - transport;
    switch (transportProtocol) {
      case IP_PROTOCOL.tcp:
        if (there < 14) break;
        return putLiteral(view, putNumbers(view, at, TCP, bytes, transport), CLOSE);
      case IP_PROTOCOL.udp:
      case IP_PROTOCOL.udpLite:
      case IP_PROTOCOL.sctp:
      case IP_PROTOCOL.dccp:
        if (there < 4) break;
        return putLiteral(view, putNumbers(view, at, PORTS, bytes, transport), CLOSE);
      case IP_PROTOCOL.icmp:
      case IP_PROTOCOL.icmpv6:
        if (there < 2) break;
        return putIcmp(view, at, bytes, transport, end);
    }
    return putLiteral(view, at, NULL);
  }
}

function putNumbers(
  view: DataView,
  at: number,
  layer: readonly Number[],
  bytes: Uint8Array,
  from: number,
): number {
  let next = at;
  for (const [key, value] of layer) {
    next = putUint(view, putLiteral(view, next, key), value(bytes, from));
  }
  return next;
}

/** The four octets behind the checksum are base64, as Go has octets. */
function putIcmp(view: DataView, at: number, bytes: Uint8Array, from: number, end: number): number {
  const rest = Buffer.from(bytes.subarray(from + 4, Math.min(end, from + 8))).toString('base64');
  let next = putLiteral(view, putNumbers(view, at, ICMP, bytes, from), REST);
  next = putLiteral(view, next, makeLiteral(rest));
  return putLiteral(view, putLiteral(view, next, END_OF_REST), CLOSE);
}

/** An empty text where there is none. */
function putMac(view: DataView, at: number, high: number, low: number): number {
  return (high | low) === 0 ? putLiteral(view, at, NO_MAC) : putMacText(view, at, high, low);
}
