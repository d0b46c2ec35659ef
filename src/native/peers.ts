/** Who is at the other end of a connection of this host (native/include/sys_peers.h). */
import { addon } from './addon.ts';
import { checkFd } from './arguments.ts';
import { check } from './system-call.ts';

/** NGROUPS_MAX is 65,536; nobody is in more than a few hundred. */
const MAX_GROUPS = 4096;

/** A process, as it was when it connected. */
export interface PeerProcess {
  /** 0 when it is in another pid namespace, such as a container. */
  readonly pid: number;
  readonly uid: number;
  /** The first one, and the supplementary ones. */
  readonly gids: readonly number[];
}

/**
 * Of a connected unix socket.
 *
 * @throws SystemCallError
 */
export function unixPeer(fd: number): PeerProcess {
  const peer = new Uint32Array(3);
  check('unixPeer', addon().unixPeer(checkFd(fd), peer));
  const [pid = 0, uid = 0, gid = 0] = peer;
  const groups = new Uint32Array(MAX_GROUPS);
  const count = check('unixPeerGroups', addon().unixPeerGroups(fd, groups));
  return { pid, uid, gids: [gid, ...groups.subarray(0, count)] };
}

/**
 * The user id of who made the other end of an accepted TCP connection from this host.
 *
 * @throws SystemCallError when there is none that could be believed: the connection is not established at both
 *   ends any more, or its other end is not of this network namespace
 */
export function tcpPeerUser(fd: number): number {
  const uid = new Uint32Array(1);
  check('tcpPeerUser', addon().tcpPeerUser(checkFd(fd), uid));
  return uid[0] as number;
}
