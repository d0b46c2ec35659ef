import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const CHANNEL = 'net.client.socket';

/** All TCP connections of this process to some ports, which a test cuts: as if a cable was pulled out. */
export class Cable implements Disposable {
  readonly #ports: () => ReadonlySet<number>;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  readonly #seen = (message: unknown) => this.#watch((message as { socket: Socket }).socket);

  /** @param ports those that it leads to, asked when something connects */
  constructor(ports: () => ReadonlySet<number>) {
    this.#ports = ports;
    subscribe(CHANNEL, this.#seen);
  }

  /** Ends all connections; new ones end at once. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.#cut = false;
  }

  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#seen);
  }

  #watch(socket: Socket): void {
    socket.once('connect', () => {
      if (!this.#ports().has(socket.remotePort ?? 0)) return;
      if (this.#cut) socket.destroy(new Error('the cable is out'));
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }
}
