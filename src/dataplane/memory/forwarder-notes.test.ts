import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import fc from 'fast-check';
import { endpoint } from '../../../test/support/rule-sets.ts';
import { mappedOctets } from '../../model/address.ts';
import { type Endpoint, formatEndpoint } from '../../model/endpoint.ts';
import { COPY, PACKET, PACKET_FLAG } from '../../native/layout.ts';
import { mapMemory } from '../../native/memory.ts';
import { Notes } from '../../native/notes.ts';
import { HEADER, NOTES } from '../../native/notes-layout.ts';
import { PacketBatch } from '../../native/packet-batch.ts';
import { PacketSender } from '../../native/packet-sender.ts';
import { MISMATCHED_SLOT } from '../../table/assigned.ts';
import { COLLECTOR } from '../../table/layout.ts';
import { CounterColumns } from './counter-columns.ts';
import { COUNTER_MEMORY, CounterMemory, SLOT_COUNT } from './counter-memory.ts';
import { ForwarderNotes } from './forwarder-notes.ts';

const BATCH = 64;
const RULE_SLOT = 5;
const IPFIX = Buffer.from([0, 10, 0, 0]);

interface Packet {
  readonly from: string;
  readonly payload?: Buffer;
  readonly hasRule?: boolean;
  readonly flags?: number;
  /** Indexes of collectors: copies that no socket can send. */
  readonly to?: readonly number[];
}

const opened: CounterMemory[] = [];
afterEach(() => {
  for (const memory of opened.splice(0)) memory.close();
});

/** A forwarder without sockets, which writes the memory as a process of its own would. */
class Forwarder {
  readonly memory: CounterMemory;
  readonly #batch = new PacketBatch(BATCH, 1496);
  readonly #copies = new ArrayBuffer(BATCH * 8 * COPY.SIZE);
  readonly #sender: PacketSender;

  constructor(fd?: number) {
    this.memory = new CounterMemory(0, fd);
    if (fd === undefined) opened.push(this.memory);
    const counters = mapMemory(this.memory.fd, COUNTER_MEMORY.SIZE, true);
    new Notes(counters, COUNTER_MEMORY.NOTES).open();
    this.#sender = new PacketSender({
      ipv4Fds: [],
      ipv6Fds: [],
      mappedPrefix: new Uint8Array(12),
      batch: this.#batch,
      copies: this.#copies,
      counters,
      slotsByteOffset: COUNTER_MEMORY.SLOTS,
      slotCount: SLOT_COUNT,
      notesByteOffset: COUNTER_MEMORY.NOTES,
    });
    const table = new ArrayBuffer(2 * COLLECTOR.SIZE);
    for (const [i, text] of ['198.51.100.1:9995', '[2001:db8::9]:9996'].entries()) {
      const { octets, port } = endpoint(text);
      const bytes = new Uint8Array(table, i * COLLECTOR.SIZE, COLLECTOR.SIZE);
      bytes.set(mappedOctets(octets));
      bytes.set([port >> 8, port & 0xff, octets.length === 4 ? 4 : 6], COLLECTOR.PORT_BYTE);
    }
    this.#sender.setCollectors(table, 0, 2);
  }

  forward(...packets: readonly Packet[]): void {
    const words = new Uint32Array(this.#batch.packets);
    const bytes = new Uint8Array(this.#batch.packets);
    const copies = new Uint32Array(this.#copies);
    let count = 0;
    for (const [i, packet] of packets.entries()) {
      const { from, payload = IPFIX, hasRule = true, flags = 0, to = [] } = packet;
      const { octets, port } = endpoint(from);
      bytes.set(mappedOctets(octets), i * PACKET.SIZE);
      const at = i * PACKET.WORDS;
      words[at + PACKET.SOURCE_PORT] = port;
      words[at + PACKET.FLAGS] = flags | (octets.length === 16 ? PACKET_FLAG.IPV6 : 0);
      words[at + PACKET.INPUT_SLOT] = hasRule ? RULE_SLOT : MISMATCHED_SLOT;
      new Uint16Array(this.#batch.packets)[(i * PACKET.SIZE + PACKET.LENGTH_BYTE) / 2] =
        payload.length;
      bytes[i * PACKET.SIZE + PACKET.HOP_LIMIT_BYTE] = 64;
      new Uint8Array(this.#batch.payloads).set(payload, i * this.#batch.payloadStride);
      for (const collector of to) copies.set([i, collector], COPY.WORDS * count++);
    }
    this.#sender.send(packets.length, count);
  }
}

function notesOf(...forwarders: readonly { readonly memory: CounterMemory }[]): ForwarderNotes {
  const columns = new CounterColumns();
  for (const { memory } of forwarders) columns.add(memory);
  return new ForwarderNotes(columns);
}

const name = (one: Endpoint) => formatEndpoint(one);

test('S24: exporters of all forwarders are told once, with what each has seen of them', async () => {
  const one = new Forwarder();
  const other = new Forwarder();
  one.forward(
    { from: '192.0.2.1:7' },
    { from: '192.0.2.1:7', flags: PACKET_FLAG.TRUNCATED },
    { from: '[2001:db8::1]:8', hasRule: false, payload: Buffer.from([0, 0, 0, 5]) },
  );
  other.forward({ from: '192.0.2.1:7', flags: 3 * PACKET_FLAG.NO_COLLECTOR });
  const before = Math.floor(Date.now() / 1000) * 1000;
  const { exporters, forgotten, since } = await notesOf(one, other).sightings();
  assert.equal(forgotten, 0n);
  assert.ok(Math.abs(since.getTime() - before) < 600_000);
  const seen = exporters.map((exporter) => ({ ...exporter, endpoint: name(exporter.endpoint) }));
  assert.deepEqual(
    seen.map(({ firstSeen: _, lastSeen: __, ...rest }) => rest),
    [
      {
        endpoint: '192.0.2.1:7',
        received: { packets: 3n, bytes: 12n },
        protocol: 'IPFIX',
        protocols: ['IPFIX'],
        missed: [],
        truncated: 1n,
        lost: 3n,
      },
      {
        endpoint: '[2001:db8::1]:8',
        received: { packets: 1n, bytes: 4n },
        protocol: 'SFLOW_V5',
        protocols: ['SFLOW_V5'],
        missed: [],
        truncated: 0n,
        lost: 0n,
      },
    ],
  );
  assert.ok(seen.every(({ firstSeen, lastSeen }) => firstSeen <= lastSeen && lastSeen >= since));
});

/** The header of NetFlow v9. */
function netflow9(sequence: number, sourceId: number): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(9);
  header.writeUInt32BE(sequence, 12);
  header.writeUInt32BE(sourceId, 16);
  return header;
}

test('S45: what numbers of exporters miss is told by protocol, over all domains and forwarders', async () => {
  const one = new Forwarder();
  const other = new Forwarder();
  const from = '192.0.2.1:7';
  for (let sequence = 0; sequence < 200; sequence++) {
    if (sequence % 50 === 10) continue;
    one.forward({ from, payload: netflow9(sequence, 1) });
    one.forward({ from, payload: netflow9(sequence, 2) });
    other.forward({ from, payload: netflow9(sequence, 3) });
  }
  other.forward({ from }, { from: '192.0.2.2:7', payload: netflow9(5, 1), hasRule: false });
  const { exporters } = await notesOf(one, other).sightings();
  assert.deepEqual(
    exporters.map(({ endpoint: seen, protocols, missed }) => [name(seen), protocols, missed]),
    [
      [from, ['NETFLOW_V9', 'IPFIX'], [{ protocol: 'NETFLOW_V9', sequences: 3, lost: 12n }]],
      ['192.0.2.2:7', ['NETFLOW_V9'], [{ protocol: 'NETFLOW_V9', sequences: 1, lost: 0n }]],
    ],
  );
});

test('S23: losses of all forwarders are told once for each collector and errno', () => {
  const one = new Forwarder();
  const other = new Forwarder();
  one.forward({ from: '192.0.2.1:7', to: [0, 1] }, { from: '192.0.2.2:7', to: [0] });
  other.forward({ from: '192.0.2.3:7', to: [0] });
  const losses = notesOf(one, other).sendLosses();
  assert.deepEqual(
    losses.map(({ collector, code, copies }) => [name(collector), code, copies]).sort(),
    [
      ['198.51.100.1:9995', 'EAFNOSUPPORT', 3n],
      ['[2001:db8::9]:9996', 'EAFNOSUPPORT', 1n],
    ],
  );
  const last = losses.find(({ collector }) => name(collector) === '[2001:db8::9]:9996');
  assert.equal(last?.exporter && name(last.exporter), '192.0.2.1:7');
});

test('S23: the latest losses are told once, whatever they are', () => {
  const forwarder = new Forwarder();
  const notes = notesOf(forwarder);
  forwarder.forward(
    { from: '192.0.2.1:7', to: [0] },
    { from: '192.0.2.2:7', flags: PACKET_FLAG.TRUNCATED },
    { from: '192.0.2.3:7', flags: PACKET_FLAG.ENDED },
    { from: '192.0.2.4:7', flags: PACKET_FLAG.NO_COLLECTOR },
  );
  const told = notes.newEvents().map(({ kind, exporter, collector, code }) => {
    return [kind, name(exporter), collector && name(collector), code];
  });
  assert.deepEqual(told, [
    ['truncated', '192.0.2.2:7', undefined, undefined],
    ['hopLimitExceeded', '192.0.2.3:7', undefined, undefined],
    ['noEligibleCollector', '192.0.2.4:7', undefined, undefined],
    ['sendErrors', '192.0.2.1:7', '198.51.100.1:9995', 'EAFNOSUPPORT'],
  ]);
  assert.deepEqual(notes.newEvents(), []);
  forwarder.forward({ from: '192.0.2.5:7', to: [0] });
  assert.equal(notes.newEvents().length, 1);
});

test('S25: notes go on over a takeover, and those of a forwarder that is no more are added up', async () => {
  const first = new Forwarder();
  first.forward({ from: '192.0.2.1:7', to: [0] });
  const second = new Forwarder(first.memory.fd);
  second.forward({ from: '192.0.2.1:7', to: [0] });
  const ended = new CounterMemory('ended');
  opened.push(ended);
  ended.notes.open();
  ended.absorb(second.memory, [], []);
  for (const notes of [notesOf(second), notesOf({ memory: ended })]) {
    const { exporters } = await notes.sightings();
    assert.deepEqual(
      exporters.map(({ received, lost }) => [received.packets, lost]),
      [[2n, 2n]],
    );
    assert.deepEqual(
      notes.sendLosses().map(({ copies }) => copies),
      [2n],
    );
  }
});

test('whatever a forwarder that was broken into writes, control reads it to its end', async () => {
  const forwarder = new Forwarder();
  const notes = notesOf(forwarder);
  const memory = mapMemory(forwarder.memory.fd, COUNTER_MEMORY.SIZE, true);
  const all = new Uint8Array(memory, COUNTER_MEMORY.NOTES, HEADER.SIZE);
  const known = Buffer.from(all.subarray(0, 4));
  for (let from = 0; from < all.length; from += 65_536)
    crypto.getRandomValues(all.subarray(from, from + 65_536));
  all.set(known);
  const { exporters } = await notes.sightings();
  assert.ok(exporters.length > 0 && exporters.length <= NOTES.FIRST_LOSS);
  assert.ok(notes.sendLosses().length <= NOTES.ROWS - NOTES.FIRST_LOSS);
  assert.ok(notes.newEvents().length <= NOTES.EVENTS);
  notes.newEvents();
});

test('S23: copies of what had to make room are told, of all forwarders', () => {
  const forwarders = [new Forwarder(), new Forwarder()];
  const notes = notesOf(...forwarders);
  assert.equal(notes.forgottenCopies(), 0n);
  for (const [i, { memory }] of forwarders.entries()) {
    const all = mapMemory(memory.fd, COUNTER_MEMORY.SIZE, true);
    const place = COUNTER_MEMORY.NOTES + 4 * HEADER.FORGOTTEN_COPIES;
    new BigUint64Array(all, place, 1)[0] = 2n ** 53n + BigInt(i);
  }
  assert.equal(notes.forgottenCopies(), 2n ** 54n + 1n);
});

test('S23, S24: every packet and every lost copy is in the notes, whoever sent it', async () => {
  const packet = fc.record({
    from: fc.tuple(fc.boolean(), fc.nat(40), fc.nat(3)).map(([ipv6, host, port]) => {
      return ipv6 ? `[2001:db8::${host + 1}]:${port + 1}` : `192.0.2.${host + 1}:${port + 1}`;
    }),
    hasRule: fc.boolean(),
    to: fc.subarray([0, 1]),
  });
  const batches = fc.array(fc.array(packet, { minLength: 1, maxLength: BATCH }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(batches, fc.nat(1), async (all, split) => {
      const forwarders = [new Forwarder(), new Forwarder()];
      const expected = new Map<string, [number, number]>();
      for (const [i, batch] of all.entries()) {
        forwarders[(i + split) % 2]?.forward(...batch);
        for (const { from, to } of batch) {
          const [packets, lost] = expected.get(from) ?? [0, 0];
          expected.set(from, [packets + 1, lost + to.length]);
        }
      }
      const notes = notesOf(...forwarders);
      const { exporters } = await notes.sightings();
      const seen = new Map(
        exporters.map(({ endpoint: one, received, lost }) => [
          name(one),
          [Number(received.packets), Number(lost)],
        ]),
      );
      assert.deepEqual(seen, expected);
      const copies = notes.sendLosses().reduce((sum, loss) => sum + loss.copies, 0n);
      assert.equal(
        Number(copies),
        [...expected.values()].reduce((sum, [, lost]) => sum + lost, 0),
      );
      for (const { memory } of forwarders) opened.splice(opened.indexOf(memory), 1)[0]?.close();
    }),
    { numRuns: 30 },
  );
});
