import type { Logger } from 'pino';
import { messageOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import { formatSocketAddress, type SocketAddress } from '../../config/socket-address.ts';
import { handoverListen } from '../../native/handover.ts';
import { describeSocket } from '../../native/inherited.ts';
import { MISMATCHED_SLOT } from '../../table/assigned.ts';
import type { Identities } from '../../table/identities.ts';
import { PROBE_SLOTS } from '../../table/slots.ts';
import { CounterMemory } from '../memory/counter-memory.ts';
import type { RingMemory } from '../memory/packet-rings.ts';
import { addDrops } from './ended-counters.ts';
import type { HandoverOptions } from './forwarder/messages.ts';
import { ForwarderRecorder } from './forwarder-record.ts';
import { ForwarderSearch } from './forwarder-search.ts';
import { HANDOVER_VERSIONS, type HandoverPart } from './handover.ts';
import { HandoverPlaces, remove } from './handover-places.ts';
import { readIdentities } from './inherited-identities.ts';
import { anotherWayTo, leftRings, ringToGoOnWith } from './inherited-rings.ts';
import type { Predecessor } from './predecessor.ts';
import type { SocketEngineConfig } from './socket-engine.ts';
import { type InheritedSockets, ownSendersOf } from './sockets.ts';

export type SuccessionSettings = Pick<
  SocketEngineConfig,
  'listeners' | 'forwarders' | 'forwarderUser' | 'orphanLimitMs' | 'ringBytes' | 'runtimeDirectory'
>;

/** Slots of no rule. */
const FIXED_SLOTS = [
  MISMATCHED_SLOT,
  PROBE_SLOTS.input,
  ...PROBE_SLOTS.outputs.flatMap(({ collectors }) => collectors),
];

/**
 * What this control takes over from the one before it, and prepares for the next: sockets, counters, and what
 * is counted where.
 */
export class Succession {
  readonly #settings: SuccessionSettings;
  readonly #log: Logger;
  readonly #places: HandoverPlaces;
  readonly #recorder: ForwarderRecorder;
  /** By index of the forwarder. */
  readonly #predecessors = new Map<number, Predecessor>();
  #superfluous: Predecessor[] = [];
  #identities: Identities | undefined;
  readonly #listenerPaths: string[] = [];

  constructor(settings: SuccessionSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#places = new HandoverPlaces(settings.runtimeDirectory, settings.listeners);
    const listeners = settings.listeners.map(formatSocketAddress);
    const record = { path: this.#places.own.record, listeners };
    this.#recorder = new ForwarderRecorder(record, HANDOVER_VERSIONS, log);
  }

  /** Finds the forwarders that an earlier control left. */
  async take(): Promise<void> {
    const users = [this.#settings.forwarderUser.uid, process.getuid?.()];
    for (const paths of this.#places.all()) {
      const found = await new ForwarderSearch(paths, users, this.#log).find();
      if (found.length > 0) this.#places.use(paths);
      for (const predecessor of found) this.#take(predecessor);
    }
    this.#identities = await readIdentities(this.#all, this.#log);
  }

  /** Sockets alone: rules are counted somewhere already. Nothing when something was taken before. */
  async takeLate(): Promise<void> {
    if (this.#predecessors.size > 0) return;
    await this.take();
    this.#identities = undefined;
  }

  sockets(index: number): InheritedSockets | undefined {
    const predecessor = this.#predecessors.get(index);
    if (predecessor === undefined) return undefined;
    return {
      receive: this.#settings.listeners.map((_, i) => this.#receiver(predecessor, i)),
      ...ownSendersOf(predecessor, this.#settings.forwarders),
    };
  }

  /** Descriptor of the counters of a forwarder before; undefined when what they count is not known. */
  counters(index: number): number | undefined {
    if (this.#identities === undefined) return undefined;
    const predecessor = this.#predecessors.get(index);
    return predecessor?.fits('counters') ? predecessor.descriptors.counters : undefined;
  }

  /** Descriptor of the sums of forwarders that are no more. */
  endedCounters(): number | undefined {
    if (this.#identities === undefined) return undefined;
    const fds = this.#all.map((predecessor) =>
      predecessor.fits('counters') ? predecessor.descriptors['ended counters'] : undefined,
    );
    const one = fds.find((fd) => fd !== undefined);
    // All forwarders carry the same memory.
    return one === undefined ? undefined : anotherWayTo(one);
  }

  /** How many forwarders before have left their counters. */
  countersFound(): number {
    const hasLeft = ({ descriptors }: Predecessor) => descriptors.counters !== undefined;
    return this.#all.filter((one) => this.#isCounted(one) && hasLeft(one)).length;
  }

  /** The ring of a forwarder before that another one goes on with, with what workers have not read yet. */
  ring(index: number): RingMemory | undefined {
    const predecessor = this.#predecessors.get(index);
    if (predecessor?.descriptors.ring !== undefined && this.#identities === undefined) {
      const text =
        'pipelines lose what they have not read yet: it is not known whose packets are in the ring';
      this.#log.warn({ forwarder: index }, text);
    }
    return predecessor && this.#ringOf(predecessor);
  }

  /**
   * The ring of a forwarder before that will be killed, with what the kernel has handled and it has not counted. Whose
   * listeners were others is not known to it.
   */
  kernelRing(index: number): number | undefined {
    const predecessor = this.#predecessors.get(index);
    const ring = predecessor?.descriptors['kernel ring'];
    if (predecessor === undefined || ring === undefined) return undefined;
    const listened = predecessor.receivers.map((fd) => formatSocketAddress(describeSocket(fd)));
    const listens = this.#settings.listeners.map(formatSocketAddress);
    const isSame = listened.join() === listens.join();
    if (isSame && this.counters(index) !== undefined) return ring;
    const text = 'what the kernel has handled and a killed forwarder had not counted is lost';
    this.#log.warn({ forwarder: index }, text);
    return undefined;
  }

  /** Rings of forwarders before that no forwarder goes on with: there are fewer, or rings have another size. */
  leftRings(): readonly RingMemory[] {
    if (this.#identities === undefined) return [];
    const kept = [...this.#predecessors.values()].filter((one) => this.#ringOf(one) === undefined);
    return leftRings([...this.#superfluous, ...kept]);
  }

  /** What forwarders before count where; undefined when that is not known. */
  get identities(): Identities | undefined {
    return this.#identities;
  }

  /** Forwarders before that still move packets, by index; undefined: it has died meanwhile. */
  pidOf(index: number): number | undefined {
    const predecessor = this.#predecessors.get(index);
    return predecessor === undefined || predecessor.isGone ? undefined : predecessor.pid;
  }

  /** Which of the forwarders that go on without a successor have died, in words. */
  failure(): string | undefined {
    const gone = [...this.#predecessors.values()].filter(({ isGone }) => isGone);
    if (gone.length === 0) return undefined;
    const names = gone.map(({ index }) => index).join(', ');
    return `forwarder ${names} has died, and there are no rules to start another by: replace the rules`;
  }

  /**
   * Ends forwarders whose sockets are not kept, once all that waits in them is forwarded.
   *
   * @param sums gets what they counted
   */
  async endSuperfluous(sums: CounterMemory): Promise<void> {
    const ended = this.#superfluous;
    this.#superfluous = [];
    await Promise.all(ended.map((predecessor) => this.#end(predecessor, predecessor.receivers)));
    for (const predecessor of ended) {
      this.#addUp(predecessor, sums);
      predecessor.closeDescriptors();
    }
  }

  /** Where sockets of forwarders before are bound, whether they are kept or not. */
  bound(): readonly SocketAddress[] {
    return this.#all.flatMap((predecessor) => predecessor.receivers.map(describeSocket));
  }

  /**
   * Ends the forwarders before: others are about to start on their sockets. What waits at addresses that are none of ours
   * any more is forwarded first.
   *
   * @param sums gets what the kernel dropped there
   */
  async end(sums: CounterMemory | undefined): Promise<void> {
    const ended = [...this.#predecessors.values()];
    this.#predecessors.clear();
    await Promise.all(ended.map((predecessor) => this.#end(predecessor, this.#left(predecessor))));
    for (const predecessor of ended) {
      if (sums !== undefined && this.#isCounted(predecessor))
        addDrops(this.#left(predecessor), sums);
      predecessor.closeDescriptors(this.#used(predecessor));
    }
    this.#places.removeLeft();
  }

  /**
   * Prepares a forwarder to be taken over by the next control.
   *
   * @returns descriptor to be inherited and options; undefined when forwarders are to end with control
   */
  prepare(
    index: number,
  ): { readonly listener: number; readonly options: HandoverOptions } | undefined {
    const { orphanLimitMs: limitMs, runtimeDirectory } = this.#settings;
    if (limitMs === 0) return undefined;
    const path = this.#places.own.socket(index);
    try {
      makeFolder(runtimeDirectory, 0o750);
      const listener = handoverListen(path);
      this.#listenerPaths.push(path);
      return { listener, options: { limitMs, user: process.getuid?.() ?? 0 } };
    } catch (error) {
      const details = { path, error: messageOf(error) };
      this.#log.warn(
        details,
        'forwarders will end with control: set COLLECTOR_FLOXY_RUNTIME_DIRECTORY',
      );
      return undefined;
    }
  }

  /** A forwarder that was prepared has been started, with descriptors of these names. */
  note(index: number, pid: number, descriptors: readonly string[]): void {
    if (this.#listenerPaths.length > 0) this.#recorder.note(index, pid, descriptors);
  }

  /** Nobody can take the forwarders over any more: they have ended. */
  close(): void {
    if (this.#listenerPaths.length > 0) this.#recorder.remove();
    for (const path of this.#listenerPaths) remove(path);
  }

  #addUp(predecessor: Predecessor, sums: CounterMemory): void {
    const { counters } = predecessor.descriptors;
    if (counters === undefined || this.#identities === undefined) return;
    if (!predecessor.fits('counters')) return;
    const memory = new CounterMemory(predecessor.index, counters);
    const slots = [...FIXED_SLOTS, ...this.#identities.slots()];
    sums.absorb(memory, slots, this.#identities.states());
    for (const listener of predecessor.receivers.map(describeSocket))
      sums.listeners.add(listener, memory.listeners.read(listener));
    memory.unmap();
    addDrops(predecessor.receivers, sums);
  }

  #isCounted(predecessor: Predecessor): boolean {
    return this.#identities !== undefined && predecessor.fits('counters');
  }

  /** Sockets of a forwarder before at addresses that are none of ours. */
  #left(predecessor: Predecessor): readonly number[] {
    const used = this.#settings.listeners.map((_, i) => this.#receiver(predecessor, i));
    return predecessor.receivers.filter((fd) => !used.includes(fd));
  }

  #take(predecessor: Predecessor): void {
    const { index, pid } = predecessor;
    const isKept =
      index < this.#settings.forwarders &&
      !this.#predecessors.has(index) &&
      predecessor.fits('sockets') &&
      this.#settings.listeners.some((_, i) => this.#receiver(predecessor, i) !== undefined);
    if (!isKept) {
      this.#superfluous.push(predecessor);
      this.#log.info(
        { forwarder: index, pid },
        'forwarder found that the settings have no use for',
      );
      return;
    }
    this.#predecessors.set(index, predecessor);
    const parts: readonly HandoverPart[] = ['counters', 'identities'];
    const others = parts.filter((part) => !predecessor.fits(part));
    if (others.length === 0) this.#log.info({ forwarder: index, pid }, 'forwarder taken over');
    else {
      const text = 'forwarder taken over, but for what is of another version';
      this.#log.warn({ forwarder: index, pid, another: others }, text);
    }
  }

  /** Descriptors that others go on with. */
  #used(predecessor: Predecessor): readonly (number | undefined)[] {
    const { counters } = predecessor.descriptors;
    const { ring, readers } = this.#ringOf(predecessor) ?? {};
    const own = ownSendersOf(predecessor, this.#settings.forwarders);
    return [
      ...this.#settings.listeners.map((_, i) => this.#receiver(predecessor, i)),
      ...own.ownIpv4Senders,
      ...own.ownIpv6Senders,
      this.#isCounted(predecessor) ? counters : undefined,
      predecessor.descriptors['kernel ring'],
      ring,
      readers,
    ];
  }

  #ringOf(predecessor: Predecessor): RingMemory | undefined {
    if (this.#identities === undefined) return undefined;
    return ringToGoOnWith(predecessor, this.#settings.ringBytes);
  }

  /** The socket of a forwarder before that listens where a listener of ours does. */
  #receiver(predecessor: Predecessor, listener: number): number | undefined {
    const wanted = formatSocketAddress(this.#settings.listeners[listener] as SocketAddress);
    const nameOf = (fd: number) => formatSocketAddress(describeSocket(fd));
    return predecessor.receivers.find((fd) => nameOf(fd) === wanted);
  }

  async #end(predecessor: Predecessor, cutOff: readonly number[]): Promise<void> {
    if (await predecessor.end(cutOff)) return;
    const { index, pid } = predecessor;
    this.#log.error(
      { forwarder: index, pid },
      'a forwarder of an earlier control does not end: it takes a share of the packets; kill it',
    );
  }

  get #all(): readonly Predecessor[] {
    return [...this.#predecessors.values(), ...this.#superfluous];
  }
}
