import type { Socket } from 'node:net';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';

/** A stream of octets both ways, over a socket. */
export interface StreamChannel {
  listen(data: (bytes: Buffer) => void, ended: (error: Error) => void): void;
  write(bytes: Buffer): void;
  /** Leaves the socket to another channel. */
  release(): void;
  destroy(): void;
}

export class PlainChannel implements StreamChannel {
  readonly #socket: Socket;
  #release = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  listen(data: (bytes: Buffer) => void, ended: (error: Error) => void): void {
    const socket = this.#socket;
    const end = () => ended(new Error('the peer closed the connection'));
    socket.on('data', data).on('error', ended).on('end', end).on('close', end);
    this.#release = () =>
      socket.pause().off('data', data).off('error', ended).off('end', end).off('close', end);
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  release(): void {
    this.#release();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Raw deflate (RFC 1951) both ways, with a flush behind each write. */
export class DeflateChannel implements StreamChannel {
  readonly #socket: Socket;
  readonly #deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
  readonly #inflate = createInflateRaw({ flush: constants.Z_SYNC_FLUSH });

  /** @param begun what has been received of it already */
  constructor(socket: Socket, begun: Buffer) {
    this.#socket = socket;
    this.#deflate.pipe(socket);
    this.#inflate.write(begun);
    socket.pipe(this.#inflate);
  }

  listen(data: (bytes: Buffer) => void, ended: (error: Error) => void): void {
    const end = () => ended(new Error('the peer closed the connection'));
    // What came before the end is read before it is told.
    this.#inflate.on('data', data).on('end', end);
    this.#inflate.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'Z_BUF_ERROR' ? end() : ended(error),
    );
    this.#deflate.on('error', ended);
    this.#socket.on('error', ended).on('close', () => this.#inflate.end());
  }

  write(bytes: Buffer): void {
    this.#deflate.write(bytes);
  }

  release(): void {
    this.#socket.unpipe(this.#inflate);
    this.#deflate.unpipe(this.#socket);
  }

  destroy(): void {
    this.#deflate.destroy();
    this.#inflate.destroy();
    this.#socket.destroy();
  }
}
