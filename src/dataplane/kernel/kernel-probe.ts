import { randomBytes, randomInt } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import type { SocketAddress } from '../../config/socket-address.ts';
import {
  formatAddress,
  LOOPBACK_IPV4,
  LOOPBACK_IPV6,
  type Octets,
  parseAddress,
} from '../../model/address.ts';
import { addressKind } from '../../model/address-kind.ts';
import { type Endpoint, formatEndpoint, isIpv6, makeEndpoint } from '../../model/endpoint.ts';
import { ETHER_TYPE, udpPacket } from '../../model/ip-packet.ts';
import { makeCollector, type Rule } from '../../model/rules.ts';
import type { KernelProgram } from '../../native/kernel-program.ts';
import { openTestSocket } from '../test-socket.ts';
import { KernelVerdict } from './kernel-verdict.ts';

/** Sent at once to each address: of several, one gets through where some are lost. */
const DATAGRAMS = 4;

/** Networks that no exporter is in: for measurements (RFC 2544), and for what is discarded (RFC 6666). */
const NO_EXPORTER_IPV4 = [198, 18];
const NO_EXPORTER_IPV6 = [1, 0, 0, 0, 0, 0, 0, 0];
/** Before IPv4 sources (RFC 6052): the kernel takes no packets from mapped addresses. */
const IPV4_PREFIX = Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0);

/** An Ethernet header as loopback has it, but for the EtherType. */
const ETHERNET_BYTES = 14;

/** Tries one address at which packets come. */
interface Trial {
  readonly exporter: Endpoint;
  readonly target: Endpoint;
  readonly rule: Rule;
  /** The source of copies. */
  readonly arrivesFrom: string;
  readonly verdict: KernelVerdict;
  /** Of its datagrams. */
  payload: string;
  areHandled: boolean;
  cameBack: boolean;
}

export interface KernelProbeParts {
  readonly program: Pick<KernelProgram, 'try'>;
  readonly listeners: readonly SocketAddress[];
  readonly intervalMs: number;
  /** Copies to this endpoint have a path by loopback from then on. */
  readonly leadBack: (endpoint: Endpoint) => void;
}

/**
 * Has the program handle test datagrams that come back to a socket of this process, by rules of their own (see rules): whether
 * what it handles leaves, as it should, is told by nothing else. They are handled as packets of an exporter are, by the same
 * table, and counted by forwarders; but for the first and the last step, an interface by which they come and one by which they
 * leave, which loopback is instead.
 */
export class KernelProbe {
  readonly #program: KernelProbeParts['program'];
  readonly #intervalMs: number;
  readonly #leadBack: KernelProbeParts['leadBack'];
  readonly #targets: readonly Endpoint[];
  #trials: readonly Trial[] = [];
  #socket: Socket | undefined;
  #endpoint: Endpoint | undefined;
  /** Of datagrams that are sent without the program; and how many have come. */
  #plain = '';
  #plainCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #onChange: () => void = () => undefined;
  #told: string | undefined;

  constructor({ program, listeners, intervalMs, leadBack }: KernelProbeParts) {
    this.#program = program;
    this.#intervalMs = intervalMs;
    this.#leadBack = leadBack;
    this.#targets = targetsOf(listeners);
  }

  /** Opens the socket. @throws Error where ::1 is not there */
  async open(): Promise<void> {
    const socket = await openTestSocket(makeEndpoint(LOOPBACK_IPV6, 0));
    socket.on('message', (payload, from) => this.#came(payload, from));
    const endpoint = makeEndpoint(LOOPBACK_IPV6, socket.address().port);
    this.#leadBack(endpoint);
    this.#trials = this.#targets.map((target) => trialOf(target, endpoint));
    this.#socket = socket;
    this.#endpoint = endpoint;
  }

  /** To be in each table; the same ones once it is open. */
  get rules(): readonly Rule[] {
    return this.#trials.map(({ rule }) => rule);
  }

  /** Begins: a table with the rules is in force. @param onChange is called when the problem is another, first when it is known */
  start(onChange: () => void): void {
    if (this.#timer !== undefined || this.#endpoint === undefined) return;
    this.#onChange = onChange;
    this.#told = this.problem;
    this.#timer = setInterval(() => {
      this.#judge();
      this.#send();
    }, this.#intervalMs);
    this.#send();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** The first tests are over, whatever they said. */
  get isKnown(): boolean {
    return this.#trials.every(({ verdict }) => verdict.isKnown);
  }

  /** Why nothing should be handled, in words; undefined also where nothing is tested. */
  get problem(): string | undefined {
    const failing = this.#trials.filter(({ verdict }) => verdict.isFailing);
    if (failing.length === 0) return this.isKnown ? undefined : 'it is being tested';
    const targets = failing.map(({ target }) => formatEndpoint(target)).join(', ');
    const sources = [...new Set(failing.map(({ arrivesFrom }) => arrivesFrom))].join(', ');
    return `copies of its test datagrams to ${targets} do not arrive, although it has handled them: a firewall that drops UDP by loopback from ${sources}, or a kernel with which it does not work; COLLECTOR_FLOXY_PROBE_INTERVAL_MS=0 ends the test`;
  }

  #judge(): void {
    const isWayFree = this.#plainCount === 2;
    for (const { verdict, areHandled, cameBack } of this.#trials)
      verdict.take({ areHandled, cameBack, isWayFree });
    this.#tell();
  }

  #tell(): void {
    const { problem } = this;
    if (problem === this.#told) return;
    this.#told = problem;
    this.#onChange();
  }

  /** What is lost between two that come is lost by what is special of it. */
  #send(): void {
    this.#plain = randomBytes(16).toString('hex');
    this.#plainCount = 0;
    this.#sendPlain();
    for (const trial of this.#trials) this.#try(trial);
    this.#sendPlain();
  }

  #sendPlain(): void {
    this.#socket?.send(this.#plain, this.#endpoint?.port, this.#endpoint?.host, () => {});
  }

  #try(trial: Trial): void {
    trial.payload = randomBytes(16).toString('hex');
    trial.cameBack = false;
    const frame = frameOf(trial);
    try {
      trial.areHandled = true;
      for (let i = 0; i < DATAGRAMS; i++)
        if (this.#program.try(frame) !== undefined) trial.areHandled = false;
    } catch {
      // A kernel that does not let it be tried says nothing of it.
      trial.areHandled = false;
    }
  }

  #came(payload: Buffer, { address, port }: RemoteInfo): void {
    const text = payload.toString('latin1');
    if (text === this.#plain) this.#plainCount++;
    const trial = this.#trials.find((one) => one.payload === text);
    if (trial === undefined) return;
    const source = parseAddress(address);
    if (source === undefined || port !== trial.exporter.port) return;
    if (formatAddress(source) !== trial.arrivesFrom) return;
    trial.cameBack = true;
    if (trial.verdict.isKnown) return;
    // Nothing is handled until it is known.
    trial.verdict.take({ ...trial, isWayFree: true });
    this.#tell();
  }
}

/** All addresses of listeners; of those that take any, loopback's. */
function targetsOf(listeners: readonly SocketAddress[]): readonly Endpoint[] {
  const targets = listeners.flatMap(({ octets, port }) => {
    if (addressKind(octets) !== 'unspecified') return [makeEndpoint(octets, port)];
    const ipv4 = makeEndpoint(LOOPBACK_IPV4, port);
    // A wildcard IPv6 address serves IPv4 too (spec R11).
    return octets.length === 4 ? [ipv4] : [ipv4, makeEndpoint(LOOPBACK_IPV6, port)];
  });
  return [...new Map(targets.map((target) => [formatEndpoint(target), target])).values()];
}

/** From an address that nobody can guess: no packet of another has the rule. */
function trialOf(target: Endpoint, collector: Endpoint): Trial {
  const isIpv4 = target.octets.length === 4;
  const octets: Octets = isIpv4
    ? Uint8Array.of(...NO_EXPORTER_IPV4, ...randomBytes(2))
    : Uint8Array.of(...NO_EXPORTER_IPV6, ...randomBytes(8));
  const exporter = makeEndpoint(octets, randomInt(1024, 65_536));
  const prefix = isIpv4 ? { ipv4SourcePrefix: IPV4_PREFIX } : {};
  return {
    exporter,
    target,
    rule: {
      exporter: { endpoint: exporter },
      outputs: [{ collectors: [{ ...makeCollector(collector), ...prefix }] }],
    },
    arrivesFrom: formatAddress(isIpv4 ? Uint8Array.of(...IPV4_PREFIX, ...octets) : octets),
    verdict: new KernelVerdict(),
    payload: '',
    areHandled: false,
    cameBack: false,
  };
}

function frameOf({ exporter, target, payload }: Trial): Uint8Array {
  const ethernet = Buffer.alloc(ETHERNET_BYTES);
  ethernet.writeUInt16BE(ETHER_TYPE[isIpv6(target) ? 6 : 4], ETHERNET_BYTES - 2);
  const packet = udpPacket({
    source: exporter.octets,
    sourcePort: exporter.port,
    destination: target.octets,
    destinationPort: target.port,
    payload: Buffer.from(payload),
  });
  return Buffer.concat([ethernet, packet]);
}
