/**
 * How a scenario goes: calm, an event, what it costs, and calm again. What must hold is an account: which packets
 * were lost, whose, and until when. How long it took is told, and judged by who asked for it.
 */
import assert from 'node:assert/strict';
import { LinkDrops } from '../lab/link-drops.ts';
import { HANG_MS } from '../lab/shell.ts';
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
  /** How long the trouble lasted, and how long it may last where nothing else keeps the machine busy. */
  readonly took?: { readonly ms: number; readonly limitMs: number };
  /** The router does not use the node any more since. */
  readonly routeGoneMs?: number;
  /** From the end of the trouble: the router uses the node again. */
  readonly routeBackMs?: number;
  /** Of the packets that arrived. */
  readonly longestMs: number;
  readonly notes?: string;
}

/** Traffic before the event, which has to be well, and after the return. */
export const CALM_MS = 500;

export interface Trouble {
  readonly node: NodeName;
  strike(): Promise<unknown>;
  mend(): Promise<unknown>;
  /** Within this time after the strike packets arrive again. */
  readonly limitMs: number;
  /** The route may stay: then packets go on by it. */
  readonly mayKeepRoute?: boolean;
}

/** Strikes a node, waits until nothing is lost any more, mends it, and waits for its return. */
export async function suffer(lab: HaLab, trouble: Trouble): Promise<Figures> {
  const { node, limitMs } = trouble;
  const before = await calm(lab);
  const others = await LinkDrops.start(lab.network.linkEnds(node));
  const strikeMs = monotonicMs();
  await trouble.strike();
  const untilMs = await lossEnds(lab, trouble, strikeMs);
  const during = await lab.traffic.tally(strikeMs, untilMs);
  assert.equal(during.duplicated, 0, `${during.duplicated} packets came twice`);
  await assertOthersServed(during, before.exportersByWay[NODE_NAMES.indexOf(node)], others);
  const routeGoneMs = lab.router.goneSince(node, strikeMs);
  const mendMs = monotonicMs();
  const links = await LinkDrops.start(lab.network.linkEnds());
  await trouble.mend();
  const backMs = await lab.router.waitForNodes(NODE_NAMES);
  await lab.flow(CALM_MS);
  const after = await lab.tallySince(untilMs);
  await assertNothingLost(after, links, `while node ${node} came back`);
  return {
    ...figures(during),
    took: { ms: (during.lastBadMs ?? strikeMs) - strikeMs, limitMs },
    ...(routeGoneMs !== undefined && {
      routeGoneMs: routeGoneMs - strikeMs,
      routeBackMs: backMs - mendMs,
    }),
  };
}

/**
 * Waits until the route by the node has gone, or may stay, and all packets of a while arrive. From the moment at
 * which the route has gone nothing may be lost.
 *
 * @returns the end of that while
 */
async function lossEnds(lab: HaLab, trouble: Trouble, strikeMs: number): Promise<number> {
  const { node, mayKeepRoute = false } = trouble;
  const deadlineMs = strikeMs + HANG_MS;
  for (;;) {
    const goneMs = lab.router.goneSince(node, strikeMs);
    const fromMs = goneMs ?? monotonicMs();
    await lab.flow(CALM_MS);
    const untilMs = monotonicMs();
    if (goneMs !== undefined || mayKeepRoute) {
      const { lost } = await lab.traffic.tally(fromMs, untilMs);
      if (lost === 0) return untilMs;
      assert.equal(
        goneMs,
        undefined,
        `${lost} packets were lost after the route by ${node} had gone`,
      );
    }
    if (untilMs > deadlineMs)
      assert.fail(`packets are still lost by node ${node}\n${lab.nodes[node].log}`);
  }
}

/** Exporters that another node served notice nothing, but for what their links dropped. */
async function assertOthersServed(
  { lostByExporter }: Tally,
  served: ReadonlySet<number> | undefined,
  links: LinkDrops,
): Promise<void> {
  const strangers = [...lostByExporter].filter(([exporter]) => !served?.has(exporter));
  const lost = strangers.reduce((sum, [, count]) => sum + count, 0);
  if (lost === 0) return;
  const dropped = await links.total();
  assert.ok(
    lost <= dropped,
    `${lost} packets of exporters of the other node, links dropped ${dropped}`,
  );
}

/** Does something that must not cost a packet. */
export async function withoutLoss(
  lab: HaLab,
  act: () => Promise<Partial<Figures> | undefined>,
): Promise<Figures> {
  await calm(lab);
  const links = await LinkDrops.start(lab.network.linkEnds());
  const startMs = monotonicMs();
  const found = await act();
  await lab.router.waitForNodes(NODE_NAMES);
  await lab.flow(CALM_MS);
  const tally = await lab.tallySince(startMs);
  await assertNothingLost(tally, links, `in all (${found?.notes ?? ''})`);
  return { ...figures(tally), ...found };
}

/** Both nodes work and nothing is lost: whatever a scenario finds is its own doing. */
async function calm(lab: HaLab): Promise<Tally> {
  await lab.router.waitForNodes(NODE_NAMES);
  const links = await LinkDrops.start(lab.network.linkEnds());
  const startMs = monotonicMs();
  await lab.flow(CALM_MS);
  const tally = await lab.tallySince(startMs);
  await assertNothingLost(tally, links, 'before anything happened');
  return tally;
}

/** @param links counted since the first packet of the tally was sent: what they dropped is nobody's fault */
export async function assertNothingLost(
  { sent, lost, duplicated }: Tally,
  links: LinkDrops,
  when: string,
): Promise<void> {
  assert.ok(sent > 0, `nothing was sent ${when}`);
  assert.equal(duplicated, 0, `${duplicated} of ${sent} packets came twice ${when}`);
  const dropped = lost === 0 ? 0 : await links.total();
  assert.ok(
    lost <= dropped,
    `${lost} of ${sent} packets were lost ${when}, links dropped ${dropped}`,
  );
}

export function figures({ sent, lost, late, longestMs }: Tally) {
  return { sent, lost, late, longestMs };
}
