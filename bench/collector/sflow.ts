/** sFlow v5: flow samples with the first 128 octets of a packet, switch and router data, as switches send them. */
import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { SflowColumns } from '../../src/flow/decode/sflow/columns.ts';
import type { SflowConsumer } from '../../src/flow/decode/sflow/consumer.ts';
import { SflowWalker } from '../../src/flow/decode/sflow/walker.ts';
import { VflowJson } from '../../src/flow/format/vflow/vflow-json.ts';
import type { Packets } from '../../src/flow/model/packets.ts';
import { packetsOf } from '../../test/support/packets.ts';
import {
  ethernetFrame,
  ipv4Packet,
  ipv6Packet,
  tcpHeader,
  udpDatagram,
} from '../../test/support/sampled-packets.ts';
import {
  flowSample,
  sampledHeader,
  sflowDatagram,
  typedAddress,
  words,
} from '../../test/support/sflow-writer.ts';
import { type Measurement, type Prepared, workFor } from './measurement.ts';

const DATAGRAMS = 256;
/** As many as fit into 1,500 octets. */
const SAMPLES = 6;
const HEADER_OCTETS = 128;

export const sflow: readonly Measurement[] = [
  {
    id: 'sflow/columns',
    description: `sFlow v5, ${SAMPLES} flow samples a datagram (header of 128 octets, switch, router), to columns`,
    unit: 'samples',
    prepare: () => {
      let rows = 0;
      const writer = new BatchWriter((batch) => {
        rows += batch.rows;
      });
      return prepare(new SflowColumns(writer), () => {
        writer.flush();
        const done = rows;
        rows = 0;
        return done;
      });
    },
  },
  {
    id: 'sflow/vflow json',
    description: "the same to vFlow's JSON",
    unit: 'samples',
    prepare: () => {
      let records = 0;
      const json = new VflowJson({
        keyed: false,
        handOn: (batch) => {
          records += batch.records;
        },
      });
      return prepare(json.sflow, () => {
        json.flush();
        const done = records;
        records = 0;
        return done;
      });
    },
  },
];

function prepare(consumer: SflowConsumer, done: () => number): Prepared {
  const packets = traffic();
  const walker = new SflowWalker(consumer, makeDecodeCounters());
  const step = () => {
    for (let i = 0; i < packets.count; i++) walker.datagram(packets, i);
    return done();
  };
  for (let i = 0; i < 50; i++) step();
  return { run: (milliseconds) => workFor(milliseconds, step) };
}

/** Datagrams of one agent; each sample is of another flow, one in eight of IPv6. */
function traffic(): Packets {
  const datagrams = Array.from({ length: DATAGRAMS }, (_, datagram) => {
    const samples = Array.from({ length: SAMPLES }, (__, i) => sample(datagram * SAMPLES + i));
    return sflowDatagram({ sequence: datagram, samples });
  });
  return packetsOf(datagrams);
}

function sample(flow: number): Buffer {
  const router = Buffer.concat([typedAddress('198.51.100.1'), words(24, 20)]);
  const vlan = 1 + (flow % 4000);
  return flowSample({
    sequence: flow,
    source: 1 + (flow % 48),
    samplePool: flow * 512,
    input: 1 + (flow % 48),
    output: 100 + (flow % 16),
    records: [
      sampledHeader(header(flow), { frameLength: 64 + (flow % 1400) }),
      { format: 1001, data: words(vlan, 0, vlan, 0) },
      { format: 1002, data: router },
    ],
  });
}

function header(flow: number): Buffer {
  const port = 1024 + (flow % 60_000);
  const isUdp = flow % 3 === 0;
  const rest = Buffer.alloc(HEADER_OCTETS, flow & 0xff);
  const transport = isUdp
    ? udpDatagram(port, 443, rest)
    : Buffer.concat([tcpHeader(443, port, 0x18), rest]);
  const protocol = isUdp ? 17 : 6;
  const isIpv6 = flow % 8 === 0;
  const packet = isIpv6
    ? ipv6Packet({ next: protocol }, transport)
    : ipv4Packet({ protocol, source: `10.${flow & 255}.${(flow >> 8) & 255}.7` }, transport);
  return ethernetFrame(isIpv6 ? 0x86dd : 0x800, packet).subarray(0, HEADER_OCTETS);
}
