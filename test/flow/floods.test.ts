import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchWriter } from '../../src/flow/decode/batch-writer.ts';
import { NetflowColumns } from '../../src/flow/decode/columns/netflow-columns.ts';
import { COMMON_WORD, makeDecodeCounters, ProtocolCounts } from '../../src/flow/decode/counters.ts';
import { Decoder } from '../../src/flow/decode/decoder.ts';
import { DECODE_LIMITS } from '../../src/flow/decode/limits.ts';
import { NetflowWalker } from '../../src/flow/decode/netflow-walker.ts';
import { SflowColumns } from '../../src/flow/decode/sflow/columns.ts';
import { SflowWalker } from '../../src/flow/decode/sflow/walker.ts';
import { makePackets, type Packets } from '../../src/flow/model/packets.ts';
import { liveMebibytes } from '../support/live-memory.ts';
import {
  ipfixMessage,
  ipfixTemplate,
  netflow9Message,
  netflow9Template,
  type Spec,
  set,
} from '../support/netflow-writer.ts';
import { flowSample, sflowDatagram } from '../support/sflow-writer.ts';

const SOURCES = 1_000_000;
/** Datagrams of strangers between two of the real exporter. */
const BETWEEN = 1000;
const PER_SECOND = 100_000;
/** What decoders may hold beyond what they held before, in MiB. */
const MOST = 100;
const MAPPED = 0xffff;
const EXPORTER = 0xc0000201;

/** Decoders of a worker, with an exporter that is known to them and strangers that are not. */
class Flooded {
  readonly counters = makeDecodeCounters();
  readonly #packets: Packets = makePackets(1, 2048);
  readonly #decoder: Decoder;
  readonly #writer: BatchWriter;
  /** Rows of the exporter. */
  rows = 0;
  #ms = 1_700_000_000_000;

  constructor() {
    const { counters } = this;
    this.#writer = new BatchWriter((batch) => {
      const { samplerAddress } = batch.columns;
      for (let row = 0; row < batch.rows; row++) {
        if (samplerAddress[row * 4 + 3] === EXPORTER) this.rows++;
      }
    });
    const columns = new NetflowColumns(this.#writer, { counters });
    this.#decoder = new Decoder({
      counters,
      netflow: new NetflowWalker({ counters, consumers: [columns] }),
      sflow: new SflowWalker(new SflowColumns(this.#writer), counters),
    });
  }

  send(payload: Uint8Array, source: number, port = 4000): void {
    const packets = this.#packets;
    packets.bytes.set(payload);
    packets.lengths[0] = payload.length;
    packets.sources[2] = MAPPED;
    packets.sources[3] = source;
    packets.ports[0] = port;
    this.#ms += 1000 / PER_SECOND;
    packets.receivedMs[0] = this.#ms;
    packets.count = 1;
    this.#decoder.decode(packets);
  }

  /** Lets time go by. */
  wait(milliseconds: number): void {
    this.#ms += milliseconds;
  }

  flush(): void {
    this.#writer.flush();
  }
}

interface Flood {
  /** What makes the exporter known, and one datagram of its own. */
  readonly introduction: Uint8Array;
  readonly honest: (sequence: number) => Uint8Array;
  /** Datagrams that each stranger sends. */
  readonly each?: number;
  /** The datagram of a stranger with this number. */
  readonly stranger: (number: number) => Uint8Array;
}

/** @returns what is held more, and what the exporter's datagrams became */
function flood({ introduction, honest, stranger, each = 1 }: Flood) {
  const flooded = new Flooded();
  for (let i = 0; i < 5; i++) {
    flooded.send(introduction, EXPORTER);
    flooded.wait(1000);
  }
  const before = liveMebibytes();
  let sent = 0;
  for (let i = 0; i < SOURCES; i++) {
    const number = Math.floor(i / each);
    flooded.send(stranger(i), 0x0a000000 + number, 1024 + (number % 50_000));
    if (i % BETWEEN === 0) flooded.send(honest(sent++), EXPORTER);
  }
  flooded.flush();
  const grown = liveMebibytes() - before;
  return { grown, sent, rows: flooded.rows, counters: flooded.counters };
}

const FIELDS: readonly Spec[] = [
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [1, 8],
  [2, 8],
];
const RECORD = Buffer.alloc(29, 1);
const HONEST_TEMPLATE = 300;

/** Fields of strangers: which elements they are differs from one to the next. */
const STRANGE_FIELDS: readonly Spec[] = Array.from({ length: 30 }, (_, i) => [500, 4 + (i % 5)]);
/** Octets of a set and a template before the first field. */
const TEMPLATE_HEAD = 8;

/** Gives a stranger's template fields that no other has. @param at its first field */
function estrange(message: Buffer, at: number, number: number): Buffer {
  for (let i = 0; i < STRANGE_FIELDS.length; i++) {
    message.writeUInt16BE(500 + ((number >>> (i % 20)) & 1) + i * 2, at + i * 4);
  }
  return message;
}

const bytes = (message: Iterable<number>) => Buffer.from([...message]);
const IPFIX_HEADER = 16;
const NETFLOW9_HEADER = 20;
/** The domain of an IPFIX message. */
const IPFIX_DOMAIN = 12;

describe('floods from a million invented sources are bounded, and hold up no one', () => {
  test('templates of IPFIX, each another', () => {
    const message = bytes(ipfixMessage([set(2, ipfixTemplate(256, STRANGE_FIELDS))]));
    const { grown, sent, rows, counters } = flood({
      introduction: bytes(ipfixMessage([set(2, ipfixTemplate(HONEST_TEMPLATE, FIELDS))])),
      honest: (sequence) => bytes(ipfixMessage([set(HONEST_TEMPLATE, RECORD)], { sequence })),
      stranger: (number) => estrange(message, IPFIX_HEADER + TEMPLATE_HEAD, number),
    });
    assert.equal(rows, sent);
    assert.ok(grown < MOST, `${grown} MiB more are held`);
    const { sessions, newcomers } = DECODE_LIMITS;
    assert.ok((counters[COMMON_WORD.sessions] as number) <= sessions + newcomers);
  });

  test('templates of NetFlow v9, hundreds of each stranger, with data that fits none', () => {
    const template = set(0, netflow9Template(256, STRANGE_FIELDS));
    const message = bytes(netflow9Message([template, set(65_000, RECORD)]));
    const { grown, sent, rows } = flood({
      each: 700,
      introduction: bytes(netflow9Message([set(0, netflow9Template(HONEST_TEMPLATE, FIELDS))])),
      honest: (sequence) => bytes(netflow9Message([set(HONEST_TEMPLATE, RECORD)], { sequence })),
      stranger: (number) => {
        message.writeUInt16BE(256 + (number % 700), NETFLOW9_HEADER + 4);
        return estrange(message, NETFLOW9_HEADER + TEMPLATE_HEAD, number);
      },
    });
    assert.equal(rows, sent);
    assert.ok(grown < MOST, `${grown} MiB more are held`);
  });

  test('data that waits for templates that never come', () => {
    const message = bytes(ipfixMessage([set(256, Buffer.alloc(1000, 1))]));
    const { grown, sent, rows, counters } = flood({
      introduction: bytes(ipfixMessage([set(2, ipfixTemplate(HONEST_TEMPLATE, FIELDS))])),
      honest: (sequence) => bytes(ipfixMessage([set(HONEST_TEMPLATE, RECORD)], { sequence })),
      stranger: (number) => {
        message.writeUInt32BE(number, IPFIX_DOMAIN);
        message.writeUInt16BE(256 + (number % 3), IPFIX_HEADER);
        return message;
      },
    });
    assert.equal(rows, sent);
    assert.ok(grown < MOST, `${grown} MiB more are held`);
    assert.ok((counters[COMMON_WORD.pendingBytes] as number) <= DECODE_LIMITS.pendingBytes);
  });

  test('agents, sub-agents and data sources of sFlow', () => {
    const datagram = (subAgent: number, sequence: number) =>
      sflowDatagram({
        subAgent,
        sequence,
        samples: [flowSample({ source: subAgent & 0xffffff, records: [] })],
      });
    const { grown, sent, counters } = flood({
      introduction: datagram(0, 0),
      honest: (sequence) => datagram(0, sequence + 1),
      stranger: (number) => datagram(number, number),
    });
    assert.ok(grown < MOST, `${grown} MiB more are held`);
    const counts = new ProtocolCounts(counters, 'sflow');
    assert.equal(counts.get('records'), SOURCES + sent + 5);
    assert.equal(counts.get('decodedDatagrams'), SOURCES + sent + 5);
  });
});
