import type { Socket } from 'node:net';
import { z } from 'zod';
import type { EncodedBatch } from '../model/encoded-batch.ts';
import type { ProducerKind } from '../model/producer.ts';
import { DatagramLink } from './datagram-link.ts';
import { framed, framingOption } from './framing.ts';
import type { Link, LinkEvents } from './link.ts';
import { commonOptions } from './options.ts';
import { QueuedProducer } from './queued-producer.ts';
import {
  closeStream,
  connectStream,
  type StreamAddress,
  watchLoss,
  writeAll,
} from './stream-socket.ts';
import { tlsOption } from './tls.ts';

const options = z
  .strictObject({
    ...commonOptions,
    url: z
      .string()
      .superRefine((url, context) => {
        if (addressOf(url) === undefined) {
          context.addIssue('must be tcp://HOST:PORT, udp://HOST:PORT or unix:///PATH');
        }
      })
      .meta({ description: 'where to: `tcp://HOST:PORT`, `udp://HOST:PORT` or `unix:///PATH`' }),
    framing: framingOption,
    tls: tlsOption,
  })
  .refine(({ url, tls }) => tls === undefined || url.startsWith('tcp:'), {
    error: 'TLS is for tcp:// alone',
    path: ['tls'],
  });

type Options = z.output<typeof options>;

/**
 * Raw sockets: TCP, with TLS or without, unix, UDP (one message a datagram). Delivered is what the kernel took: no such
 * peer acknowledges anything, and what is under way when a connection breaks may be lost, or come twice.
 */
export const socketKind: ProducerKind<Options> = {
  name: 'socket',
  options,
  create: (given, context) =>
    new QueuedProducer({
      options: given,
      context,
      name: `socket to ${given.url}`,
      link: (events) => linkFor(given, events),
    }),
};

function linkFor(given: Options, events: LinkEvents): Link {
  const address = addressOf(given.url);
  if (address === undefined) throw new Error(`not an address: ${given.url}`);
  if ('host' in address && given.url.startsWith('udp:'))
    return new DatagramLink(address, given.framing);
  return new StreamLink(address, given, events);
}

/** @returns undefined for what is none */
function addressOf(text: string): StreamAddress | undefined {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return undefined;
  if (url.protocol === 'unix:') {
    return url.host === '' && url.pathname.length > 1
      ? { path: decodeURIComponent(url.pathname) }
      : undefined;
  }
  if (url.protocol !== 'tcp:' && url.protocol !== 'udp:') return undefined;
  if (url.port === '' || (url.pathname !== '' && url.pathname !== '/')) return undefined;
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
}

class StreamLink implements Link {
  readonly #address: StreamAddress;
  readonly #options: Options;
  readonly #events: LinkEvents;
  #socket: Socket | undefined;
  /** Something was written to this connection: what a stream begins with as well. */
  #begun = false;

  constructor(address: StreamAddress, given: Options, events: LinkEvents) {
    this.#address = address;
    this.#options = given;
    this.#events = events;
  }

  async connect(signal: AbortSignal): Promise<void> {
    const socket = await connectStream(this.#address, this.#options.tls, signal);
    this.#socket = socket;
    this.#begun = false;
    watchLoss(socket, (error) => {
      if (this.#socket === socket) this.#events.lost(error);
    });
    socket.resume();
  }

  async send(batch: EncodedBatch): Promise<undefined> {
    if (this.#socket === undefined) throw new Error('not connected');
    const bytes = framed(batch, this.#options.framing);
    const { header } = batch;
    const whole = this.#begun || header === undefined ? bytes : Buffer.concat([header, bytes]);
    this.#begun = true;
    await writeAll(this.#socket, whole);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    closeStream(socket);
  }
}
