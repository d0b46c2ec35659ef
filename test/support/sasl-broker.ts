import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;
const SASL_AUTHENTICATION_FAILED = 58;

/**
 * As much of a Kafka broker as asks for a name and a password (SASL PLAIN, SaslHandshake v1 and SaslAuthenticate v2 of
 * the Kafka protocol guide), and refuses them: librdkafka's mock cluster has neither SASL nor TLS.
 */
export class SaslBroker implements AsyncDisposable {
  /** What clients said who they are: authorisation identity, name, password, with zeros in between. */
  readonly said: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(tls: TlsOptions | undefined) {
    const serve = (socket: Socket) => this.#serve(socket);
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(tls?: TlsOptions): Promise<SaslBroker> {
    const broker = new SaslBroker(tls);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get address(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets connections that are still open. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 4 && received.length >= received.readUInt32BE(0) + 4) {
        const end = received.readUInt32BE(0) + 4;
        this.#answer(socket, received.subarray(4, end));
        received = received.subarray(end);
      }
    });
  }

  #answer(socket: Socket, request: Buffer): void {
    const [apiKey, correlationId] = [request.readInt16BE(0), request.readInt32BE(4)];
    let body = Buffer.alloc(0);
    if (apiKey === SASL_HANDSHAKE) {
      // No error, and a list of one mechanism.
      body = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, 5]), Buffer.from('PLAIN')]);
    } else if (apiKey === SASL_AUTHENTICATE) {
      // Behind the name of the client and no tags: a length, one more than it is, and the octets.
      const at = 11 + request.readInt16BE(8);
      const length = request.readUInt8(at) - 1;
      this.said.push(request.subarray(at + 1, at + 1 + length).toString());
      // Tags of the header, error, no message, no octets, lifetime, tags.
      body = Buffer.from([0, 0, SASL_AUTHENTICATION_FAILED, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    const header = Buffer.alloc(8);
    header.writeUInt32BE(body.length + 4, 0);
    header.writeInt32BE(correlationId, 4);
    socket.write(Buffer.concat([header, body]));
  }
}
