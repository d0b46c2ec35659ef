import { closeSync } from 'node:fs';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { KernelProgram } from '../../native/kernel-program.ts';
import { type Link, readLinks } from '../../native/network.ts';
import { SystemCallError } from '../../native/system-call.ts';

interface Attachment {
  readonly name: string;
  /** Undefined: a filter, which the kernel keeps until it is detached. */
  readonly fd: number | undefined;
}

/** Where the program sees packets: at the interfaces by which flow can come from other hosts. */
export class Attachments {
  readonly #program: KernelProgram;
  readonly #log: Logger;
  readonly #readLinks: () => readonly Link[];
  readonly #attached = new Map<number, Attachment>();
  /** Interfaces that were told to be without it. */
  readonly #failed = new Map<number, string>();

  constructor(program: KernelProgram, log: Logger, links: () => readonly Link[] = readLinks) {
    this.#program = program;
    this.#log = log;
    this.#readLinks = links;
  }

  /** Names of the interfaces. */
  get names(): readonly string[] {
    return [...this.#attached.values()].map(({ name }) => name);
  }

  /** Links, by the interface that they are of. */
  get links(): ReadonlyMap<number, number> {
    return new Map(
      [...this.#attached].flatMap(([index, { fd }]) => (fd === undefined ? [] : [[index, fd]])),
    );
  }

  /** Attaches it where it is not yet, and forgets interfaces that are gone. @throws SystemCallError */
  look(): void {
    const links = this.#readLinks().filter(({ isEthernet }) => isEthernet);
    const present = new Set(links.map(({ index }) => index));
    for (const index of this.#attached.keys()) if (!present.has(index)) this.#forget(index);
    for (const link of links) {
      if (!this.#attached.has(link.index)) this.#attach(link);
    }
  }

  /** Packets do not come to it any more, as soon as no other process holds its links. */
  detach(): void {
    for (const [index, { fd }] of this.#attached) {
      if (fd === undefined) KernelProgram.detachFilter(index);
      this.#forget(index);
    }
  }

  #attach({ index, name }: Link): void {
    try {
      this.#attached.set(index, { name, fd: this.#take(index) });
      this.#failed.delete(index);
    } catch (error) {
      const message = messageOf(error);
      if (this.#failed.get(index) !== message)
        this.#log.warn(
          { interface: name, error: message },
          'the engine in the kernel is not at it',
        );
      this.#failed.set(index, message);
    }
  }

  /** @returns the link; undefined where the kernel has none */
  #take(index: number): number | undefined {
    try {
      return this.#program.attach(index);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== 'EOPNOTSUPP') throw error;
      this.#program.attachFilter(index);
      return undefined;
    }
  }

  #forget(index: number): void {
    const fd = this.#attached.get(index)?.fd;
    if (fd !== undefined) closeSync(fd);
    this.#attached.delete(index);
  }
}
