/** What people look at, as messages of proto/view.proto. */
import type { Event } from '../model/events.ts';
import type { Rate, Traffic } from '../telemetry/traffic-history.ts';
import { rounded } from './codec.ts';
import type { EventMessage, RateMessage, TrafficMessage } from './view-messages.ts';

export function fromTraffic(traffic: Traffic): TrafficMessage {
  const { seconds, received, forwarded, pipelines, losses, restarts } = traffic;
  return {
    seconds: rounded(seconds),
    received: fromRate(received),
    forwarded: fromRate(forwarded),
    pipelines: fromRate(pipelines),
    losses: losses.map(({ kind, packets, advice }) => ({ kind, packets: `${packets}`, advice })),
    restarts: restarts.toString(),
  };
}

export function fromRate({ packetsPerSecond, bytesPerSecond }: Rate): RateMessage {
  return { packetsPerSecond: rounded(packetsPerSecond), bytesPerSecond: rounded(bytesPerSecond) };
}

export function fromEvent(event: Event): EventMessage {
  const { kind, number, at, subject, rule, collectors = [], exporters = [], cause, advice } = event;
  const { description } = event;
  return {
    kind,
    number: `${number}`,
    at: at.toISOString(),
    subject,
    ...(rule !== undefined && { rule }),
    ...(description !== undefined && { description }),
    collectors,
    exporters,
    ...(cause !== undefined && { cause }),
    ...(advice !== undefined && { advice }),
  };
}
