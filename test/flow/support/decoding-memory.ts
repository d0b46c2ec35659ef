/** A process that decodes what 1,000 exporters send by 10 templates each, and tells how much memory it has then. */
import { BatchWriter } from '../../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../../src/flow/decode/columns/netflow-columns.ts';
import {
  COMMON_WORD,
  makeDecodeCounters,
  ProtocolCounts,
} from '../../../src/flow/decode/counters.ts';
import { Decoder } from '../../../src/flow/decode/decoder.ts';
import { NetflowWalker } from '../../../src/flow/decode/netflow-walker.ts';
import { SflowColumns } from '../../../src/flow/decode/sflow/columns.ts';
import { SflowWalker } from '../../../src/flow/decode/sflow/walker.ts';
import { jsonFormat } from '../../../src/flow/format/json.ts';
import { makePackets } from '../../../src/flow/model/packets.ts';
import { ipfixMessage, ipfixTemplate, type Spec, set } from '../../support/netflow-writer.ts';

const EXPORTERS = 1000;
const TEMPLATES = 10;
const ROUNDS = 20;
const RECORDS = 20;
const FIELDS = 25;

const KNOWN: readonly Spec[] = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [1, 8],
  [2, 8],
];
const STRANGE = FIELDS - KNOWN.length;

const counters = makeDecodeCounters();
const format = jsonFormat.create(jsonFormat.options.parse({}), { extraColumns: [], keyed: true });
let octets = 0;
const writer = new BatchWriter((batch) => {
  octets += format.encode(batch, 1).bytes.length;
});
const columns = new NetflowColumns(writer, { counters });
const decoder = new Decoder({
  counters,
  netflow: new NetflowWalker({ counters, consumers: [columns] }),
  sflow: new SflowWalker(new SflowColumns(writer), counters),
});
const packets = makePackets(1, 4096);

const specs = [...KNOWN, ...Array.from({ length: STRANGE }, (): Spec => [600, 4])];
const data = Buffer.alloc((29 + 4 * STRANGE) * RECORDS, 1);
/** One message, of which only what differs is written anew: making them is not what is measured. */
const message = Buffer.from(ipfixMessage([set(2, ipfixTemplate(256, specs)), set(256, data)]));
const TEMPLATE_AT = 16 + 4;
const STRANGE_AT = TEMPLATE_AT + 4 + KNOWN.length * 4;
const SET_AT = STRANGE_AT + STRANGE * 4;

function send(exporter: number, template: number, sequence: number, ms: number): void {
  message.writeUInt32BE(sequence, 8);
  message.writeUInt16BE(256 + template, TEMPLATE_AT);
  message.writeUInt16BE(256 + template, SET_AT);
  // Fields of which no two templates have the same.
  for (let i = 0; i < STRANGE; i++) {
    const bit = ((exporter * TEMPLATES + template) >> i) & 1;
    message.writeUInt16BE(600 + i * 2 + bit, STRANGE_AT + i * 4);
  }
  packets.bytes.set(message);
  packets.lengths[0] = message.length;
  packets.sources[2] = 0xffff;
  packets.sources[3] = 0x0a000000 + exporter;
  packets.ports[0] = 4000;
  packets.receivedMs[0] = ms;
  packets.count = 1;
  decoder.decode(packets);
}

for (let round = 0; round < ROUNDS; round++) {
  for (let exporter = 0; exporter < EXPORTERS; exporter++) {
    const ms = 1_700_000_000_000 + round * 1000 + exporter;
    send(exporter, round % TEMPLATES, round * RECORDS, ms);
  }
}
writer.flush();
process.send?.({
  mebibytes: process.memoryUsage().rss / 2 ** 20,
  records: new ProtocolCounts(counters, 'ipfix').get('records'),
  templates: counters[COMMON_WORD.templates],
  octets,
});
