/** Sockets of this network namespace that packets come to, and whose they are. */
import { basename } from 'node:path';
import { canonicalOctets, formatAddress, type Octets } from '../model/address.ts';
import { addressKind } from '../model/address-kind.ts';
import { formatEndpoint, makeEndpoint } from '../model/endpoint.ts';
import { readFolder, readLink, readText } from './host.ts';

export interface BoundSocket {
  readonly octets: Octets;
  /** Takes packets to any address; that of IPv6 mostly those of IPv4 too. */
  readonly isWildcard: boolean;
  readonly port: number;
  readonly uid: number;
  readonly inode: number;
}

/** TCP_LISTEN of the kernel's table. */
const LISTENING = '0A';

/** All UDP sockets that are bound, or all TCP sockets that listen; undefined when the kernel's table cannot be read. */
export function readBoundSockets(protocol: 'udp' | 'tcp'): BoundSocket[] | undefined {
  const tables = [protocol, `${protocol}6`].map((name) => readText(`/proc/net/${name}`));
  if (tables.every((table) => table === undefined)) return undefined;
  return tables.flatMap((table) => (table ?? '').split('\n').slice(1).flatMap(parseLine(protocol)));
}

function parseLine(protocol: 'udp' | 'tcp'): (line: string) => BoundSocket[] {
  return (line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , state, , , , uid, , inode] = fields;
    const [address, port] = local.split(':');
    if (address === undefined || port === undefined) return [];
    if (protocol === 'tcp' && state !== LISTENING) return [];
    const octets = canonicalOctets(octetsOf(address));
    return [
      {
        octets,
        isWildcard: addressKind(octets) === 'unspecified',
        port: Number.parseInt(port, 16),
        uid: Number(uid),
        inode: Number(inode),
      },
    ];
  };
}

/** The kernel prints words of 32 bits as numbers of this machine. */
function octetsOf(hex: string): Octets {
  const words = hex.match(/.{8}/g) ?? [];
  const numbers = Uint32Array.from(words, (word) => Number.parseInt(word, 16));
  return new Uint8Array(numbers.buffer);
}

/** Whether packets to this address may come to the socket. */
export function covers(socket: BoundSocket, octets: Octets): boolean {
  if (socket.isWildcard) return socket.octets.length === 16 || octets.length === 4;
  return formatAddress(socket.octets) === formatAddress(octets);
}

export function socketName({ octets, port }: BoundSocket): string {
  return formatEndpoint(makeEndpoint(octets, port));
}

/** A process that has a socket open. */
export interface Owner {
  readonly pid: number;
  readonly name: string;
}

/** Who has these sockets open, by inode. Without root only own processes can be seen. */
export function findOwners(sockets: readonly BoundSocket[]): ReadonlyMap<number, Owner[]> {
  const owners = new Map<number, Owner[]>(sockets.map(({ inode }) => [inode, []]));
  if (sockets.length === 0) return owners;
  for (const pid of readFolder('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of readFolder(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`) ?? '')?.[1];
      const found = owners.get(Number(inode));
      if (found === undefined || found.some((owner) => owner.pid === Number(pid))) continue;
      found.push({ pid: Number(pid), name: processName(Number(pid)) });
    }
  }
  return owners;
}

/** What `ps` shows of a process, without its arguments. */
export function processName(pid: number): string {
  const command = readText(`/proc/${pid}/cmdline`)?.split('\0', 1)[0]?.trim() ?? '';
  return basename(command) || (readText(`/proc/${pid}/comm`)?.trim() ?? 'unknown');
}

/** `nfcapd (pid 12)`, or of whom it is when the process cannot be seen. */
export function describeOwners(socket: BoundSocket, owners: readonly Owner[]): string {
  if (owners.length === 0) return `a process of user id ${socket.uid} (root sees which)`;
  return owners.map(({ pid, name }) => `${name} (pid ${pid})`).join(', ');
}
