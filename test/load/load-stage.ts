/**
 * A stage for load: the lab with the service in it, a collector that judges every copy, generators, and
 * accounts that have to come out exactly.
 *
 * What was offered to the proxy is what the generators say they sent: an interface of type veth refuses
 * with an error what the receiving core has no room for, and the generator sends that again. From there on
 * nothing is lost before the proxy's sockets. The kernel counts what it delivers to them and what it
 * drops at them (Udp and Udp6 of /proc/net/snmp: InDatagrams, InErrors), and its engine what it handles before; each
 * account has to agree with that. Fragments that lack the rest never get as far as a socket.
 */
import assert from 'node:assert/strict';
import type { Generator, Sent } from '../../tools/traffic/generator.ts';
import type { Arrived } from '../../tools/traffic/judge.ts';
import { buildPrograms } from '../../tools/traffic/programs.ts';
import type { Api, ForwarderMessage, ProxyStatsMessage } from '../lab/api.ts';
import { COLLECTOR_HOST_V4, COLLECTOR_HOST_V6, Lab, type LabOptions } from '../lab/lab.ts';
import { LinkDrops } from '../lab/link-drops.ts';
import type { OutputText, RuleSetText } from '../lab/reference.ts';
import { Service, type ServiceOptions } from '../lab/service.ts';
import { HANG_MS, waitFor } from '../lab/shell.ts';
import { confine, keepCoreFree, takeTurn } from './machine.ts';
import { type LoadStream, makeRules, makeStreams } from './plan.ts';
import { Collector, type Load, startLoad } from './tools.ts';

/** What a forwarder takes at once, and so what it can take with it. */
export const BATCH = 64;
/** Copies go to this address: the kernel drops them behind the collector's ring, at no cost. */
const NOBODYS_MAC = '02:f1:00:00:02:ff';

export interface LoadOptions extends LabOptions, ServiceOptions {
  /** Exporters of each class; default 10. */
  readonly perClass?: number;
  readonly bufferBytes?: number;
  /** Of all outputs; absent: what outputs say themselves. */
  readonly templates?: OutputText['templates'];
  /**
   * One forwarder has a core to itself, as in bench/: what generator, collector, control and clients do meanwhile
   * does not hold it up. Default: two forwarders share all cores with them.
   */
  readonly isApart?: boolean;
}

/** All counters of all forwarders, added up. */
export interface Totals {
  readonly received: number;
  readonly forwarded: number;
  /** Those of templates, besides what the rules ask for. */
  readonly templateCopies: number;
  readonly droppedByRule: number;
  readonly noEligibleCollector: number;
  readonly truncated: number;
  readonly kernelDrops: number;
  readonly sendErrors: number;
  readonly sendRetries: number;
  readonly receiveErrors: number;
  /** A link that refuses a frame counts it as dropped, and its copy is sent anew. */
  readonly framesRefused: number;
  readonly fragmented: number;
  readonly fragments: number;
  readonly restarts: number;
}

interface Parts {
  readonly lab: Lab;
  readonly service: Service;
  readonly collector: Collector;
  readonly streams: readonly LoadStream[];
  readonly drops: LinkDrops;
  readonly templates: OutputText['templates'] | undefined;
}

/** What was sent in all. */
export interface Offered {
  /** Packets that reached the proxy's sockets, or were dropped there. */
  readonly packets: number;
  /** Numbered packets, by stream. */
  readonly streams: readonly number[];
}

/** The accounts when nothing is under way any more. */
export interface Settled {
  readonly offered: Offered;
  readonly totals: Totals;
  readonly statistics: ProxyStatsMessage;
  readonly arrived: Arrived;
  /** Copies that the kernel took and could not deliver: the queue of the receiving core was full. */
  readonly lostOnWire: number;
}

export class LoadStage implements AsyncDisposable {
  readonly lab: Lab;
  readonly service: Service;
  readonly collector: Collector;
  readonly streams: readonly LoadStream[];
  readonly #resources: AsyncDisposableStack;
  readonly #drops: LinkDrops;
  /** Of all outputs of rules that are made from now on; undefined: what outputs say themselves. */
  templates: OutputText['templates'] | undefined;
  readonly #sent: Sent[] = [];

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.#drops = parts.drops;
    this.lab = parts.lab;
    this.service = parts.service;
    this.collector = parts.collector;
    this.streams = parts.streams;
    this.templates = parts.templates;
    this.#resources = resources;
  }

  /** Starts everything, with the rules of generation 0 in force. */
  static async start(options: LoadOptions = {}): Promise<LoadStage> {
    await using resources = new AsyncDisposableStack();
    await buildPrograms();
    resources.use(await takeTurn());
    const free = options.isApart ? resources.use(await keepCoreFree()) : undefined;
    const lab = resources.use(await Lab.create(options));
    await sendToNobody(lab);
    const settings = {
      // The kernel would count the proxy's own test datagrams as offered.
      COLLECTOR_FLOXY_PROBE_INTERVAL_MS: '0',
      ...(free && { COLLECTOR_FLOXY_THREAD_COUNT: '1' }),
      ...options.settings,
    };
    const service = resources.use(await Service.start(lab, { ...options, settings }));
    if (free !== undefined) {
      for (const pid of await service.forwarderPids()) await confine(pid, [free.core]);
    }
    const streams = makeStreams(options.perClass ?? 10);
    const { bufferBytes } = options;
    const collector = resources.use(
      await Collector.start(
        lab.collectors,
        streams,
        bufferBytes === undefined ? {} : { bufferBytes },
      ),
    );
    await service.api.replace(makeRules(streams, 0, options.templates));
    // Some frames were dropped before the other end was up.
    const drops = await LinkDrops.start([lab.linkEnds[1]]);
    return new LoadStage(
      { lab, service, collector, streams, drops, templates: options.templates },
      resources.move(),
    );
  }

  get api(): Api {
    return this.service.api;
  }

  /** Starts numbered load, which goes on where the last one ended. Its end has to be told with `add`. */
  start(load: Omit<Load, 'streams' | 'firstSequence'>): Generator {
    const firstSequence = this.#streamsSent()[0] ?? 0;
    return this.#generate({ streams: this.streams, firstSequence, ...load });
  }

  /** Starts packets without numbers, which no account of streams knows. */
  startHostile(hostile: NonNullable<Load['hostile']>): Generator {
    return this.#generate({ streams: [], sizes: [40], packetsPerSecond: 0, hostile });
  }

  /** The proxy forgets who its collectors' addresses belong to, and is told again. */
  async forgetNeighbours(): Promise<void> {
    for (const host of [COLLECTOR_HOST_V4, COLLECTOR_HOST_V6])
      await this.lab.run(this.lab.proxy, ['ip', 'neigh', 'del', host, 'dev', 'col']);
    await sendToNobody(this.lab);
  }

  /** Takes what a generator sent into the accounts. */
  add(sent: Sent): Sent {
    this.#sent.push(sent);
    return sent;
  }

  /** The rules of a generation for its exporters. */
  rules(generation: number): RuleSetText {
    return makeRules(this.streams, generation, this.templates);
  }

  async totals(): Promise<Totals> {
    return totalsOf((await this.api.status()).forwarders);
  }

  /** What was sent so far. */
  offered(): Offered {
    const packets = this.#sent.reduce((sum, { numbered, hostile }) => {
      const { storm, empty, largest, checksum, templates } = hostile;
      return sum + numbered + storm + empty + largest + checksum + templates;
    }, 0);
    return { packets, streams: this.#streamsSent() };
  }

  /**
   * Waits until every packet has come to its end, and returns all accounts.
   *
   * @param inFlight packets that forwarders may have taken to their grave
   */
  async settle(inFlight = 0): Promise<Settled> {
    const offered = this.offered();
    let seen: Totals | undefined;
    let previous = '';
    const isDone = async () => {
      seen = await this.totals();
      const state = JSON.stringify([seen, (await this.collector.report()).copies]);
      const isQuiet = state === previous;
      previous = state;
      return isQuiet && seen.received + seen.kernelDrops + inFlight >= offered.packets;
    };
    const what = () => `${offered.packets} packets have come to an end in ${previous}`;
    await waitFor(what, isDone, HANG_MS, 100);
    const arrived = await this.collector.finish(offered.streams);
    const statistics = await this.api.statistics();
    const totals = await this.totals();
    assert.equal(arrived.ringDrops, 0, 'the collector itself lost copies: this run says nothing');
    assert.equal(await this.come(), offered.packets, 'offered, and as the kernel counts it');
    return {
      offered,
      totals,
      statistics,
      arrived,
      lostOnWire: (await this.#drops.total()) - totals.framesRefused,
    };
  }

  /** Packets that came to the proxy: to its sockets, or to its engine in the kernel before those. */
  async come(): Promise<number> {
    const { kernel_engine: engine } = await this.api.status();
    const { delivered, dropped } = await this.kernelCounts();
    return delivered + dropped + Number(engine?.handled.packets ?? 0);
  }

  /** Packets that the kernel delivered to, and dropped at, the sockets of the proxy's namespace. */
  async kernelCounts(): Promise<{ delivered: number; dropped: number }> {
    const text = await this.lab.run(this.lab.proxy, ['cat', '/proc/net/snmp', '/proc/net/snmp6']);
    const udp4 = /^Udp: (?<names>[A-Z].*)\nUdp: (?<values>.*)$/m.exec(text)?.groups;
    const names = udp4?.['names']?.split(' ') ?? [];
    const values = udp4?.['values']?.split(' ').map(Number) ?? [];
    const ofIpv4 = (name: string) => values[names.indexOf(name)] ?? Number.NaN;
    const ofIpv6 = (name: string) =>
      Number(new RegExp(`^Udp6${name}\\s+(\\d+)$`, 'm').exec(text)?.[1]);
    return {
      delivered: ofIpv4('InDatagrams') + ofIpv6('InDatagrams'),
      dropped: ofIpv4('InErrors') + ofIpv6('InErrors'),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #generate(load: Load): Generator {
    return this.#resources.use(startLoad(this.lab.exporters, load));
  }

  #streamsSent(): number[] {
    return this.streams.map((_, i) =>
      this.#sent.reduce((sum, sent) => sum + (sent.streams[i] ?? 0), 0),
    );
  }
}

async function sendToNobody(lab: Lab): Promise<void> {
  for (const host of [COLLECTOR_HOST_V4, COLLECTOR_HOST_V6]) {
    const neighbour = [host, 'lladdr', NOBODYS_MAC, 'dev', 'col', 'nud', 'permanent'];
    await lab.run(lab.proxy, ['ip', 'neigh', 'replace', ...neighbour]);
  }
}

export function totalsOf(forwarders: readonly ForwarderMessage[]): Totals {
  const sum = (count: (forwarder: ForwarderMessage) => number) =>
    forwarders.reduce((total, forwarder) => total + count(forwarder), 0);
  const errors = (list: readonly { count: string }[]) =>
    list.reduce((total, { count }) => total + Number(count), 0);
  return {
    received: sum(({ received }) => Number(received.packets)),
    forwarded: sum(({ forwarded }) => Number(forwarded.packets)),
    templateCopies: sum(
      ({ template_copies, template_resends }) => Number(template_copies) + Number(template_resends),
    ),
    droppedByRule: sum((forwarder) => Number(forwarder.dropped_by_rule)),
    noEligibleCollector: sum((forwarder) => Number(forwarder.no_eligible_collector)),
    truncated: sum((forwarder) => Number(forwarder.truncated)),
    kernelDrops: sum((forwarder) => Number(forwarder.kernel_drops)),
    sendErrors: sum((forwarder) => errors(forwarder.send_errors)),
    sendRetries: sum((forwarder) => Number(forwarder.send_retries)),
    receiveErrors: sum((forwarder) => errors(forwarder.receive_errors)),
    framesRefused: sum((forwarder) => Number(forwarder.frames_refused)),
    fragmented: sum((forwarder) => Number(forwarder.fragmented)),
    fragments: sum((forwarder) => Number(forwarder.fragments)),
    restarts: sum((forwarder) => Number(forwarder.restarts)),
  };
}
