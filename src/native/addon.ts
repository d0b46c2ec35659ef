/** Loads the native addon (native/). */
import { createRequire } from 'node:module';
import { FloxyError, messageOf } from '../base/errors.ts';

/** The same from src/dataplane and dist/dataplane. */
const ADDON_PATH = '../../native/build/floxy_pio.node';

declare const receiverBrand: unique symbol;
declare const senderBrand: unique symbol;
declare const kernelBrand: unique symbol;
declare const consumerBrand: unique symbol;
declare const ringWriterBrand: unique symbol;
declare const ringReaderBrand: unique symbol;
declare const watchBrand: unique symbol;

/** A pio_receiver_t and what keeps its memory alive. */
export interface ReceiverHandle {
  readonly [receiverBrand]: true;
}

/** A pio_sender_t and what keeps its memory alive. */
export interface SenderHandle {
  readonly [senderBrand]: true;
}

/** A struct kernel_engine. */
export interface KernelHandle {
  readonly [kernelBrand]: true;
}

/** A kernel_consumer_t and what keeps its memory alive. */
export interface ConsumerHandle {
  readonly [consumerBrand]: true;
}

/** A struct ring_writer and what keeps its memory alive. */
export interface RingWriterHandle {
  readonly [ringWriterBrand]: true;
}

/** A struct ring_reader and what keeps its memory alive. */
export interface RingReaderHandle {
  readonly [ringReaderBrand]: true;
}

/** A socket that is watched for what the kernel announces. */
export interface WatchHandle {
  readonly [watchBrand]: true;
}

/** What native/src/node/ exports. It checks no argument; what fails returns a negative errno. */
export interface Addon {
  receiverCreate(
    fd: number,
    takesGroup: number,
    size: number,
    payloadBytes: number,
    payloadStride: number,
    packets: ArrayBuffer,
    payloads: ArrayBuffer,
    counters: ArrayBuffer,
    listener: number,
  ): ReceiverHandle | number;
  receive(handle: ReceiverHandle): number;
  startPolling(handle: ReceiverHandle, callback: () => number | undefined): number;
  stopPolling(handle: ReceiverHandle): void;
  senderCreate(
    ipv4Fds: Int32Array,
    ipv6Fds: Int32Array,
    mappedPrefix: Uint8Array,
    size: number,
    payloadBytes: number,
    payloadStride: number,
    packets: ArrayBuffer,
    payloads: ArrayBuffer,
    copies: ArrayBuffer,
    copiesMax: number,
    counters: ArrayBuffer,
    slotsByteOffset: number,
    slotCount: number,
    ring: ArrayBuffer | undefined,
    notesByteOffset: number,
    tap: ArrayBuffer | undefined,
    ownIpv4Fds: Int32Array,
    ownIpv6Fds: Int32Array,
    frameFds: Int32Array,
    paths: ArrayBuffer | undefined,
  ): SenderHandle | number;
  kernelLoad(
    object: Uint8Array,
    processors: number,
    consumers: number,
    ringBytes: number,
    log: Uint8Array,
  ): KernelHandle | number;
  kernelDescriptors(handle: KernelHandle, fds: Int32Array): number;
  kernelSettings(handle: KernelHandle): ArrayBuffer | number;
  kernelProcessors(handle: KernelHandle): ArrayBuffer | number;
  kernelPaths(handle: KernelHandle): ArrayBuffer | number;
  kernelStage(
    handle: KernelHandle,
    image: ArrayBuffer,
    bytes: number,
    states: number,
    done: (error: number) => void,
  ): number;
  kernelPutInForce(handle: KernelHandle, done: (error: number) => void): number;
  kernelSetAddress(handle: KernelHandle, address: Uint8Array, isThere: number): number;
  kernelSetListeners(handle: KernelHandle, listeners: Uint8Array): number;
  kernelTry(handle: KernelHandle, frame: Uint8Array): number;
  kernelAttach(handle: KernelHandle, link: number): number;
  kernelAttachFilter(handle: KernelHandle, link: number): number;
  kernelDetachFilter(link: number): number;
  consumerCreate(
    sender: SenderHandle,
    ring: number,
    ringBytes: number,
    counters: ArrayBuffer,
    journalByteOffset: number,
    leftOutByteOffset: number,
    leftOutCount: number,
    listenerRows: Uint8Array,
  ): ConsumerHandle | number;
  consumeAll(handle: ConsumerHandle): number;
  setTaps(handle: SenderHandle, taps: Uint8Array): number;
  tap(handle: SenderHandle, packets: number): void;
  send(handle: SenderHandle, packets: number, copies: number): void;
  setCollectors(
    handle: SenderHandle,
    buffer: ArrayBuffer,
    byteOffset: number,
    count: number,
    leavesByteOffset: number,
    leaveCount: number,
  ): void;
  notesOpen(memory: ArrayBuffer, byteOffset: number, nowSeconds: number): number;
  notesAbsorb(
    memory: ArrayBuffer,
    byteOffset: number,
    otherMemory: ArrayBuffer,
    otherByteOffset: number,
  ): void;
  notesRead(memory: ArrayBuffer, byteOffset: number, next: Uint32Array, rows: Uint8Array): number;
  notesReadEvents(
    memory: ArrayBuffer,
    byteOffset: number,
    after: number,
    events: Uint8Array,
  ): number;
  openReceiver(
    octets: Uint8Array,
    port: number,
    receiveBufferBytes: number,
    exclusive: number,
    granted: Uint32Array,
  ): number;
  steerReceivers(fd: number, count: number): number;
  openSender(family: number, sendBufferBytes: number): number;
  openOwnSender(family: number, sendBufferBytes: number): number;
  openFrameSender(sendBufferBytes: number): number;
  socketDrops(fd: number): number;
  memoryCreate(name: string, bytes: number): number;
  memoryResize(fd: number, bytes: number): number;
  memorySeal(fd: number, againstWriting: number): number;
  memoryMap(fd: number, bytes: number, writable: number): ArrayBuffer | number;
  memoryUnmap(memory: ArrayBuffer): number;
  dieWithParent(parentPid: number): number;
  restrictPrivileges(keep: bigint): number;
  restrictCalls(): number;
  denyIoUring(): number;
  canRestrictCalls(): number;
  notify(socket: string, text: Uint8Array): number;
  localRoutes(routes: Uint8Array): number;
  findRoutes(destinations: Uint8Array, routes: Uint8Array): number;
  findHops(destinations: Uint8Array, hops: Uint8Array): number;
  neighbours(neighbours: Uint8Array): number;
  links(links: Uint8Array): number;
  policyRules(rules: Uint8Array): number;
  qdiscs(qdiscs: Uint8Array): number;
  egressFilters(link: number): number;
  networkWatchOpen(): WatchHandle | number;
  networkWatchTake(handle: WatchHandle): number;
  watchStart(handle: WatchHandle, callback: () => number): number;
  watchClose(handle: WatchHandle): void;
  firewallOpen(): WatchHandle | number;
  firewallTake(handle: WatchHandle, events: Uint8Array): number;
  firewallGeneration(generation: Uint32Array): number;
  firewallChains(chains: Uint8Array): number;
  ipsecOpen(): WatchHandle | number;
  ipsecPolicies(policies: Uint8Array): number;
  ipsecTake(handle: WatchHandle, events: Uint8Array): number;
  clockIsSynchronised(): number;
  probeOpen(family: number): number;
  probeSend(fd: number, octets: Uint8Array, port: number): number;
  probeErrors(fd: number, errors: Uint8Array): number;
  closeOnExec(fd: number): number;
  unixPeer(fd: number, peer: Uint32Array): number;
  unixPeerGroups(fd: number, groups: Uint32Array): number;
  tcpPeerUser(fd: number, uid: Uint32Array): number;
  handoverListen(path: string): number;
  handoverAccept(listener: number, user: number, data: Uint8Array, fds: Int32Array): number;
  handoverConnect(path: string): number;
  handoverReceive(connection: number, data: Uint8Array, sender: Int32Array): number;
  processOpen(pid: number): number;
  processKill(pidfd: number): number;
  processEnded(pidfd: number): number;
  processDescriptor(pidfd: number, fd: number): number;
  socketDescribe(fd: number, numbers: Uint32Array, address: Uint8Array): number;
  socketCutOff(fd: number): number;
  memorySeals(fd: number): number;
  ringInit(memory: ArrayBuffer, id: number): number;
  ringBytes(memory: ArrayBuffer): number;
  ringSequence(memory: ArrayBuffer): number;
  ringSlot(octets: Uint8Array): number;
  ringWriterCreate(memory: ArrayBuffer): RingWriterHandle | number;
  ringAppend(
    handle: RingWriterHandle,
    source: Uint8Array,
    sourcePort: number,
    listenPort: number,
    pipelines: number,
    flags: number,
    receivedMs: number,
    payload: Uint8Array,
  ): void;
  ringPublish(handle: RingWriterHandle): void;
  ringReaderCreate(
    memory: ArrayBuffer,
    states: ArrayBuffer,
    stateOffset: number,
    pipeline: number,
    shard: number,
    shardOfSlot: ArrayBuffer,
    owner: number,
    pid: number,
  ): RingReaderHandle | number;
  ringTake(
    handle: RingReaderHandle,
    size: number,
    bytes: Uint8Array,
    offsets: Uint32Array,
    lengths: Uint32Array,
    sources: Uint32Array,
    ports: Uint16Array,
    listenPorts: Uint16Array,
    receivedMs: Float64Array,
    flags: Uint16Array | undefined,
  ): number;
  ringDone(handle: RingReaderHandle): void;
  ringAccount(states: ArrayBuffer, stateOffset: number, out: Float64Array): number;
  ringStopAt(states: ArrayBuffer, stateOffset: number, sequence: number): void;
  ringBegin(
    memory: ArrayBuffer,
    states: ArrayBuffer,
    stateOffset: number,
    pipeline: number,
    owner: number,
  ): number;
  ringBeginAt(states: ArrayBuffer, stateOffset: number, stoppedOffset: number, owner: number): void;
}

let loaded: Addon | undefined;

/**
 * The addon, loaded when it is first needed.
 *
 * @throws FloxyError DATA_PLANE when it is not built, or for another machine
 */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  const require = createRequire(import.meta.url);
  try {
    return require(ADDON_PATH) as Addon;
  } catch (error) {
    const why = messageOf(error).split('\n', 1)[0];
    const message = `the native addon cannot be loaded: ${why}: run npm run build:native`;
    throw new FloxyError('DATA_PLANE', message, { cause: error });
  }
}
