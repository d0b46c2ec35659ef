/** What a process may do, and when it ends (native/include/pio_sys.h). */
import { addon } from './addon.ts';
import { checkInteger, INT32_MAX } from './arguments.ts';
import { check } from './system-call.ts';

/**
 * The process is killed (SIGKILL) when its parent ends. Forgotten when the process changes its user.
 *
 * @throws SystemCallError ESRCH when the parent has ended already
 */
export function dieWithParent(parentPid: number): void {
  checkInteger('parentPid', parentPid, 0, INT32_MAX);
  check('dieWithParent', addon().dieWithParent(parentPid));
}

/**
 * Gives up for good every capability of this thread and its future children but those to keep.
 *
 * @param keep a bit mask by capability number (capabilities(7)): `1n << 7n` is CAP_SETUID
 */
export function restrictPrivileges(keep: bigint): void {
  if (keep !== BigInt.asUintN(64, keep)) throw new RangeError(`keep is ${keep}: must be 64 bits`);
  check('restrictPrivileges', addon().restrictPrivileges(keep));
}

/** Loads the addon now: for a process that is about to become a user who cannot read it. */
export function loadAddon(): void {
  addon();
}
