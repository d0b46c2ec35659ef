import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  tcpHeader,
  udpDatagram,
} from './sampled-packets.ts';

/** A flow in one direction, and what all its packets come to. */
export interface Flow {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 6 | 17;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly packets: number;
  /** Octets of all its IP packets. */
  readonly bytes: number;
}

/** Some traffic of IPv4 and IPv6, TCP and UDP, and a capture file of it: what exporters are given to look at. */
export function makeTraffic(flowCount: number): { flows: Flow[]; capture: Buffer } {
  const made = Array.from({ length: flowCount }, (_, i) => makeFlow(i));
  const frames = made.flatMap(({ frames }) => frames);
  return { flows: made.map(({ flow }) => flow), capture: captureOf(frames) };
}

function makeFlow(i: number): { flow: Flow; frames: Buffer[] } {
  const isIpv4 = i % 3 !== 0;
  const protocol = i % 2 === 0 ? 6 : 17;
  const packets = 1 + (i % 5);
  const sourcePort = 40_000 + i;
  const destinationPort = protocol === 6 ? 443 : 53;
  const source = isIpv4 ? `198.51.100.${1 + i}` : `2001:db8:1::${(1 + i).toString(16)}`;
  const destination = isIpv4 ? `203.0.113.${1 + i}` : `2001:db8:2::${(1 + i).toString(16)}`;
  const payload = Buffer.alloc(20 + i);
  const transport =
    protocol === 6
      ? Buffer.concat([tcpHeader(sourcePort, destinationPort, 0x10), payload])
      : udpDatagram(sourcePort, destinationPort, payload);
  const addresses = { source, destination };
  const packet = isIpv4
    ? ipv4Packet({ ...addresses, protocol, id: 1 }, transport)
    : ipv6Packet({ ...addresses, next: protocol }, transport);
  const frame = ethernetFrame(isIpv4 ? 0x800 : 0x86dd, packet);
  const flow = { source, destination, protocol, sourcePort, destinationPort } as const;
  const bytes = packet.length * packets;
  return { flow: { ...flow, packets, bytes }, frames: new Array(packets).fill(frame) };
}

/** A pcap file of Ethernet frames, ten milliseconds apart. */
function captureOf(frames: readonly Buffer[]): Buffer {
  const start = Buffer.alloc(24);
  start.writeUInt32LE(0xa1b2c3d4, 0);
  start.writeUInt16LE(2, 4);
  start.writeUInt16LE(4, 6);
  start.writeUInt32LE(65_535, 16);
  start.writeUInt32LE(1, 20);
  const records = frames.flatMap((frame, i) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(1_700_000_000 + Math.floor(i / 100), 0);
    head.writeUInt32LE((i % 100) * 10_000, 4);
    head.writeUInt32LE(frame.length, 8);
    head.writeUInt32LE(frame.length, 12);
    return [head, frame];
  });
  return Buffer.concat([start, ...records]);
}
