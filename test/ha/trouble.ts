/** How a scenario goes: calm, an event, what it costs, and calm again. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { HaLab } from './ha-lab.ts';
import type { Tally } from './ledger.ts';
import { NODE_NAMES, type NodeName } from './network.ts';
import { monotonicMs } from './program.ts';

/** What a scenario found. Times count from the event. */
export interface Figures {
  readonly sent: number;
  readonly lost: number;
  /** Arrived, but more than half a second after they were sent. */
  readonly late: number;
  /** When the last packet was sent that was lost or late; undefined: none was. */
  readonly lossEndsMs?: number;
  /** The router does not use the node any more since. */
  readonly routeGoneMs?: number;
  /** From the end of the trouble: the router uses the node again. */
  readonly routeBackMs?: number;
  /** Of the packets that arrived. */
  readonly longestMs: number;
  readonly notes?: string;
}

/** How long nodes may take to come back: start, four good looks, BGP; after a power failure also the session. */
export const RETURN_LIMIT_MS = 25_000;

/** Traffic before the event, which has to be well, and after the return. */
export const CALM_MS = 500;

export interface Trouble {
  readonly node: NodeName;
  strike(): Promise<unknown>;
  mend(): Promise<unknown>;
  /** Within this time after the strike packets have to arrive again. */
  readonly limitMs: number;
  /** The route may stay: then packets have to go on by it. */
  readonly mayKeepRoute?: boolean;
}

/** Strikes a node, waits for the network to do without it, mends it, and waits for its return. */
export async function suffer(lab: HaLab, trouble: Trouble): Promise<Figures> {
  const { node, limitMs } = trouble;
  const before = await calm(lab);
  const strikeMs = monotonicMs();
  await trouble.strike();
  const routeGoneMs = await routeGone(lab, node, limitMs);
  if (routeGoneMs === undefined && !trouble.mayKeepRoute)
    assert.fail(`after ${limitMs} ms the router still uses node ${node}\n${lab.nodes[node].log}`);
  const untilMs = Math.max(monotonicMs(), strikeMs + limitMs) + CALM_MS;
  await lab.flow(untilMs - monotonicMs());
  const during = await lab.traffic.tally(strikeMs, untilMs);
  assert.equal(during.duplicated, 0, `${during.duplicated} packets came twice`);
  const served = before.exportersByWay[NODE_NAMES.indexOf(node)];
  const strangers = [...during.badExporters].filter((exporter) => !served?.has(exporter));
  assert.deepEqual(strangers, [], `exporters that node ${node} did not serve suffered, too`);
  const mendMs = monotonicMs();
  await trouble.mend();
  const backMs = await lab.router.waitForNodes(NODE_NAMES, RETURN_LIMIT_MS);
  await lab.flow(CALM_MS);
  const after = await lab.tallySince(untilMs);
  assertNothingLost(after, untilMs, `while node ${node} came back`);
  const lossEndsMs = during.lastBadMs === undefined ? undefined : during.lastBadMs - strikeMs;
  assert.ok(
    (lossEndsMs ?? 0) <= limitMs,
    `loss ended ${lossEndsMs} ms after the event, ${limitMs} are allowed`,
  );
  return {
    ...figures(during),
    ...(lossEndsMs !== undefined && { lossEndsMs }),
    ...(routeGoneMs !== undefined && {
      routeGoneMs: routeGoneMs - strikeMs,
      routeBackMs: backMs - mendMs,
    }),
  };
}

/** Does something that must not cost a packet. */
export async function withoutLoss(
  lab: HaLab,
  act: () => Promise<string | undefined>,
): Promise<Figures> {
  await calm(lab);
  const startMs = monotonicMs();
  const dropsBefore = backlogDrops();
  const notes = await act();
  await lab.router.waitForNodes(NODE_NAMES, RETURN_LIMIT_MS);
  await lab.flow(CALM_MS);
  const tally = await lab.tallySince(startMs);
  const drops = backlogDrops() - dropsBefore;
  const others = `the kernel dropped ${drops} packets of all programs between virtual links`;
  assertNothingLost(tally, startMs, `in all (${[notes, others].filter(Boolean).join('; ')})`);
  return { ...figures(tally), ...(notes !== undefined && { notes }) };
}

/** Both nodes work and nothing is lost: whatever a scenario finds is its own doing. */
async function calm(lab: HaLab): Promise<Tally> {
  await lab.router.waitForNodes(NODE_NAMES, RETURN_LIMIT_MS);
  const startMs = monotonicMs();
  await lab.flow(CALM_MS);
  const tally = await lab.tallySince(startMs);
  assertNothingLost(tally, startMs, 'before anything happened');
  return tally;
}

/** @returns when it was; undefined: it is still used after the limit */
async function routeGone(lab: HaLab, node: NodeName, limitMs: number): Promise<number | undefined> {
  const others = NODE_NAMES.filter((name) => name !== node);
  return lab.router.waitForNodes(others, limitMs).catch(() => undefined);
}

export function assertNothingLost(tally: Tally, fromMs: number, when: string): void {
  const { sent, lost, duplicated, firstBadMs = 0, lastBadMs = 0 } = tally;
  assert.ok(sent > 0, `nothing was sent ${when}`);
  const span = `${(firstBadMs - fromMs).toFixed(0)} to ${(lastBadMs - fromMs).toFixed(0)} ms`;
  assert.equal(lost, 0, `${lost} of ${sent} packets were lost ${when}, sent after ${span}`);
  assert.equal(duplicated, 0, `${duplicated} of ${sent} packets came twice ${when}`);
}

/**
 * Packets that found the queue of a CPU full (net.core.netdev_max_backlog) since the machine was started: second
 * column of softnet_stat. Other programs of a busy machine can make the lab's packets be among them.
 */
function backlogDrops(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);
}

export function figures({ sent, lost, late, longestMs }: Tally) {
  return { sent, lost, late, longestMs };
}
