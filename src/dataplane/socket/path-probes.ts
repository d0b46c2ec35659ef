import { messageOf } from '../../base/errors.ts';
import { mappedOctets } from '../../model/address.ts';
import type { Rule } from '../../model/rules.ts';
import { PathProbe, type PathProbeParts } from './path-probe.ts';

const NO_PROBE =
  'no test datagrams can be sent, so health does not depend on them: is loopback down (`ip link set lo up`, then restart)?';

export interface PathProbesParts extends Omit<PathProbeParts, 'listen'> {
  readonly forwarders: number;
}

/** The test datagrams of all listeners; none where they cannot be sent, or are not wanted. */
export class PathProbes {
  #probes: readonly PathProbe[] = [];
  /** Addresses, of 16 bytes, and ports from which they come. */
  #sources: ReadonlySet<string> = new Set();

  async open({ listeners, forwarders, log, ...parts }: PathProbesParts): Promise<void> {
    if (parts.intervalMs === 0) return;
    const probes: PathProbe[] = [];
    const sources = sourcesFor(forwarders, listeners.length);
    for (const listen of listeners) {
      const probe = new PathProbe({ listen, listeners, log, ...parts });
      try {
        await probe.open(sources);
        probes.push(probe);
      } catch (error) {
        probe.stop();
        log.warn({ error: messageOf(error) }, NO_PROBE);
      }
    }
    this.#probes = probes;
    this.#sources = new Set(
      this.rules.map(({ exporter: { endpoint } }) =>
        keyOf(mappedOctets(endpoint.octets), endpoint.port),
      ),
    );
  }

  get rules(): readonly Rule[] {
    return this.#probes.flatMap((probe) => probe.rules());
  }

  /** Whether a packet from there is one of them. @param octets 16 bytes */
  isFrom(octets: Uint8Array, port: number): boolean {
    return this.#sources.has(keyOf(octets, port));
  }

  start(): void {
    for (const probe of this.#probes) probe.start();
  }

  stop(): void {
    for (const probe of this.#probes) probe.stop();
  }

  /** In words, while packets are not forwarded; undefined while they are. */
  failure(): string | undefined {
    for (const probe of this.#probes) {
      const failure = probe.failure();
      if (failure !== undefined) return failure;
    }
    return undefined;
  }
}

/** A forwarder is chosen by the hash of address and port (native/include/forwarders.h): with so many one without any is very unlikely. */
const SOURCES_PER_FORWARDER = 8;
/** Of all listeners together. */
const MAX_SOURCES = 512;

function sourcesFor(forwarders: number, listeners: number): number {
  return Math.min(forwarders * SOURCES_PER_FORWARDER, Math.floor(MAX_SOURCES / listeners));
}

function keyOf(octets: Uint8Array, port: number): string {
  return `${octets.join('.')} ${port}`;
}
