/*
 * What a forwarder asks of the kernel once it moves packets, and nothing else (seccomp(2)).
 */
#ifndef SYS_SECCOMP_H
#define SYS_SECCOMP_H

/* 1 when the kernel can do it (Linux 4.14, CONFIG_SECCOMP_FILTER), else 0. */
int sys_can_restrict_calls(void);

/*
 * This thread, and all threads and programs that it starts, cannot make an io_uring any more
 * (ENOSYS): what is asked for through one is seen by no filter. libuv makes one for each event
 * loop when it can, so that a process whose calls are to be restricted has to be started after
 * this. Needs PR_SET_NO_NEW_PRIVS. Returns as sys_restrict_calls does.
 */
int sys_deny_io_uring(void);

/*
 * From now on all threads of the process, those that exist and those to come, can only use what
 * they have: memory, threads of their own, descriptors that are open. They cannot open files, make
 * sockets but for UDP, listen or change options of sockets, signal other processes; such calls fail
 * with EPERM. Programs that try to run another one, or to get into another process, are killed
 * (SIGSYS): nothing here does that, so it is not our code any more.
 * Needs PR_SET_NO_NEW_PRIVS, and an event loop without io_uring. -ENOSYS where the kernel, or the
 * machine, is none that is known.
 */
int sys_restrict_calls(void);

#endif
