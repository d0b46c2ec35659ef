/** What moves packets, and what it needs to know of the host: made, started and ended in the order in which it depends on each other. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { CounterColumns } from '../dataplane/memory/counter-columns.ts';
import type { PathTable } from '../dataplane/path-table.ts';
import { Plane } from '../dataplane/plane.ts';
import { RulePublisher } from '../dataplane/rule-publisher.ts';
import { SocketEngine } from '../dataplane/socket/socket-engine.ts';
import type { CollectorHealth } from '../health/collector-health.ts';
import type { EventSink } from '../model/events.ts';
import type { HostWatches } from '../paths/host-watches.ts';
import { InputChoice } from '../paths/input-choice.ts';
import { inputObstacles } from '../paths/input-obstacles.ts';
import { LossEvents } from '../telemetry/loss-events.ts';
import type { GrownLoss } from '../telemetry/loss-log.ts';
import type { Paths } from './paths.ts';
import type { Pipelines } from './pipelines.ts';

/** Ends control but not the forwarders: they go on and wait for the next control. */
export const LEAVE_SIGNAL = 'SIGUSR2';

export interface PlaneSurroundings {
  readonly paths: PathTable;
  readonly hostWatches: HostWatches;
  readonly events: EventSink;
}

export function makeDataPlane(
  config: Config,
  { paths, hostWatches, events }: PlaneSurroundings,
  log: Logger,
): Plane {
  const { listeners } = config;
  const columns = new CounterColumns();
  const inputChoice = new InputChoice({
    watches: hostWatches.map((watch) => watch.on('input')),
    obstacles: inputObstacles,
  });
  const engines =
    listeners.length === 0
      ? []
      : [new SocketEngine({ ...config, sends: true }, columns, log, inputChoice)];
  const publisher = new RulePublisher(listeners, columns, paths);
  const losses = new LossEvents(events);
  const onLosses = (grown: readonly GrownLoss[]) => losses.look(grown);
  return new Plane({ engines, publisher, columns, log, onLosses });
}

export interface Forwarding {
  readonly dataPlane: Plane;
  readonly paths: Paths;
  readonly pipelines: Pipelines;
}

/** The data plane gives up privileges: what needs them is opened before. */
export async function startForwarding(
  { listeners }: Config,
  {
    dataPlane,
    health,
    paths,
  }: Pick<Forwarding, 'dataPlane' | 'paths'> & { readonly health: CollectorHealth },
): Promise<void> {
  health.open();
  paths.open();
  await dataPlane.start();
  if (listeners.length > 0) paths.start();
}

/** Leaves what moves packets to the next control, or ends it. */
export async function endForwarding(
  signal: NodeJS.Signals,
  { dataPlane, paths, pipelines }: Forwarding,
): Promise<void> {
  paths.stop();
  if (signal === LEAVE_SIGNAL) {
    dataPlane.leave();
    pipelines.leave();
    return;
  }
  await dataPlane.stop();
  paths.close();
  await pipelines.stop();
}
