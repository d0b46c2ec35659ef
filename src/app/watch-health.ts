import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { wayProblem } from '../control/way-problem.ts';
import type { Plane } from '../dataplane/plane.ts';
import { makeChecks } from '../health/checks/checks.ts';
import { CollectorHealth, type HealthChange } from '../health/collector-health.ts';
import { formatEndpoint } from '../model/endpoint.ts';
import type { EventSink, NewEvent } from '../model/events.ts';
import type { WayWatch } from './way-watch.ts';

export interface HealthParts {
  readonly config: Config;
  readonly dataPlane: Plane;
  readonly ways: WayWatch;
  readonly events: EventSink;
  readonly log: Logger;
}

/** Watches collectors by what the kernel knows of the ways to them, and has the data plane leave out who is down. */
export function watchHealth({
  config,
  dataPlane,
  ways,
  events,
  log,
}: HealthParts): CollectorHealth {
  return new CollectorHealth({
    checks: makeChecks(),
    listeningPort: config.listeners[0]?.port ?? 0,
    wayProblem: (endpoint) => wayProblem(endpoint, ways.find(endpoint)),
    downBefore: () => dataPlane.down,
    publish: (down) => dataPlane.setDown(down),
    tell: (change) => events.emit(eventOf(change)),
    log,
  });
}

function eventOf({ collector, isDown, ...said }: HealthChange): NewEvent {
  const kind = isDown ? 'CollectorDown' : 'CollectorUp';
  return { kind, subject: formatEndpoint(collector), ...said };
}
