/** The accounts of a run: every packet has one end, every copy one place, and all counts agree. */
import assert from 'node:assert/strict';
import type { Arrived } from '../../tools/traffic/judge.ts';
import type { CountersMessage, ProxyStatsMessage } from '../lab/api.ts';
import { BATCH, type Settled } from './load-stage.ts';

/** More outputs than any rule of plan.ts has. */
const COPIES_PER_PACKET = 3;

/** What no copy may ever be, and how many are. */
export function wrongOf(arrived: Arrived): Readonly<Record<string, number>> {
  const { doubled, disordered, mixed, stale, misrouted, damaged, unknown } = arrived;
  return { doubled, disordered, mixed, stale, misrouted, damaged, unknown };
}

/** No copy may ever be wrong, whatever is lost. */
export function assertNothingWrong(arrived: Arrived): void {
  assert.deepEqual(wrongOf(arrived), {
    doubled: 0,
    disordered: 0,
    mixed: 0,
    stale: 0,
    misrouted: 0,
    damaged: 0,
    unknown: 0,
  });
}

/**
 * Every numbered packet reached all its outputs, but for those that have a name: dropped at the proxy's sockets,
 * or copies that the link to the collectors lost.
 *
 * @param inFlight packets that forwarders may have taken to their grave
 */
export function assertNothingMissing({ arrived, lostOnWire, totals }: Settled, inFlight = 0): void {
  const { missing, incomplete } = arrived;
  const named = lostOnWire + totals.kernelDrops + inFlight;
  const what = `${missing} packets missing, ${incomplete} incomplete; ${lostOnWire} copies lost on the link, ${totals.kernelDrops} packets dropped before the proxy, ${inFlight} died with forwarders`;
  assert.ok(missing + incomplete <= named, what);
}

/**
 * Packets: offered = inputs of the rules + mismatched + dropped by the kernel. Copies: what the rules in force
 * asked for, and those of templates = outputs + send errors + no eligible collector; and outputs = what arrived, collector by
 * collector, and what the link to the collectors lost for congestion (spec S2). Exactly, except for the
 * batches that killed forwarders had in hand.
 *
 * The rules must have been the same all the time.
 */
export function assertExact(settled: Settled, deaths = 0): void {
  const { offered, totals, statistics, arrived, lostOnWire } = settled;
  const packets = deaths * BATCH;
  const copies = packets * COPIES_PER_PACKET;
  const inputs = inputsOf(statistics);
  near(
    totals.received + totals.kernelDrops,
    offered.packets,
    packets,
    'received + dropped = offered',
  );
  near(inputs, totals.received, packets, 'inputs + mismatched = received');
  assert.equal(totals.receiveErrors, 0);
  const outputs = sum(collectorsOf(statistics).map(({ output }) => output));
  const ends = outputs + totals.sendErrors + totals.noEligibleCollector;
  const asked = copiesAskedBy(statistics) + totals.templateCopies;
  near(ends, asked, copies, 'outputs + errors + not eligible = asked for');
  near(totals.forwarded, outputs, copies, 'forwarded = outputs');
  assertArrived(outputs, arrived.copies, lostOnWire, copies);
  assertEachCollector(statistics, arrived, copies + lostOnWire);
}

/** All copies arrived that were sent. A lost frame is at most one copy: others are pieces of some. */
export function assertArrived(
  sent: number,
  arrived: number,
  lostOnWire: number,
  tolerance: number,
): void {
  const missing = sent - arrived;
  const what = `${sent} copies sent, ${arrived} arrived, ${lostOnWire} frames lost, ±${tolerance}`;
  assert.ok(missing >= -tolerance && missing <= lostOnWire + tolerance, what);
}

/** Packets that the statistics know: those of all rules, and the mismatched. */
export function inputsOf({ rules, mismatched }: ProxyStatsMessage): number {
  return sum([...rules.map(({ exporter }) => exporter.input), mismatched]);
}

/** Each packet that a rule took asks for one copy to each output. */
function copiesAskedBy({ rules, default_outputs, mismatched }: ProxyStatsMessage): number {
  const byRules = rules.map(
    ({ exporter, outputs }) => Number(exporter.input.packets) * outputs.length,
  );
  return byRules.reduce((a, b) => a + b, Number(mismatched.packets) * default_outputs.length);
}

function collectorsOf({ rules, default_outputs }: ProxyStatsMessage) {
  const outputs = [...rules.flatMap((rule) => rule.outputs), ...default_outputs];
  return outputs.flatMap(({ collectors }) => collectors);
}

/** What the statistics say of a collector, all rules together, is what arrived there. */
function assertEachCollector(
  statistics: ProxyStatsMessage,
  arrived: Arrived,
  tolerance: number,
): void {
  const counted = new Map<string, number>();
  for (const { endpoint, output } of collectorsOf(statistics)) {
    const host = endpoint.host ?? '';
    const family = host.includes(':') ? 6 : 4;
    const last = family === 6 ? Number.parseInt(host.split(':').at(-1) || '0', 16) : lastByte(host);
    const key = `${family} ${last} ${(endpoint.port ?? 0) % 4}`;
    counted.set(key, (counted.get(key) ?? 0) + Number(output.packets));
  }
  for (const { family, host, output, copies } of arrived.destinations) {
    const key = `${family} ${host} ${output}`;
    near(counted.get(key) ?? 0, copies, tolerance, `statistics = arrived at collector ${key}`);
    counted.delete(key);
  }
  for (const [key, count] of counted) near(count, 0, tolerance, `nothing arrived at ${key}`);
}

function lastByte(host: string): number {
  return Number(host.slice(host.lastIndexOf('.') + 1));
}

function sum(counters: readonly CountersMessage[]): number {
  return counters.reduce((total, { packets }) => total + Number(packets), 0);
}

function near(actual: number, expected: number, tolerance: number, what: string): void {
  const difference = Math.abs(actual - expected);
  assert.ok(difference <= tolerance, `${what}: ${actual} and ${expected}, ±${tolerance}`);
}
