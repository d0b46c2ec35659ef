import type { Random } from '../../support/flow-messages/random.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  mplsStack,
  tcpHeader,
  udpDatagram,
} from '../../support/sampled-packets.ts';
import {
  counterSample,
  flowSample,
  sampledHeader,
  sflowDatagram,
} from '../../support/sflow-writer.ts';

/** Counter records and extended flow records by format: as many octets as each has. */
const COUNTERS = [
  [1, 88],
  [2, 52],
  [3, 72],
  [4, 80],
  [5, 28],
  [1001, 28],
] as const;
const EXTENDED = [
  [1001, 16],
  [1002, 16],
  [1003, 44],
  [1006, 24],
] as const;

/** Datagrams of sFlow v5 with samples of all kinds. */
export function sflowDatagrams(random: Random): Uint8Array[] {
  const record = ([format, length]: readonly [number, number]) => ({
    format,
    data: random.octets(length),
  });
  return Array.from({ length: 60 }, () => {
    const samples = Array.from({ length: random.int(1, 5) }, () =>
      random.once(2)
        ? counterSample({ records: [record(random.pick(COUNTERS))] }, random.once(2))
        : flowSample(
            { records: [sampledHeader(packet(random)), record(random.pick(EXTENDED))] },
            random.once(2),
          ),
    );
    return sflowDatagram({ agent: random.pick(['192.0.2.1', '2001:db8::1']), samples });
  });
}

function packet(random: Random): Uint8Array {
  const transport = random.once(2)
    ? ([6, tcpHeader(443, 50_000, 0x18)] as const)
    : ([17, udpDatagram(53, 50_000)] as const);
  const [protocol, octets] = transport;
  const isIpv4 = random.once(2);
  const inner = isIpv4 ? ipv4Packet({ protocol }, octets) : ipv6Packet({ next: protocol }, octets);
  const etherType = isIpv4 ? 0x800 : 0x86dd;
  if (random.once(4)) return ethernetFrame(0x8847, mplsStack([16, 17], inner));
  const tags = random.once(3)
    ? [
        [0x88a8, 5],
        [0x8100, 7],
      ]
    : [];
  return ethernetFrame(etherType, inner, tags);
}
