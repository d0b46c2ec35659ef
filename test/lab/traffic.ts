/**
 * Exporters and collectors with real sockets, in any namespace of the lab (the work is done by
 * udp-agent.ts). Payloads of single packets are given; those of traffic are numbered (numbered.ts).
 */
import { Agent } from './agent.ts';
import type { Sizes } from './numbered.ts';

/** A bound or wanted address and port. */
export interface Bound {
  readonly host: string;
  readonly port: number;
}

/** One packet; the payload in base64. */
export interface Packet {
  readonly from: Bound;
  readonly to: Bound;
  readonly payload: string;
  /** With which it leaves; default 64. */
  readonly hopLimit?: number;
}

/** A datagram that a socket received; the payload in base64. */
export interface Message {
  readonly from: Bound;
  readonly payload: string;
}

/** The numbered packets of one exporter endpoint. */
export interface Stream {
  /** Its number, the first four bytes of every payload. */
  readonly stream: number;
  readonly from: Bound;
  readonly to: Bound;
  readonly sizes: Sizes;
}

/** Packets of several streams by turns. */
export interface Traffic {
  readonly name: string;
  readonly streams: readonly Stream[];
  /** Of all streams together. */
  readonly packetsPerSecond: number;
  /** Without it the traffic goes on until it is stopped. */
  readonly packetsPerStream?: number;
  /** Of the first packet of each stream; default 0. */
  readonly firstSequence?: number;
}

/** What was sent. All streams are at the same number, as traffic stops between two rounds only. */
export interface Progress {
  readonly sentPerStream: number;
  /** Sends that the kernel refused. */
  readonly failed: number;
}

/** UDP sockets in a namespace. */
export class UdpSockets implements AsyncDisposable {
  readonly #agent: Agent;

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  static async start(namespace: string): Promise<UdpSockets> {
    return new UdpSockets(await Agent.start(namespace, './udp-agent.ts'));
  }

  /** Sends packets in order, and returns when the kernel has taken all of them. */
  async send(
    packets: readonly { from: Bound; to: Bound; payload: Buffer; hopLimit?: number }[],
  ): Promise<void> {
    const encoded = packets.map((packet) => ({
      ...packet,
      payload: packet.payload.toString('base64'),
    }));
    await this.#agent.ask('send', { packets: encoded });
  }

  async startTraffic(traffic: Traffic): Promise<void> {
    await this.#agent.ask('startTraffic', traffic);
  }

  /** Stops traffic after the round it is in. */
  stopTraffic(name: string): Promise<Progress> {
    return this.#agent.ask('stopTraffic', { name });
  }

  /** Waits for the end of traffic that has one. */
  finishTraffic(name: string): Promise<Progress> {
    return this.#agent.ask('finishTraffic', { name });
  }

  /** Receives on an address and port from now on; port 0 takes a free one. */
  receive(at: Bound): Promise<Bound> {
    return this.#agent.ask('receive', at);
  }

  /** What has been received so far. */
  async messages(at: Bound): Promise<{ from: Bound; payload: Buffer }[]> {
    const messages = await this.#agent.ask<Message[]>('messages', at);
    return messages.map(({ from, payload }) => ({ from, payload: Buffer.from(payload, 'base64') }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent[Symbol.asyncDispose]();
  }
}
