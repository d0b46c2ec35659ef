/** Empty datagrams that ask whether a port is open (native/include/sys_probe.h). */
import { getSystemErrorName } from 'node:util';
import { addon } from './addon.ts';
import { checkFd, checkInteger } from './arguments.ts';
import { check } from './system-call.ts';

const ERROR_BYTES = 24;
const ERRORS_AT_ONCE = 64;

/** What the kernel has heard of a datagram, such as that its port is closed (ICMP, RFC 792 and RFC 4443). */
export interface ProbeError {
  /** Where it was sent: 4 or 16 bytes. */
  readonly octets: Uint8Array;
  readonly port: number;
  /** Name of the errno: `ECONNREFUSED`, `EHOSTUNREACH`, … */
  readonly code: string;
}

/** Opens a socket for any number of addresses of a family. @throws SystemCallError EAFNOSUPPORT, EMFILE … */
export function openProbe(family: 4 | 6): number {
  return check('openProbe', addon().probeOpen(family));
}

/**
 * Sends an empty datagram with an address of this host.
 *
 * @param octets 4 or 16 bytes
 * @throws SystemCallError ENETUNREACH, EPERM …
 */
export function sendProbe(fd: number, octets: Uint8Array, port: number): void {
  checkInteger('port', port, 1, 65_535);
  check('sendProbe', addon().probeSend(checkFd(fd), octets, port));
}

/** All that the kernel has heard since. @throws SystemCallError */
export function readProbeErrors(fd: number): ProbeError[] {
  const errors: ProbeError[] = [];
  for (;;) {
    const bytes = new Uint8Array(ERRORS_AT_ONCE * ERROR_BYTES);
    const count = check('readProbeErrors', addon().probeErrors(checkFd(fd), bytes));
    for (let i = 0; i < count; i++) errors.push(errorAt(bytes, i * ERROR_BYTES));
    if (count < ERRORS_AT_ONCE) return errors;
  }
}

function errorAt(bytes: Uint8Array, at: number): ProbeError {
  const [errno = 0] = new Uint32Array(bytes.buffer, at + 16, 1);
  const [port = 0, family] = new Uint16Array(bytes.buffer, at + 20, 2);
  const octets = bytes.slice(at, at + (family === 4 ? 4 : 16));
  return { octets, port, code: getSystemErrorName(-errno) };
}
