import { closeSync } from 'node:fs';
import { createReaderStates, createRing, readOnly } from '../../native/ring-memory.ts';

/** The ring of one forwarder, and what its readers keep: native/include/ring.h. */
export interface RingMemory {
  readonly ring: number;
  readonly readers: number;
}

/** The ring of one forwarder, as descriptors for those who read it. */
export interface PacketRing {
  /** Its index; beyond those of forwarders for a ring that none writes to any more. */
  readonly forwarder: number;
  /** Opened for reading: mapAll(fd, false). */
  readonly fd: number;
  /** What its readers keep: mapAll(readers, true), RingReaderStates. */
  readonly readers: number;
}

/**
 * The rings by which pipelines get packets, one of each forwarder. They outlive forwarders, and control too: what workers
 * have not read yet, and where they are, is handed over (succession.ts). A ring takes memory only when it is written to.
 */
export class PacketRings {
  #rings: readonly (PacketRing & RingMemory)[] = [];
  #left: readonly (PacketRing & RingMemory)[] = [];

  /**
   * @param inherited the ring that a forwarder before had, by index
   */
  open(
    { forwarders, ringBytes }: { readonly forwarders: number; readonly ringBytes: number },
    inherited: (forwarder: number) => RingMemory | undefined,
  ): void {
    this.#rings = Array.from({ length: forwarders }, (_, forwarder) => {
      const memory = inherited(forwarder) ?? {
        ring: createRing(`floxy-ring-${forwarder}`, ringBytes),
        readers: createReaderStates(`floxy-ring-readers-${forwarder}`),
      };
      return { forwarder, fd: readOnly(memory.ring), ...memory };
    });
  }

  /** Rings that no forwarder writes to any more: workers read what is in them. Until the next control. */
  addLeft(left: readonly RingMemory[]): void {
    this.#left = left.map((memory, i) => {
      const forwarder = this.#rings.length + i;
      return { forwarder, fd: readOnly(memory.ring), ...memory };
    });
  }

  /** What a forwarder inherits: it writes the ring, and only carries the rest for the next control. */
  memory(forwarder: number): RingMemory | undefined {
    return this.#rings[forwarder];
  }

  all(): readonly PacketRing[] {
    const all = [...this.#rings, ...this.#left];
    return all.map(({ forwarder, fd, readers }) => ({ forwarder, fd, readers }));
  }

  close(): void {
    for (const { fd, ring, readers } of [...this.#rings, ...this.#left])
      for (const one of [fd, ring, readers]) closeSync(one);
    this.#rings = [];
    this.#left = [];
  }
}
