/**
 * Compares what arrived on the wire with what the reference demands: for every packet sent and every output,
 * exactly one eligible collector got it, once, byte for byte, in order, and evenly, and the others what they need of it.
 */
import assert from 'node:assert/strict';
import type { Datagram } from './datagrams.ts';
import { decide, type RuleSetText } from './reference.ts';
import { TemplateCopies } from './template-copies.ts';
import { canonicalText, keyOf, mappedSource } from './wire.ts';

/** All that one exporter endpoint sent, in order. */
export interface Sent {
  readonly from: { readonly host: string; readonly port: number };
  readonly count: number;
  /** The payload that has to arrive for packet number i (already cut, where it has to be cut). */
  readonly payload: (i: number) => Buffer;
}

export interface Demand {
  readonly ruleSet: RuleSetText;
  readonly sent: readonly Sent[];
  readonly receivedOn?: number;
  /** How far the counts of an output's collectors, less their shares, may be apart: each forwarder rotates on its own. */
  readonly unevenness?: number;
  /** What precedes an IPv4 source on its way to an IPv6 collector; default `::ffff:`. */
  readonly prefix?: string;
}

/** Copies that arrived at one collector from one exporter endpoint. */
type Queues = Map<string, Map<string, { at: number; datagrams: Indexed[] }>>;
/** Of shares. */
const ROUNDING = 1e-6;

/** By member of a group: how many packets it got, and what part of all it should get. */
type Balance = readonly { readonly count: number; readonly share: number }[];

/** What came to an output, and what it took. */
type Sample = { readonly reached: number; readonly taken: number; readonly oneIn: number };

/** Who has to get what of a stream. */
interface Wanted {
  readonly group: readonly string[];
  readonly informed: readonly string[];
  /** Whether a packet is one for the output. */
  readonly isWanted: (payload: Buffer) => boolean;
  /** Some of these are left out. */
  readonly isSampled: boolean;
}

/** Packets of a stream in a group. */
interface Taken {
  /** How many were wanted, and how many of them came. */
  readonly reached: number;
  readonly taken: number;
  /** By member, how many it got when it was its turn. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many all members got alike: nobody knows whose turn it was. */
  readonly alike: number;
}
type Indexed = { readonly datagram: Datagram; readonly index: number };

/** @throws AssertionError that names exporter, packet and collector */
export function verify(arrived: readonly Datagram[], demand: Demand): void {
  const { ruleSet, sent, receivedOn = 2055, unevenness = 2, prefix = '::ffff:' } = demand;
  const queues = queuesOf(arrived);
  const balance = new Map<string, Balance>();
  const alike = new Map<string, number>();
  const samples = new Map<string, Sample>();
  for (const stream of sent) {
    const { groups, informed, shares, rule, ...decision } = decide(
      ruleSet,
      stream.from,
      receivedOn,
    );
    const owner = rule === undefined ? 'default' : JSON.stringify(rule.exporter);
    groups.forEach((group, output) => {
      const oneIn = decision.oneIn[output] ?? 1;
      const isWanted = decision.isWanted[output] ?? (() => true);
      const wanted = { group, informed: informed[output] ?? [], isWanted, isSampled: oneIn > 1 };
      const taken = verifyGroup(queues, stream, wanted, prefix);
      const family = stream.from.host.includes(':') ? 'IPv6' : 'IPv4';
      const name = `output ${output} of ${owner} for ${family} to [${group}]`;
      const sums =
        balance.get(name) ?? group.map((_, i) => ({ count: 0, share: shares[output]?.[i] ?? 0 }));
      balance.set(
        name,
        sums.map(({ count, share }, i) => ({
          count: count + (taken.counts.get(group[i] ?? '') ?? 0),
          share,
        })),
      );
      alike.set(name, (alike.get(name) ?? 0) + taken.alike);
      const of = `output ${output} of ${owner}`;
      const before = samples.get(of) ?? { reached: 0, taken: 0 };
      const reached = before.reached + taken.reached;
      samples.set(of, { reached, taken: before.taken + taken.taken, oneIn });
    });
  }
  assertNothingLeft(queues);
  for (const [name, sample] of samples) assertSampled(name, sample, unevenness);
  for (const [name, members] of balance) {
    assertBalanced(name, members, unevenness + (alike.get(name) ?? 0));
  }
}

/** R21: each forwarder counts on its own. */
function assertSampled(name: string, { reached, taken, oneIn }: Sample, unevenness: number): void {
  const surplus = Math.abs(taken - reached / oneIn);
  const text = `${name} took ${taken} of ${reached} packets, not one of ${oneIn}`;
  assert.ok(surplus <= (oneIn === 1 ? 0 : Math.max(unevenness, 1)), text);
}

/** R2, R16: with equal shares, how far the counts themselves are apart. */
function assertBalanced(name: string, members: Balance, unevenness: number): void {
  const all = members.reduce((sum, { count }) => sum + count, 0);
  const surplus = members.map(({ count, share }) => count - all * share);
  const spread = Math.max(...surplus) - Math.min(...surplus);
  assert.ok(spread <= unevenness + ROUNDING, `${name} is uneven: ${JSON.stringify(members)}`);
}

/** Every datagram that arrived has to be well-formed, wherever it went. */
export function assertWellFormed(arrived: readonly Datagram[]): void {
  for (const datagram of arrived) {
    const { source, sourcePort, destination, checksum, headerChecksumIsGood, hopLimit } = datagram;
    const name = `${keyOf(source, sourcePort)} to ${destination}, ${datagram.payload.length} bytes`;
    assert.equal(checksum, 'good', `the UDP checksum of ${name}`);
    assert.ok(headerChecksumIsGood, `the IPv4 header checksum of ${name}`);
    assert.ok(!datagram.doNotFragment, `DF is set in ${name}`);
    // Exporters send with 64, over one link (R14).
    assert.equal(hopLimit, 63, `the hop limit of ${name}`);
  }
}

/**
 * Finds each packet that is wanted (of a sample, those that came) at one collector of the group, and what the others get
 * of it (R23) at all others.
 */
function verifyGroup(
  queues: Queues,
  stream: Sent,
  { group, informed, isWanted, isSampled }: Wanted,
  prefix: string,
): Taken {
  const exporter = keyOf(stream.from.host, stream.from.port);
  const ofExporter = queues.get(exporter);
  const counts = new Map(group.map((collector) => [collector, 0]));
  const templates = new TemplateCopies();
  let alike = 0;
  let taken = 0;
  const wanted = Array.from({ length: stream.count }, (_, i) => ({
    payload: stream.payload(i),
    name: `packet ${i} of ${exporter}`,
  })).filter(({ payload }) => isWanted(payload));
  for (const { payload, name } of wanted) {
    const taker = takeNext(ofExporter, group, payload);
    if (taker === undefined) {
      if (isSampled) continue;
      assert.fail(
        `${name} (${payload.length} bytes) is next at none of [${group}]${heads(ofExporter, group)}`,
      );
    }
    const source = wireSource(stream.from.host, taker.collector, prefix);
    assert.equal(taker.source, source, `the source of ${exporter} at ${taker.collector}`);
    taken++;
    const forOthers = informed.length > 1 ? templates.take(payload) : undefined;
    if (forOthers?.equals(payload) && group.length > 1) alike++;
    else counts.set(taker.collector, (counts.get(taker.collector) ?? 0) + 1);
    if (forOthers === undefined) continue;
    for (const other of informed.filter((collector) => collector !== taker.collector)) {
      const found = takeNext(ofExporter, [other], forOthers);
      const needed = `what ${other} needs of ${name} (${forOthers.length} bytes)`;
      assert.ok(found, `${needed} is not next there${heads(ofExporter, [other])}`);
      assert.equal(found.source, wireSource(stream.from.host, other, prefix), `at ${other}`);
    }
  }
  return { counts, alike, reached: wanted.length, taken };
}

/** Takes a payload off the front of the queue of one of these collectors, if it is next there. */
function takeNext(
  ofExporter: ReturnType<Queues['get']>,
  group: readonly string[],
  payload: Buffer,
) {
  const [next] = group
    .flatMap((collector) => {
      const queue = ofExporter?.get(collector);
      const head = queue?.datagrams[queue.at];
      return queue && head ? [{ collector, queue, head }] : [];
    })
    .filter(({ head }) => head.datagram.payload.equals(payload))
    // Of several that look alike, as empty ones do, the one that arrived first is this packet's.
    .toSorted((a, b) => a.head.index - b.head.index);
  if (next === undefined) return undefined;
  next.queue.at++;
  return { collector: next.collector, source: next.head.datagram.source };
}

function heads(ofExporter: ReturnType<Queues['get']>, group: readonly string[]): string {
  const lines = group.map((collector) => {
    const queue = ofExporter?.get(collector);
    const head = queue?.datagrams[queue.at]?.datagram.payload;
    const said =
      head === undefined ? 'nothing' : `${head.length} bytes ${head.toString('hex', 0, 8)}`;
    return `\n  ${collector}: ${queue?.at ?? 0} taken of ${queue?.datagrams.length ?? 0}, next ${said}`;
  });
  return lines.join('');
}

/** A mapped source is the IPv4 exporter's here; verifyGroup looks at its spelling on the wire. */
function queuesOf(arrived: readonly Datagram[]): Queues {
  const queues: Queues = new Map();
  arrived.forEach((datagram, index) => {
    const exporter = keyOf(datagram.source, datagram.sourcePort);
    const collector = keyOf(datagram.destination, datagram.destinationPort);
    const ofExporter = queues.get(exporter) ?? new Map();
    queues.set(exporter, ofExporter);
    const queue = ofExporter.get(collector) ?? { at: 0, datagrams: [] };
    ofExporter.set(collector, queue);
    queue.datagrams.push({ datagram, index });
  });
  return queues;
}

function assertNothingLeft(queues: Queues): void {
  for (const [exporter, ofExporter] of queues) {
    for (const [collector, { at, datagrams }] of ofExporter) {
      const surplus = datagrams.length - at;
      assert.equal(surplus, 0, `${surplus} packets of ${exporter} too many at ${collector}`);
    }
  }
}

/** What the source of a copy has to be on the wire (R6). */
function wireSource(exporter: string, collector: string, prefix: string): string {
  const isTranslated = !exporter.includes(':') && collector.startsWith('[');
  return isTranslated ? mappedSource(exporter, prefix) : canonicalText(exporter);
}
