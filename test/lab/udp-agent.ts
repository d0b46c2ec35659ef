/**
 * Agent with UDP sockets: sends packets of any exporter, at a given pace, and receives as a collector does.
 * Exchanged values: traffic.ts.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serveRequests } from './agent-loop.ts';
import { numberedPayload, payloadBytes } from './numbered.ts';
import type { Bound, Message, Packet, Progress, Traffic } from './traffic.ts';
import { keyOf } from './wire.ts';

const BUFFER_BYTES = 4 * 1024 * 1024;
const HOP_LIMIT = 64;
const LAG_MAX_MS = 20;
const sockets = new Map<string, Promise<Socket>>();
const received = new Map<string, Message[]>();
const running = new Map<string, { stop: boolean; done: Promise<Progress> }>();

/** Addresses are literals: answering at once keeps the packets of a socket in order. */
function lookup(host: string, _options: unknown, callback: (...result: unknown[]) => void): void {
  callback(null, host, host.includes(':') ? 6 : 4);
}

async function open(address: string, port: number): Promise<Socket> {
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const socket = createSocket({ type, lookup: lookup as never });
  // What a send cannot do is told to its own callback; an error of the network concerns no exporter.
  const listening = once(socket, 'listening');
  socket.bind(port, address);
  await listening;
  socket.setBroadcast(true);
  socket.on('error', () => undefined);
  return socket;
}

function socketOf(address: string, port: number): Promise<Socket> {
  const key = keyOf(address, port);
  const socket = sockets.get(key) ?? open(address, port);
  sockets.set(key, socket);
  return socket;
}

function transmit(socket: Socket, payload: Buffer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, host, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function send({ packets }: { packets: Packet[] }): Promise<void> {
  for (const { from, to, payload, hopLimit = HOP_LIMIT } of packets) {
    const socket = await socketOf(from.host, from.port);
    socket.setTTL(hopLimit);
    socket.setMulticastTTL(hopLimit);
    await transmit(socket, Buffer.from(payload, 'base64'), to.host, to.port);
  }
}

/**
 * Waits until a packet is due. What could not be sent in time is not sent in one burst later: the start moves.
 *
 * @param start of the traffic, by performance.now()
 * @param afterMs how long after it the packet is due
 * @returns the start from now on
 */
async function waitForTurn(start: number, afterMs: number): Promise<number> {
  const dueMs = start + afterMs - performance.now();
  if (dueMs > 1) await delay(dueMs);
  return dueMs < -LAG_MAX_MS ? start - dueMs - LAG_MAX_MS : start;
}

/** Sends the packets of all streams by turns, so many a second as asked. */
async function generate(traffic: Traffic, state: { stop: boolean }): Promise<Progress> {
  const {
    streams,
    packetsPerSecond,
    packetsPerStream = Number.POSITIVE_INFINITY,
    firstSequence = 0,
  } = traffic;
  const ends = await Promise.all(streams.map(({ from }) => socketOf(from.host, from.port)));
  let start = performance.now();
  let sent = 0;
  let failed = 0;
  for (let round = 0; round < packetsPerStream && !state.stop; round++) {
    const sequence = firstSequence + round;
    for (const [i, { stream, to, sizes }] of streams.entries()) {
      start = await waitForTurn(start, (sent / packetsPerSecond) * 1000);
      const payload = numberedPayload(stream, sequence, payloadBytes(sizes, stream, sequence));
      const socket = ends[i];
      if (socket === undefined) continue;
      const ended = transmit(socket, payload, to.host, to.port).catch(() => failed++);
      // Waiting for one in 64 lets callbacks run without paying for it each time.
      if (sent++ % 64 === 0) await ended;
    }
  }
  return { sentPerStream: sent / streams.length, failed };
}

function startTraffic(traffic: Traffic): void {
  const state = { stop: false };
  running.set(traffic.name, Object.assign(state, { done: generate(traffic, state) }));
}

async function endTraffic(name: string, stop: boolean): Promise<Progress> {
  const traffic = running.get(name);
  if (traffic === undefined) throw new Error(`there is no traffic ${name}`);
  if (stop) traffic.stop = true;
  const progress = await traffic.done;
  running.delete(name);
  return progress;
}

async function receive({ host, port }: { host: string; port: number }): Promise<Bound> {
  const socket = await socketOf(host, port);
  socket.setRecvBufferSize(BUFFER_BYTES);
  const bound = { host, port: socket.address().port };
  const messages: Message[] = [];
  received.set(keyOf(host, bound.port), messages);
  socket.on('message', (payload: Buffer, { address, port }: RemoteInfo) => {
    messages.push({ from: { host: address, port }, payload: payload.toString('base64') });
  });
  return bound;
}

await serveRequests({
  send,
  receive,
  startTraffic,
  stopTraffic: ({ name }: { name: string }) => endTraffic(name, true),
  finishTraffic: ({ name }: { name: string }) => endTraffic(name, false),
  messages: ({ host, port }: Bound) => received.get(keyOf(host, port)) ?? [],
});
