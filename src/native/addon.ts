/** Loads the native addon (native/). */
import { createRequire } from 'node:module';
import { FloxyError, messageOf } from '../base/errors.ts';

/** The same from src/dataplane and dist/dataplane. */
const ADDON_PATH = '../../native/build/floxy_pio.node';

declare const handleBrand: unique symbol;

/** A struct pio and what keeps its memory alive. */
export interface PacketIoHandle {
  readonly [handleBrand]: true;
}

/** What native/src/node/ exports. It checks no argument; what fails returns a negative errno. */
export interface Addon {
  create(
    receiveFd: number,
    sendIpv4Fd: number,
    sendIpv6Fd: number,
    batch: number,
    bufferBytes: number,
    copiesMax: number,
    slotCount: number,
    mappedPrefix: Uint8Array,
    packets: ArrayBuffer,
    copies: ArrayBuffer,
    counters: ArrayBuffer,
    slotsByteOffset: number,
    takesGroup: number,
  ): PacketIoHandle | number;
  receive(handle: PacketIoHandle): number;
  send(handle: PacketIoHandle, packets: number, copies: number): void;
  setCollectors(
    handle: PacketIoHandle,
    buffer: ArrayBuffer,
    byteOffset: number,
    count: number,
  ): void;
  startPolling(handle: PacketIoHandle, callback: () => void): number;
  stopPolling(handle: PacketIoHandle): void;
  openReceiver(
    octets: Uint8Array,
    port: number,
    receiveBufferBytes: number,
    exclusive: number,
    granted: Uint32Array,
  ): number;
  openSender(family: number, sendBufferBytes: number): number;
  socketDrops(fd: number): number;
  memoryCreate(name: string, bytes: number): number;
  memoryResize(fd: number, bytes: number): number;
  memoryMap(fd: number, bytes: number, writable: number): ArrayBuffer | number;
  memoryUnmap(memory: ArrayBuffer): number;
  dieWithParent(parentPid: number): number;
  restrictPrivileges(keep: bigint): number;
  localRoutes(routes: Uint8Array): number;
  handoverListen(path: string): number;
  handoverAccept(listener: number, user: number, data: Uint8Array, fds: Int32Array): number;
  handoverConnect(
    path: string,
    waitMs: number,
    data: Uint8Array,
    fds: Int32Array,
    lengths: Uint32Array,
  ): number;
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
