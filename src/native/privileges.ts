/** What a process may do, and when it ends (native/include/sys.h). */
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

/** Whether the kernel, and the machine, can do what restrictCalls() asks for. */
export function canRestrictCalls(): boolean {
  return addon().canRestrictCalls() === 1;
}

/**
 * Processes and threads that this thread starts from now on cannot make an io_uring: what is asked for through
 * one passes by restrictCalls(). Each event loop of Node has one where it can, so that the calls of a process
 * can be restricted only when the one that started it has done this. Needs restrictPrivileges() before.
 *
 * @throws SystemCallError ENOSYS without canRestrictCalls()
 */
export function denyIoUring(): void {
  check('denyIoUring', addon().denyIoUring());
}

/**
 * Takes from all threads of the process, for good, the system calls that a forwarder that moves packets has
 * no use for (native/include/sys_seccomp.h): they fail with EPERM, or kill the process. All code has to be
 * loaded. Needs restrictPrivileges() before, and denyIoUring() in the process that started this one.
 *
 * @throws SystemCallError ENOSYS without canRestrictCalls()
 */
export function restrictCalls(): void {
  check('restrictCalls', addon().restrictCalls());
}

/** Loads the addon now: for a process that is about to become a user who cannot read it. */
export function loadAddon(): void {
  addon();
}
