/**
 * Numbered traffic that goes on while a test does something to the service, and the account of it: which
 * packets arrived, that they arrived once, in order and unchanged, and how many are missing.
 */
import assert from 'node:assert/strict';
import type { Datagram } from './datagrams.ts';
import { numberedPayload } from './numbered.ts';
import type { RuleSetText } from './reference.ts';
import { proxyFor, type Stage, type StageService } from './stage.ts';
import type { Stream } from './traffic.ts';
import { assertWellFormed } from './verify.ts';
import { keyOf } from './wire.ts';

const BYTES = 200;
const NAME = 'steady';
export const STEADY_STREAMS = 10;

/** The only collector of the traffic. */
export const STEADY_COLLECTOR = { host: '2001:db8:c::5', port: 9555 };

const streams: readonly Stream[] = Array.from({ length: STEADY_STREAMS }, (_, i) => {
  const host = i % 2 === 0 ? `203.0.113.${i + 1}` : `2001:db8:e::${i + 1}`;
  return {
    stream: i,
    from: { host, port: 15_000 + i },
    to: proxyFor(host),
    sizes: { fixed: BYTES },
  };
});

/** Rules that take the traffic: five exporters each have one, five come to the default outputs. */
export const STEADY_RULES: RuleSetText = {
  rules: streams
    .slice(0, STEADY_STREAMS / 2)
    .map(({ from }) => ({ exporter: { host: from.host }, outputs: [[STEADY_COLLECTOR]] })),
  defaultOutputs: [[STEADY_COLLECTOR]],
};

/** What became of the traffic. */
export interface Account {
  readonly sent: number;
  readonly arrived: number;
  /** Nobody knows where these are. */
  readonly missing: number;
}

export async function startSteadyTraffic(
  stage: Stage<StageService>,
  packetsPerSecond = 5_000,
): Promise<void> {
  await stage.exporters.startTraffic({ name: NAME, streams, packetsPerSecond });
}

/**
 * Stops the traffic and holds what arrived against it: what is missing, the machine has dropped, by its own count.
 *
 * @param mayBeMissing packets that may be lost besides; what does arrive has to be right all the same
 */
export async function endSteadyTraffic(
  stage: Stage<StageService>,
  mayBeMissing = 0,
): Promise<Account> {
  const { sentPerStream, failed } = await stage.exporters.stopTraffic(NAME);
  assert.equal(failed, 0);
  const sent = sentPerStream * STEADY_STREAMS;
  const { arrived, dropped } = await stage.settleWithLosses(sent, mayBeMissing);
  const account = accountFor(arrived, sent);
  const missing = account.missing - dropped;
  assert.ok(
    missing <= mayBeMissing,
    `${missing} of ${sent} packets are missing, ${dropped} dropped`,
  );
  return { ...account, missing: Math.max(0, missing) };
}

/** @throws AssertionError when a packet came twice, changed, out of order, or to somebody else */
export function accountFor(arrived: readonly Datagram[], sent: number): Account {
  assertWellFormed(arrived);
  const last = new Map<string, number>();
  for (const { source, sourcePort, destination, destinationPort, payload } of arrived) {
    assert.deepEqual({ host: destination, port: destinationPort }, STEADY_COLLECTOR);
    const stream = payload.readUInt32BE(0);
    const sequence = payload.readUInt32BE(4);
    const from = streams[stream]?.from;
    assert.equal(keyOf(source, sourcePort), keyOf(from?.host ?? '', from?.port ?? 0));
    assert.ok(
      payload.equals(numberedPayload(stream, sequence, BYTES)),
      `packet ${sequence} of ${source}`,
    );
    const before = last.get(source) ?? -1;
    assert.ok(sequence > before, `packet ${sequence} of ${source} came after ${before}`);
    last.set(source, sequence);
  }
  return { sent, arrived: arrived.length, missing: sent - arrived.length };
}
