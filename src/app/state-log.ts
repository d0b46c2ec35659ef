import type { Logger } from 'pino';
import type { EventSink } from '../model/events.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { SystemStatus } from '../telemetry/status.ts';

const INTERVAL_MS = 500;

/** What is looked at. */
type Watched = Pick<SystemStatus, 'proxy' | 'database' | 'isDraining'>;

const ADVICE = '`floxy doctor` looks for the cause on this host';

/** Says in the log, and as an event, when a subsystem, or the health of the node, comes into another state, and why. */
export class StateLog {
  readonly #status: () => Watched;
  readonly #log: Logger;
  readonly #events: EventSink;
  #last: Watched | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(status: () => Watched, log: Logger, events: EventSink) {
    this.#status = status;
    this.#log = log;
    this.#events = events;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The states at the first look are no news. */
  look(): void {
    const now = this.#status();
    const before = this.#last;
    this.#last = now;
    if (before === undefined) return;
    const hasChanged = isServing(now) !== isServing(before);
    const isTold = this.#report(
      'proxy',
      before.proxy,
      now.proxy,
      hasChanged ? { health: healthOf(now) } : {},
    );
    this.#report('database', before.database, now.database);
    if (hasChanged && !isTold) this.#reportHealth(now);
  }

  /** @returns whether there was something to say */
  #report(
    subsystem: 'proxy' | 'database',
    last: SubsystemStatus,
    { state, error }: SubsystemStatus,
    consequence: object = {},
  ): boolean {
    const { state: before } = last;
    if (state === before) return false;
    const why = error === undefined ? {} : { error };
    const details = { subsystem, state, before, ...why, ...consequence };
    const cause = `${before} → ${state}${error === undefined ? '' : `: ${error}`}`;
    const advice = state === 'OK' ? undefined : ADVICE;
    this.#events.emit({ kind: 'StateChanged', subject: subsystem, cause, advice });
    if (state === 'OK') this.#log.info(details, `the ${subsystem} is OK again`);
    else this.#log.warn({ ...details, advice: ADVICE }, `the ${subsystem} is ${state}`);
    return true;
  }

  /** Where the state of the proxy says nothing of it: the node is, or was, being drained. */
  #reportHealth({ isDraining }: Watched): void {
    const news = isDraining ? 'is being drained' : 'does its share again';
    this.#events.emit({ kind: 'StateChanged', subject: 'node', cause: `it ${news}` });
    if (isDraining) {
      const details = { health: 'NOT_SERVING', cause: 'the node is being drained' };
      const advice = '`floxy drain --cancel` ends it';
      this.#log.warn({ ...details, advice }, 'announcers and load balancers send flow elsewhere');
    } else this.#log.info({ health: 'SERVING' }, 'this node does its share again');
  }
}

/** As the empty name of the health service tells it (src/api/health.ts). */
function healthOf(status: Watched): 'SERVING' | 'NOT_SERVING' {
  return isServing(status) ? 'SERVING' : 'NOT_SERVING';
}

function isServing({ proxy, isDraining }: Watched): boolean {
  return proxy.state === 'OK' && !isDraining;
}
