import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../src/flow/decode/columns/netflow-columns.ts';
import { makeDecodeCounters } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import type { Packets } from '../../src/flow/model/packets.ts';
import { noCaptures, readCapture } from '../../test/support/flow-captures.ts';
import { ipfixMessage, netflow5Message, set, variable } from '../../test/support/netflow-writer.ts';
import { packetsOf } from '../../test/support/packets.ts';
import { type Measurement, type Prepared, Unavailable, workFor } from './measurement.ts';
import { type FlowTraffic, ipfixTraffic, v9Traffic } from './traffic.ts';

/** Datagrams of a batch, as a worker takes them from a ring. */
const DATAGRAMS = 256;
const RECORDS = 22;
const WARM_UP_MS = 500;

const CAPTURE = 'ipfix-multi-sources-23exporters-v4v6.pcap';

/** Decoders to columns: one process, from memory to batches of rows that nobody reads. */
export const decode: readonly Measurement[] = [
  measurement('v9', 'NetFlow v9, 21 fields, 22 records a packet', () => v9Traffic(DATAGRAMS)),
  measurement('ipfix', 'IPFIX, 25 fields, 22 records a packet', () => ipfixTraffic(DATAGRAMS)),
  measurement('variable-length', 'the same IPFIX, and a name of 4 to 19 octets', variableLength),
  measurement('v5', 'NetFlow v5, 30 records a packet', v5Traffic),
  {
    id: 'decode/multi-source columns',
    description: `columns of ${CAPTURE}: 23 exporters, 3 records a set, templates and options among them`,
    unit: 'records',
    prepare: () => {
      if (noCaptures !== false) throw new Unavailable(noCaptures);
      const packets = readCapture(CAPTURE);
      return repeat(packets, packets);
    },
  },
];

function measurement(name: string, what: string, make: () => FlowTraffic): Measurement {
  return {
    id: `decode/${name} columns`,
    description: `columns of ${what}`,
    unit: 'records',
    prepare: () => {
      const { template, data } = make();
      return repeat(packetsOf([template]), packetsOf(data));
    },
  };
}

/** Decodes the same batch again and again. */
function repeat(first: Packets, batch: Packets): Prepared {
  let rows = 0;
  const counters = makeDecodeCounters();
  const writer = new BatchWriter((full) => {
    rows += full.rows;
  });
  const consumers = [new NetflowColumns(writer, { counters })];
  const netflow = new NetflowWalker({ counters, consumers });
  const decoder = new Decoder({
    counters,
    netflow,
    sflow: { datagram: () => undefined, endBatch: () => undefined },
  });
  const step = () => {
    const before = rows;
    decoder.decode(batch);
    return rows - before;
  };
  decoder.decode(first);
  workFor(WARM_UP_MS, step);
  return { run: (milliseconds) => workFor(milliseconds, step) };
}

/** Octets of the fields before the one of variable length, and of a record without it. */
const BEFORE_NAME = 28;
const RECORD = 80;
const NAME = [...Buffer.from([0, 82, 0xff, 0xff])];

/** The records of ipfixTraffic with an interfaceName (82) of variable length among their fields. */
function variableLength(): FlowTraffic {
  const { template, data, recordsEach } = ipfixTraffic(DATAGRAMS, RECORDS);
  const fields = [...template.subarray(24)];
  fields.splice(12 * 4, 0, ...NAME);
  const records = (message: Buffer) =>
    Array.from({ length: recordsEach }, (_, i) => {
      const record = [...message.subarray(20 + i * RECORD, 20 + (i + 1) * RECORD)];
      const name = Buffer.from(`ge-0/0/${i}.${'0'.repeat(i % 12)}`);
      return [...record.slice(0, BEFORE_NAME), ...variable(name), ...record.slice(BEFORE_NAME)];
    }).flat();
  return {
    template: Buffer.from(ipfixMessage([set(2, [1, 0, 0, 26, ...fields])])),
    data: data.map((message, i) =>
      Buffer.from(ipfixMessage([set(256, records(message))], { sequence: i * recordsEach })),
    ),
    recordsEach,
  };
}

function v5Traffic(): FlowTraffic {
  const record = (flow: number) =>
    Array.from({ length: 48 }, (_, at) => (flow * 31 + at * 7) & 0xff);
  const data = Array.from({ length: DATAGRAMS }, (_, i) =>
    Buffer.from(
      netflow5Message(
        Array.from({ length: 30 }, (_, n) => record(i * 30 + n)),
        { sequence: i * 30 },
      ),
    ),
  );
  return { template: Buffer.of(), data, recordsEach: 30 };
}
