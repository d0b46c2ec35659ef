/** Processes by descriptor (pidfd_open(2)): it never means another process that got the same number. */
import { addon } from './addon.ts';
import { checkFd, checkInteger, INT32_MAX } from './arguments.ts';
import { check } from './system-call.ts';

/** @returns a descriptor, or undefined when there is no such process */
export function openProcess(pid: number): number | undefined {
  checkInteger('pid', pid, 1, INT32_MAX);
  const pidfd = addon().processOpen(pid);
  return pidfd < 0 ? undefined : pidfd;
}

/** SIGKILL. @throws SystemCallError EPERM without the right to, ESRCH when it has ended */
export function killProcess(pidfd: number): void {
  check('killProcess', addon().processKill(checkFd(pidfd)));
}

export function hasProcessEnded(pidfd: number): boolean {
  return check('hasProcessEnded', addon().processEnded(checkFd(pidfd))) === 1;
}

/**
 * What a process has open, as a descriptor of our own (pidfd_getfd(2)).
 *
 * @throws SystemCallError EPERM without the right to trace it (ptrace(2)), EBADF when it is not open
 */
export function takeDescriptor(pidfd: number, fd: number): number {
  return check('takeDescriptor', addon().processDescriptor(checkFd(pidfd), checkFd(fd)));
}

/** Whether something, such as NTP, keeps the clock of this host right (adjtimex(2)). @throws SystemCallError */
export function isClockSynchronised(): boolean {
  return check('isClockSynchronised', addon().clockIsSynchronised()) === 1;
}
