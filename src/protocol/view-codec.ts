/** What people look at, as messages of proto/view.proto. */
import type { Rate, Traffic } from '../telemetry/traffic-history.ts';
import { rounded } from './codec.ts';
import type { RateMessage, TrafficMessage } from './view-messages.ts';

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
