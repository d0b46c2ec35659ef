import type { Socket } from 'node:dgram';
import type { Logger } from 'pino';
import { formatSocketAddress, type SocketAddress } from '../../config/socket-address.ts';
import { LOOPBACK_IPV4, LOOPBACK_IPV6 } from '../../model/address.ts';
import { addressKind } from '../../model/address-kind.ts';
import { type Endpoint, formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { makeCollector, type Rule } from '../../model/rules.ts';
import { openTestSocket } from '../test-socket.ts';
import { PathVerdict, type RealTraffic } from './path-verdict.ts';

/** A source whose datagrams failed to come back this often in a row: packets are not forwarded. */
const MISSES_UNTIL_FAILURE = 2;

interface Source {
  readonly socket: Socket;
  readonly endpoint: Endpoint;
  isAwaited: boolean;
  misses: number;
}

export interface PathProbeParts {
  /** Where the proxy receives. */
  readonly listen: SocketAddress;
  /** All addresses where it does. */
  readonly listeners: readonly SocketAddress[];
  readonly intervalMs: number;
  /** The counters of all forwarders, as they are now. */
  readonly traffic: () => readonly RealTraffic[];
  readonly log: Logger;
}

/**
 * Sends test datagrams to the proxy's own listening address and expects them back: the whole way of a
 * packet, through each forwarder, is tried. They are forwarded by rules of their own (see rules()), which no
 * user sees, from each source to a socket of this process.
 */
export class PathProbe {
  readonly #target: Endpoint;
  readonly #intervalMs: number;
  readonly #traffic: PathProbeParts['traffic'];
  readonly #verdict: PathVerdict;
  #sources: readonly Source[] = [];
  #collector: Socket | undefined;
  #rules: readonly Rule[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor({ listen, listeners, intervalMs, traffic, log }: PathProbeParts) {
    this.#target = targetOf(listen, listeners);
    this.#intervalMs = intervalMs;
    this.#traffic = traffic;
    this.#verdict = new PathVerdict(formatEndpoint(this.#target), log);
  }

  /** Opens the sockets: so many to send from. @throws Error when the address is not there */
  async open(count: number): Promise<void> {
    this.#collector = (await this.#bind()).socket;
    this.#collector.on('message', (_, { port }) => this.#cameBack(port));
    this.#sources = await Promise.all(Array.from({ length: count }, () => this.#bind()));
    const collector = makeEndpoint(this.#target.octets, this.#collector.address().port);
    const outputs = [{ collectors: [makeCollector(collector)] }];
    this.#rules = this.#sources.map(({ endpoint }) => ({ exporter: { endpoint }, outputs }));
  }

  /** One rule for each source. Made before the first table is, and the same objects ever after. */
  rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Begins to probe: a table with the rules is in force. */
  start(): void {
    if (this.#timer !== undefined || this.#sources.length === 0) return;
    this.#timer = setInterval(() => this.#probe(), this.#intervalMs);
  }

  /** In words, while packets are not forwarded; undefined while they are. */
  failure(): string | undefined {
    return this.#verdict.failure;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#collector?.close();
    for (const { socket } of this.#sources) socket.close();
    this.#sources = [];
  }

  #probe(): void {
    for (const source of this.#sources) {
      source.misses = source.isAwaited ? source.misses + 1 : 0;
      source.isAwaited = true;
      source.socket.send('probe', this.#target.port, this.#target.host, () => {});
    }
    this.#verdict.observe({
      failing: this.#sources.filter(({ misses }) => misses >= MISSES_UNTIL_FAILURE).length,
      sources: this.#sources.length,
      forwarders: this.#traffic(),
    });
  }

  #cameBack(port: number): void {
    const source = this.#sources.find(({ endpoint }) => endpoint.port === port);
    if (source !== undefined) source.isAwaited = false;
  }

  async #bind(): Promise<Source> {
    const socket = await openTestSocket(this.#target);
    const endpoint = makeEndpoint(this.#target.octets, socket.address().port);
    return { socket, endpoint, isAwaited: false, misses: 0 };
  }
}

/** Where datagrams come to this listener; loopback, where it takes any. */
function targetOf({ octets, port }: SocketAddress, listeners: readonly SocketAddress[]): Endpoint {
  if (addressKind(octets) !== 'unspecified') return makeEndpoint(octets, port);
  const ipv4 = makeEndpoint(LOOPBACK_IPV4, port);
  const isTaken = listeners.some((other) => formatSocketAddress(other) === formatEndpoint(ipv4));
  // A wildcard IPv6 address serves IPv4 too (spec R11); what has an own listener goes there.
  return octets.length === 16 && isTaken ? makeEndpoint(LOOPBACK_IPV6, port) : ipv4;
}
