/** Random sFlow datagrams that are valid, with every kind of sample and record. */
import fc from 'fast-check';
import { COUNTER_RECORDS, FLOW_RECORDS } from '../../src/flow/decode/sflow/structures/catalogue.ts';
import type { Structure } from '../../src/flow/decode/sflow/structures/structure.ts';
import { arbitraryRecord } from './arbitrary-sflow-records.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  mplsStack,
  tcpHeader,
  udpDatagram,
} from './sampled-packets.ts';
import {
  counterSample,
  discardedPacket,
  flowSample,
  type SflowRecordSpec,
  sampledHeader,
  sflowDatagram,
} from './sflow-writer.ts';

const u32 = fc.nat(0xffffffff);
const port = fc.nat(0xffff);

const transport: fc.Arbitrary<readonly [protocol: number, octets: Buffer]> = fc.oneof(
  fc.tuple(port, port, fc.nat(0xfff)).map((header) => [6, tcpHeader(...header)] as const),
  fc.tuple(port, port).map((ports) => [17, udpDatagram(...ports)] as const),
  fc.tuple(fc.nat(255), fc.nat(255)).map((octets) => [1, Buffer.from([...octets, 0, 0])] as const),
);

const ip: fc.Arbitrary<readonly [etherType: number, octets: Buffer]> = transport.chain(
  ([protocol, payload]) =>
    fc.oneof(
      fc
        .record({ tos: fc.nat(255), ttl: fc.nat(255), id: port, fragment: fc.nat(0x3fff) })
        .map((spec) => [0x800, ipv4Packet({ ...spec, protocol }, payload)] as const),
      fc
        .record({ trafficClass: fc.nat(255), flowLabel: fc.nat(0xfffff), hopLimit: fc.nat(255) })
        .map((spec) => [0x86dd, ipv6Packet({ ...spec, next: protocol }, payload)] as const),
    ),
);

/** Packets, some of them in tunnels. */
const packet = ip.chain(([etherType, inner]) => {
  const vxlan = Buffer.concat([
    Buffer.from('0800000000000100', 'hex'),
    ethernetFrame(etherType, inner),
  ]);
  return fc.constantFrom<readonly [number, Buffer]>(
    [etherType, inner],
    [etherType, inner],
    [0x800, ipv4Packet({ protocol: etherType === 0x800 ? 4 : 41 }, inner)],
    [0x800, ipv4Packet({ protocol: 17 }, udpDatagram(9, 4789, vxlan))],
    [0x8847, mplsStack([16, 17], inner)],
  );
});

const tags = fc.array(
  fc.tuple(fc.constantFrom(0x8100, 0x88a8), port).map(([type, control]) => [type, control]),
  { maxLength: 3 },
);

const header: fc.Arbitrary<SflowRecordSpec> = fc
  .tuple(packet, tags, u32, fc.integer({ min: 1, max: 128 }))
  .map(([[etherType, octets], tagged, frameLength, length]) =>
    sampledHeader(ethernetFrame(etherType, octets, tagged).subarray(0, length), { frameLength }),
  );

function recordOf(structures: ReadonlyMap<number, Structure>): fc.Arbitrary<SflowRecordSpec> {
  return fc.constantFrom(...structures.values()).chain((structure) =>
    arbitraryRecord(structure, ({ key }) => key).map(({ data }) => ({
      format: structure.format,
      data,
    })),
  );
}

const flowRecords = fc.array(fc.oneof(header, recordOf(FLOW_RECORDS)), { maxLength: 5 });
const counterRecords = fc.array(recordOf(COUNTER_RECORDS), { maxLength: 4 });

const sample: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(
      fc.record({
        sequence: u32,
        source: fc.nat(0xffffff),
        samplingRate: u32,
        samplePool: u32,
        drops: u32,
        input: fc.nat(0x3fffffff),
        output: fc.nat(0x3fffffff),
        outputFormat: fc.nat(2),
        records: flowRecords,
      }),
      fc.boolean(),
    )
    .map(([spec, expanded]) => flowSample(spec, expanded)),
  fc
    .tuple(
      fc.record({ sequence: u32, source: fc.nat(0xffffff), records: counterRecords }),
      fc.boolean(),
    )
    .map(([spec, expanded]) => counterSample(spec, expanded)),
  fc.record({ reason: fc.nat(300), records: flowRecords }).map((spec) => discardedPacket(spec)),
);

export const arbitrarySflowDatagram: fc.Arbitrary<Buffer> = fc
  .record({
    agent: fc.constantFrom('', '192.0.2.1', '2001:db8::1'),
    subAgent: u32,
    sequence: u32,
    uptimeMs: u32,
    samples: fc.array(sample, { maxLength: 6 }),
  })
  .map((spec) => sflowDatagram(spec));
