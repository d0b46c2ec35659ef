#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "sys.h"

/* Not in the C library of Debian 12 and before under these names. */
int sys_process_open(int pid)
{
	long fd = syscall(SYS_pidfd_open, pid, 0);
	return fd < 0 ? -errno : (int)fd;
}

int sys_process_kill(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}

int sys_process_ended(int pidfd)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int ready = poll(&end, 1, 0);
	return ready < 0 ? -errno : ready;
}

int sys_process_descriptor(int pidfd, int fd)
{
	long own = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return own < 0 ? -errno : (int)own;
}

int sys_clock_is_synchronised(void)
{
	struct timex clock = {.modes = 0};
	if (adjtimex(&clock) < 0)
		return -errno;
	return (clock.status & STA_UNSYNC) == 0;
}
