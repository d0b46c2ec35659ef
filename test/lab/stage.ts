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
import { LinkDrops } from './link-drops.ts';
import { Service, type ServiceOptions } from './service.ts';
import { HANG_MS, waitFor } from './shell.ts';
import { type Bound, UdpSockets } from './traffic.ts';

/** A packet of an exporter; without `to` it goes to the proxy's port 2055. */
export interface Shot {
  readonly from: Bound;
  readonly to?: Bound;
  readonly payload: Buffer;
  readonly hopLimit?: number;
}

const MARKER_PORT = 9;
const MARKER_REPEAT_MS = 2_000;
let markers = 0;

/** Where an exporter sends its flow: the proxy's address of its family. */
export function proxyFor(host: string, port = 2055): Bound {
  return { host: host.includes(':') ? PROXY_V6 : PROXY_V4, port };
}

/** What became of packets when nothing is under way any more. */
export interface Settled {
  /** Since the last time. */
  readonly arrived: readonly Datagram[];
  /** Frames dropped by the links of the lab, and packets by the sockets of the proxy, since the last time. */
  readonly dropped: number;
}

/** What a stage needs of the service in it. */
export interface StageService extends AsyncDisposable {
  readonly api: Api;
}

export class Stage<S extends StageService = Service> implements AsyncDisposable {
  readonly lab: Lab;
  readonly service: S;
  readonly exporters: UdpSockets;
  readonly capture: Capture;
  readonly #marker: UdpSockets;
  readonly #resources: AsyncDisposableStack;
  readonly #drops: LinkDrops;
  #sent = 0;
  #seen = 0;
  #droppedBefore = 0;

  private constructor(parts: Parts<S>, resources: AsyncDisposableStack) {
    this.lab = parts.lab;
    this.service = parts.service;
    this.exporters = parts.exporters;
    this.capture = parts.capture;
    this.#marker = parts.marker;
    this.#drops = parts.drops;
    this.#resources = resources;
  }

  static start(options: LabOptions & ServiceOptions = {}): Promise<Stage> {
    return Stage.around((lab) => Service.start(lab, options), options);
  }

  /** A stage with a service that is started in another way. */
  static async around<S extends StageService>(
    startService: (lab: Lab) => Promise<S>,
    options: LabOptions = {},
  ): Promise<Stage<S>> {
    await using resources = new AsyncDisposableStack();
    const lab = resources.use(await Lab.create(options));
    const service = resources.use(await startService(lab));
    const exporters = resources.use(await UdpSockets.start(lab.exporters));
    const marker = resources.use(await UdpSockets.start(lab.proxy));
    const capture = resources.use(await Capture.start(lab.collectors, 'prx', options.collectorMtu));
    const drops = await LinkDrops.start(lab.linkEnds);
    return new Stage({ lab, service, exporters, marker, capture, drops }, resources.move());
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
   * @throws Error with the status of the service when it did not take all of them, or when the machine lost
   *   some on the links (link-drops.ts) or at the proxy's sockets: what came then says nothing of the proxy
   */
  async settle(sentPackets: number): Promise<readonly Datagram[]> {
    const { arrived, dropped } = await this.settleWithLosses(sentPackets);
    if (dropped === 0) return arrived;
    throw new Error(
      `${arrived.length} copies of ${sentPackets} packets arrived, and this machine dropped ${dropped} frames of the lab: does something else load it?`,
    );
  }

  /**
   * Does the same, and counts what the machine lost.
   *
   * @param lostPackets how many the service may never have counted, such as after a kill
   */
  async settleWithLosses(sentPackets: number, lostPackets = 0): Promise<Settled> {
    this.#sent += sentPackets - lostPackets;
    let previous = '';
    let kernelDrops = 0;
    const isQuiet = async (): Promise<boolean> => {
      const { forwarders: running, ended_forwarders: ended } = await this.api.status();
      const forwarders = ended === undefined ? running : [...running, ended];
      const seen = JSON.stringify(forwarders);
      const isSame = seen === previous;
      previous = seen;
      kernelDrops = forwarders.reduce((sum, forwarder) => sum + Number(forwarder.kernel_drops), 0);
      if (!isSame) return false;
      const taken = receivedBy(forwarders) + kernelDrops;
      return taken >= this.#sent || taken + (await this.#drops.total()) >= this.#sent;
    };
    await waitFor(() => `${this.#sent} packets are taken by ${previous}`, isQuiet, HANG_MS, 20);
    await this.#passMarker();
    const arrived = this.capture.arrived().slice(this.#seen);
    this.#seen += arrived.length;
    const dropped = kernelDrops + (await this.#drops.total());
    const since = dropped - this.#droppedBefore;
    this.#droppedBefore = dropped;
    return { arrived: arrived.filter((datagram) => !isMarker(datagram)), dropped: since };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  /** What the proxy sent before the marker arrives before it: the link keeps the order. */
  async #passMarker(): Promise<void> {
    const payload = Buffer.from(`marker ${++markers}`);
    const from = { host: PROXY_COLLECTOR_SIDE_V4, port: MARKER_PORT };
    const shot = { from, to: { host: COLLECTOR_HOST_V4, port: MARKER_PORT }, payload };
    const isHere = () =>
      this.capture
        .arrived()
        .slice(this.#seen)
        .some((datagram) => datagram.payload.equals(payload));
    let sendAgainMs = 0;
    const isPassed = async () => {
      if (isHere()) return true;
      if (performance.now() < sendAgainMs) return false;
      // The link may drop it, as any frame.
      await this.#marker.send([shot]);
      sendAgainMs = performance.now() + MARKER_REPEAT_MS;
      return false;
    };
    await waitFor('the marker arrived', isPassed);
  }
}

interface Parts<S> {
  readonly lab: Lab;
  readonly service: S;
  readonly exporters: UdpSockets;
  readonly capture: Capture;
  readonly marker: UdpSockets;
  readonly drops: LinkDrops;
}

/** Packets that all forwarders together have taken. */
export function receivedBy(forwarders: SystemStatusMessage['forwarders']): number {
  return forwarders.reduce((sum, { received }) => sum + Number(received.packets), 0);
}

function isMarker({ source, sourcePort }: Datagram): boolean {
  return source === PROXY_COLLECTOR_SIDE_V4 && sourcePort === MARKER_PORT;
}
