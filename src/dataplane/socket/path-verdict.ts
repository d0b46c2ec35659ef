import type { Logger } from 'pino';
import type { ForwarderStatus } from '../../telemetry/status.ts';

/** What the counters of a forwarder say of real packets; test datagrams are not among them. */
export type RealTraffic = Pick<ForwarderStatus, 'index' | 'received' | 'forwarded'>;

/** One look at the test datagrams. */
export interface PathLook {
  /** Sources whose datagrams do not come back. */
  readonly failing: number;
  readonly sources: number;
  readonly forwarders: readonly RealTraffic[];
}

/** What stands in the way most often, and what can be done. */
const ADVICE =
  'a firewall of this host that drops them (allow UDP from this host to that address, and from there back), or forwarders that do not take packets (see the log); COLLECTOR_FLOXY_PROBE_INTERVAL_MS=0 ends the test';

/**
 * Judges by test datagrams whether packets are forwarded. Real packets that are forwarded while the datagrams
 * do not come back say more: then it is the datagrams that are held up, and they are not believed again until
 * they have come back. Each change of that is logged once; a failure is a state of the proxy, and told as one.
 */
export class PathVerdict {
  readonly #target: string;
  readonly #log: Logger;
  #failure: string | undefined;
  /** Counters at the last look at which none failed. */
  #before: readonly RealTraffic[] | undefined;
  #areBelieved = true;

  /** @param target where the datagrams go, as text */
  constructor(target: string, log: Logger) {
    this.#target = target;
    this.#log = log;
  }

  /** In words, while packets are not forwarded; undefined while they are. */
  get failure(): string | undefined {
    return this.#failure;
  }

  observe(look: PathLook): void {
    if (look.failing === 0) this.#comesBack(look);
    else if (this.#areBelieved) this.#fails(look);
  }

  #comesBack({ forwarders }: PathLook): void {
    if (!this.#areBelieved) {
      this.#log.info({ target: this.#target }, 'test datagrams come back: they are believed again');
    }
    this.#failure = undefined;
    this.#before = forwarders;
    this.#areBelieved = true;
  }

  #fails({ failing, sources, forwarders }: PathLook): void {
    this.#before ??= forwarders;
    if (this.#isRefuted(this.#before, { failing, sources, forwarders })) {
      const details = { target: this.#target, failing, sources, cause: ADVICE };
      this.#log.warn(
        details,
        'test datagrams do not come back, but real packets are forwarded: health stays as it is',
      );
      this.#areBelieved = false;
      this.#failure = undefined;
      return;
    }
    this.#failure = `test datagrams to ${this.#target} do not come back (${failing} of ${sources} source ports): ${ADVICE}`;
  }

  /**
   * A forwarder that works brings the datagrams of its sources back. When none comes back, one forwarder at
   * work is enough to tell that they are held up elsewhere; when some do, all have to be at work.
   */
  #isRefuted(before: readonly RealTraffic[], { failing, sources, forwarders }: PathLook): boolean {
    const works = ({ index, received, forwarded }: RealTraffic) => {
      const then = before.find((other) => other.index === index);
      return (
        then !== undefined &&
        received.packets > then.received.packets &&
        forwarded.packets > then.forwarded.packets
      );
    };
    return failing === sources ? forwarders.some(works) : forwarders.every(works);
  }
}
