/**
 * A stage: a lab with the service running in it, exporters, a capture of what arrives at the collectors, and
 * an end to waiting. `exchange` sends packets and returns all that came of them, also when it is nothing: it
 * waits until the service says that it has taken them, and then sends a marker over the wire behind the
 * last copy.
 */
import type { Api, SystemStatusMessage } from './api.ts';
import { Capture } from './capture.ts';
import type { Datagram } from './datagrams.ts';
import {
  COLLECTOR_HOST_V4,
  Lab,
  type LabOptions,
  PROXY_COLLECTOR_SIDE_V4,
  PROXY_V4,
  PROXY_V6,
} from './lab.ts';
import { machineDrops } from './machine-drops.ts';
import { Service, type ServiceOptions } from './service.ts';
import { waitFor } from './shell.ts';
import { type Bound, UdpSockets } from './traffic.ts';

/** A packet of an exporter; without `to` it goes to the proxy's port 2055. */
export interface Shot {
  readonly from: Bound;
  readonly to?: Bound;
  readonly payload: Buffer;
  readonly hopLimit?: number;
}

const MARKER_PORT = 9;
const SETTLE_LIMIT_MS = 20_000;
let markers = 0;

/** Where an exporter sends its flow: the proxy's address of its family. */
export function proxyFor(host: string, port = 2055): Bound {
  return { host: host.includes(':') ? PROXY_V6 : PROXY_V4, port };
}

export class Stage implements AsyncDisposable {
  readonly lab: Lab;
  readonly service: Service;
  readonly exporters: UdpSockets;
  readonly capture: Capture;
  readonly #marker: UdpSockets;
  readonly #resources: AsyncDisposableStack;
  readonly #dropsAtStart = machineDrops();
  #sent = 0;
  #seen = 0;
  #copies = 0;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.lab = parts.lab;
    this.service = parts.service;
    this.exporters = parts.exporters;
    this.capture = parts.capture;
    this.#marker = parts.marker;
    this.#resources = resources;
  }

  static async start(options: LabOptions & ServiceOptions = {}): Promise<Stage> {
    await using resources = new AsyncDisposableStack();
    const lab = resources.use(await Lab.create(options));
    const service = resources.use(await Service.start(lab, options));
    const exporters = resources.use(await UdpSockets.start(lab.exporters));
    const marker = resources.use(await UdpSockets.start(lab.proxy));
    const capture = resources.use(await Capture.start(lab.collectors, 'prx', options.collectorMtu));
    return new Stage({ lab, service, exporters, marker, capture }, resources.move());
  }

  get api(): Api {
    return this.service.api;
  }

  /** Sends packets, in order, and returns every datagram that reached the collectors since the last call. */
  async exchange(shots: readonly Shot[]): Promise<readonly Datagram[]> {
    await this.exporters.send(shots.map((shot) => ({ to: proxyFor(shot.from.host), ...shot })));
    return this.settle(shots.length);
  }

  /**
   * Waits until the service has dealt with so many more packets and all copies have arrived, and returns the
   * datagrams that arrived since the last call.
   *
   * @param lostPackets how many of them the service may never have counted, such as after a kill
   * @throws Error with the status of the service when it did not take all of them, or when the machine lost
   *   copies that the service sent (machine-drops.ts)
   */
  async settle(sentPackets: number, lostPackets = 0): Promise<readonly Datagram[]> {
    this.#sent += sentPackets - lostPackets;
    let previous = '';
    let forwarded = 0;
    const isQuiet = async (): Promise<boolean> => {
      const { forwarders } = await this.api.status();
      const seen = JSON.stringify(forwarders);
      const unchanged = seen === previous;
      previous = seen;
      forwarded = forwardedBy(forwarders);
      return receivedBy(forwarders) >= this.#sent && unchanged;
    };
    const what = () => `${this.#sent} packets are taken${this.#drops()} by ${previous}`;
    await waitFor(what, isQuiet, SETTLE_LIMIT_MS, 20);
    await this.#passMarker();
    const arrived = this.capture.arrived().slice(this.#seen);
    this.#seen += arrived.length;
    const copies = arrived.filter((datagram) => !isMarker(datagram));
    this.#copies += copies.length;
    if (this.#copies < forwarded && this.#drops() !== '') {
      throw new Error(`${this.#copies} of ${forwarded} copies arrived${this.#drops()}`);
    }
    return copies;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** Words for messages about losses; empty when the machine has lost nothing since the start. */
  #drops(): string {
    const drops = machineDrops() - this.#dropsAtStart;
    if (drops === 0) return '';
    return ` (this machine dropped ${drops} frames between namespaces: does something else load it?)`;
  }

  /** What the proxy sent before the marker arrives before it: the link keeps the order. */
  async #passMarker(): Promise<void> {
    const payload = Buffer.from(`marker ${++markers}`);
    const from = { host: PROXY_COLLECTOR_SIDE_V4, port: MARKER_PORT };
    await this.#marker.send([
      { from, to: { host: COLLECTOR_HOST_V4, port: MARKER_PORT }, payload },
    ]);
    const isHere = () =>
      this.capture.arrived().at(-1)?.payload.equals(payload) ||
      this.capture
        .arrived()
        .slice(this.#seen)
        .some((datagram) => datagram.payload.equals(payload));
    await waitFor(() => `the marker arrived${this.#drops()}`, isHere);
  }
}

interface Parts {
  readonly lab: Lab;
  readonly service: Service;
  readonly exporters: UdpSockets;
  readonly capture: Capture;
  readonly marker: UdpSockets;
}

/** Packets that all forwarders together have taken. */
export function receivedBy(forwarders: SystemStatusMessage['forwarders']): number {
  return forwarders.reduce((sum, { received }) => sum + Number(received.packets), 0);
}

/** Copies that all forwarders together have sent. */
function forwardedBy(forwarders: SystemStatusMessage['forwarders']): number {
  return forwarders.reduce((sum, { forwarded }) => sum + Number(forwarded.packets), 0);
}

function isMarker({ source, sourcePort }: Datagram): boolean {
  return source === PROXY_COLLECTOR_SIDE_V4 && sourcePort === MARKER_PORT;
}
