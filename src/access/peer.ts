/** Finds out who is at the other end of a socket. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { messageOf } from '../base/errors.ts';
import { tcpPeerUser, unixPeer } from '../native/peers.ts';
import type { Peer } from './access.ts';

/** Longer names are nobody's. */
const MAX_NAME_LENGTH = 255;

/** Of a connection to a unix socket. @param report is told why the kernel does not say who it is */
export function peerOfUnix(socket: Socket, report: (reason: string) => void): Peer {
  const unknown: Peer = { from: 'unix', isLocal: true, user: undefined, certificateNames: [] };
  try {
    const { pid, uid, gids } = unixPeer(descriptorOf(socket));
    return { ...unknown, from: `unix, pid ${pid}`, user: { uid, gids } };
  } catch (error) {
    report(messageOf(error));
    return unknown;
  }
}

/**
 * Of a TCP connection that has just been accepted, before anything is read of it. The user is asked of the kernel
 * where the other end is on this host.
 *
 * @param report is told why the kernel does not say who it is
 */
export function peerOfTcp(socket: Socket, report: (reason: string) => void): Peer {
  const { remoteAddress = '', remotePort = 0, localAddress } = socket;
  const isLocal = isLoopback(remoteAddress) || remoteAddress === localAddress;
  const peer: Peer = {
    from: formatPeer(remoteAddress, remotePort),
    isLocal,
    user: undefined,
    certificateNames: [],
  };
  if (!isLocal) return peer;
  try {
    return { ...peer, user: { uid: tcpPeerUser(descriptorOf(socket)) } };
  } catch (error) {
    report(messageOf(error));
    return peer;
  }
}

/** The names in the certificate of a client; none without one that an authority of the settings has signed. */
export function certificateNames(socket: Socket): string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return [];
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? [] : namesIn(certificate);
}

/** Common names of the subject, and alternative names. */
export function namesIn({ subject, subjectAltName = '' }: X509Certificate): string[] {
  const names = [...commonNames(subject), ...alternativeNames(subjectAltName)];
  return [...new Set(names.filter((name) => name !== '' && name.length <= MAX_NAME_LENGTH))];
}

/**
 * One part of the subject on each line. What stands there as an escape, such as a new line in a name, stays one, so
 * that no name is taken for two.
 */
function commonNames(subject: string): string[] {
  return subject.split('\n').flatMap((line) => (line.startsWith('CN=') ? [line.slice(3)] : []));
}

/** `DNS:a, email:b, URI:"c, d"`: what has unusual characters is in quotes, and left out. */
function alternativeNames(text: string): string[] {
  const entries = text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return entries.flatMap((entry) => {
    const [, name] = /^ ?(?:DNS|email|URI|IP Address):([^"]+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [name];
  });
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

function formatPeer(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Node.js has no public way to it. @throws Error when the socket has none any more */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  const fd = handle?.fd ?? -1;
  if (fd < 0) throw new Error('the connection has gone');
  return fd;
}
