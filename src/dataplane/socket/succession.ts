import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import { formatEndpoint, makeEndpoint } from '../../model/endpoint.ts';
import { handoverListen } from '../../native/handover.ts';
import { mapMemory, unmapMemory } from '../../native/memory.ts';
import { decompile, identitiesIn } from '../../table/decompile.ts';
import { ForwardingTable } from '../../table/forwarding-table.ts';
import type { Identities } from '../../table/identities.ts';
import { SLOT_COUNT } from '../memory/counter-memory.ts';
import type { HandoverOptions } from './forwarder/messages.ts';
import { MEMORY_LAYOUT, Predecessor } from './handover.ts';
import type { SocketEngineConfig } from './socket-engine.ts';
import type { InheritedSockets } from './sockets.ts';

/** More forwarders than any setting allows: an earlier control may have had more than this one. */
const MAX_FORWARDERS = 256;

export type SuccessionSettings = Pick<
  SocketEngineConfig,
  'listen' | 'forwarders' | 'orphanLimitMs' | 'runtimeDirectory'
>;

/**
 * What this control takes over from the one before it, and prepares for the next: sockets, counters, and the
 * table by which the forwarders that are still running work.
 */
export class Succession {
  readonly #config: SuccessionSettings;
  readonly #log: Logger;
  /** By index of the forwarder. */
  readonly #predecessors = new Map<number, Predecessor>();
  readonly #superfluous: Predecessor[] = [];
  readonly #listeners: string[] = [];

  constructor(config: SuccessionSettings, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  /** Finds the forwarders that an earlier control left. */
  take(): void {
    for (let index = 0; index < MAX_FORWARDERS; index++) {
      const predecessor = this.#takeOne(index);
      if (predecessor === undefined) {
        if (index >= this.#config.forwarders) return;
        continue;
      }
      const { state } = predecessor;
      const fits =
        index < this.#config.forwarders &&
        state.listen === this.#listen() &&
        state.layout === MEMORY_LAYOUT &&
        state.slotCount === SLOT_COUNT;
      if (fits) this.#predecessors.set(index, predecessor);
      else this.#superfluous.push(predecessor);
      const text = fits ? 'forwarder taken over' : 'forwarder found that does not fit the settings';
      this.#log.info({ forwarder: index, pid: state.pid }, text);
    }
  }

  sockets(index: number): InheritedSockets | undefined {
    const predecessor = this.#predecessors.get(index);
    if (predecessor === undefined) return undefined;
    const { receive } = predecessor.descriptors;
    const { receiveBufferBytes } = predecessor.state;
    return { receive, receiveBufferBytes };
  }

  /** Descriptor of the counters of a forwarder before. */
  counters(index: number): number | undefined {
    return this.#predecessors.get(index)?.descriptors.counters;
  }

  /** The newest table by which forwarders before work; undefined when there are none. */
  identities(): Identities | undefined {
    const [newest] = [...this.#predecessors.values()].sort(
      (a, b) => b.state.table.generation - a.state.table.generation,
    );
    if (newest === undefined) return undefined;
    const memory = mapMemory(newest.descriptors.table, newest.state.table.bytes, false);
    try {
      return identitiesIn(decompile(new ForwardingTable(memory)));
    } finally {
      unmapMemory(memory);
    }
  }

  /** Ends forwarders whose sockets are not kept, before others are opened. */
  async endSuperfluous(): Promise<void> {
    const ended = this.#superfluous.splice(0);
    await Promise.all(ended.map((predecessor) => predecessor.end()));
    for (const predecessor of ended) predecessor.closeDescriptors();
  }

  /** Ends the forwarders before: others are about to start on their sockets. */
  async end(): Promise<void> {
    const ended = [...this.#predecessors.values()];
    this.#predecessors.clear();
    await Promise.all(ended.map((predecessor) => predecessor.end()));
  }

  /**
   * Prepares a forwarder to be taken over by the next control.
   *
   * @returns descriptor to be inherited and options; undefined when forwarders are to end with control
   */
  prepare(
    index: number,
    receiveBufferBytes: number,
  ): { readonly listener: number; readonly options: HandoverOptions } | undefined {
    const { orphanLimitMs: limitMs } = this.#config;
    if (limitMs === 0) return undefined;
    const path = this.#path(index);
    try {
      makeFolder(this.#config.runtimeDirectory, 0o750);
      const listener = handoverListen(path);
      this.#listeners.push(path);
      const user = process.getuid?.() ?? 0;
      return { listener, options: { limitMs, user, listen: this.#listen(), receiveBufferBytes } };
    } catch (error) {
      const details = { path, error: messageOf(error) };
      this.#log.warn(
        details,
        'forwarders will end with control: set COLLECTOR_FLOXY_RUNTIME_DIRECTORY',
      );
      return undefined;
    }
  }

  /** Nobody can take the forwarders over any more: they have ended. */
  close(): void {
    for (const path of this.#listeners) {
      try {
        unlinkSync(path);
      } catch {
        // Somebody has removed it: all the same.
      }
    }
  }

  #takeOne(index: number): Predecessor | undefined {
    try {
      return Predecessor.take(this.#path(index));
    } catch (error) {
      this.#log.error({ forwarder: index, error: messageOf(error) }, 'forwarder not taken over');
      return undefined;
    }
  }

  #path(index: number): string {
    return join(this.#config.runtimeDirectory, `floxy-${this.#config.listen.port}-${index}.sock`);
  }

  #listen(): string {
    const { octets, port } = this.#config.listen;
    return formatEndpoint(makeEndpoint(octets, port));
  }
}
