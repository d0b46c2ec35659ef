import { randomInt } from 'node:crypto';
import { echoRequest } from './echo-request.ts';
import { openAskingSocket, type RawSocket, writeIcmpChecksum } from './raw-socket.ts';

/**
 * Sends echo requests to neighbours. It is not for the answer: by sending, the kernel uses what it knows of a neighbour,
 * and has to find out whether that is still true.
 */
export class NeighbourQuestion {
  readonly #sockets = new Map<4 | 6, RawSocket>();
  readonly #id = randomInt(0x10000);
  #sequence = 0;

  /** Opens its sockets, while this process may: later it has given up the capability. Without one, nobody is asked. */
  open(): void {
    for (const family of [4, 6] as const) {
      try {
        this.#sockets.set(family, openAskingSocket(family));
      } catch {
        // Without CAP_NET_RAW there are no frames either.
      }
    }
  }

  /** @param address with its link, where it needs one: `fe80::1%eth0` */
  ask(address: string): void {
    const family = address.includes(':') ? 6 : 4;
    const socket = this.#sockets.get(family);
    if (socket === undefined) return;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const message = echoRequest(family, this.#id, this.#sequence, 0);
    if (family === 4) writeIcmpChecksum(message);
    try {
      // Whether it could be sent the state of the neighbour tells.
      socket.send(message, 0, message.length, address, () => undefined);
    } catch {
      // The link has gone meanwhile.
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}
