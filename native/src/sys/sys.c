#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "address.h"
#include "kernel.h"
#include "nothing.h"

/* linux/in6.h, which cannot be included beside netinet/in.h. */
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36
#endif

static int enable(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Closes fd when there is an error; returns fd or the error. */
static int fd_or_error(int fd, int error)
{
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int set_buffer(int fd, int force_option, int option, uint32_t bytes)
{
	int value = bytes > INT_MAX ? INT_MAX : (int)bytes;
	if (setsockopt(fd, SOL_SOCKET, force_option, &value, sizeof(value)) == 0)
		return 0;
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

union socket_name {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t make_name(union socket_name *name, const uint8_t *address, size_t bytes,
			   uint16_t port)
{
	memset(name, 0, sizeof(*name));
	if (bytes == 4) {
		name->ipv4.sin_family = AF_INET;
		name->ipv4.sin_port = htons(port);
		memcpy(&name->ipv4.sin_addr, address, 4);
		return sizeof(name->ipv4);
	}
	name->ipv6.sin6_family = AF_INET6;
	name->ipv6.sin6_port = htons(port);
	memcpy(&name->ipv6.sin6_addr, address, 16);
	return sizeof(name->ipv6);
}

static int open_bound(const union socket_name *name, socklen_t name_bytes, int reuse_port)
{
	int fd = socket(name->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int off = 0;
	if (name->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return fd_or_error(fd, -errno);
	int error = reuse_port ? enable(fd, SOL_SOCKET, SO_REUSEPORT) : 0;
	if (error == 0 && bind(fd, &name->any, name_bytes) < 0)
		error = -errno;
	return fd_or_error(fd, error);
}

int sys_open_receiver(const uint8_t *address, size_t address_bytes, uint16_t port,
		      uint32_t receive_buffer, int exclusive, uint32_t *granted)
{
	if (address_bytes != 4 && address_bytes != 16)
		return -EINVAL;
	union socket_name name;
	socklen_t name_bytes = make_name(&name, address, address_bytes, port);
	if (exclusive) {
		int probe = open_bound(&name, name_bytes, 0);
		if (probe < 0)
			return probe;
		close(probe);
	}
	int fd = open_bound(&name, name_bytes, 1);
	if (fd < 0)
		return fd;
	int error = set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
	socklen_t bytes = sizeof(*granted);
	if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_RCVBUF, granted, &bytes) < 0)
		error = -errno;
	return fd_or_error(fd, error);
}

/*
 * Without IP_RECVERR the kernel says of what a queueing discipline drops that it was sent
 * (raw_send_hdrinc, net/ipv4/raw.c). What else comes by it, too large a packet, calls tell as well:
 * there is little room to keep it.
 */
static int tell_drops(int fd, int family)
{
	int none = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &none, sizeof(none)) < 0)
		return -errno;
	return family == 4 ? enable(fd, IPPROTO_IP, IP_RECVERR)
			   : enable(fd, IPPROTO_IPV6, IPV6_RECVERR);
}

int sys_open_sender(int family, uint32_t send_buffer)
{
	if (family != 4 && family != 6)
		return -EINVAL;
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			IPPROTO_RAW);
	if (fd < 0)
		return -errno;
	int error = family == 4 ? enable(fd, IPPROTO_IP, IP_HDRINCL)
				: enable(fd, IPPROTO_IPV6, IPV6_HDRINCL);
	if (error == 0)
		error = tell_drops(fd, family);
	if (error == 0)
		error = sys_set_send_buffer(fd, send_buffer);
	return fd_or_error(fd, error);
}

int sys_open_frame_sender(uint32_t send_buffer)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int error = sys_take_nothing(fd);
	if (error == 0)
		error = enable(fd, SOL_PACKET, PACKET_QDISC_BYPASS);
	if (error == 0)
		error = sys_set_send_buffer(fd, send_buffer);
	return fd_or_error(fd, error);
}

int sys_close_on_exec(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int sys_set_send_buffer(int fd, uint32_t bytes)
{
	return set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

int64_t sys_socket_drops(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof(memory);
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &bytes) < 0)
		return -errno;
	return memory[SK_MEMINFO_DROPS];
}

int sys_memory_create(const char *name, uint64_t bytes)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	return fd_or_error(fd, sys_memory_resize(fd, bytes));
}

int sys_memory_resize(int fd, uint64_t bytes)
{
	return ftruncate(fd, (off_t)bytes) < 0 ? -errno : 0;
}

int sys_memory_seal(int fd, int against_writing)
{
	int seals = F_SEAL_SEAL | F_SEAL_SHRINK | (against_writing ? F_SEAL_FUTURE_WRITE : 0);
	return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

int sys_die_with_parent(int parent_pid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	/* Had it ended before the call, no signal would ever come. */
	return getppid() == parent_pid ? 0 : -ESRCH;
}

int sys_restrict_privileges(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
		uint32_t mask = (uint32_t)(keep >> (word * 32));
		sets[word].effective &= mask;
		sets[word].permitted &= mask;
		sets[word].inheritable &= mask;
	}
	return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

uint64_t pio_clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
}

uint64_t pio_unsent_bytes(int fd)
{
	int bytes = 0;
	return ioctl(fd, SIOCOUTQ, &bytes) < 0 || bytes < 0 ? 0 : (uint64_t)bytes;
}

void pio_pause_us(uint32_t us)
{
	const struct timespec pause = {.tv_nsec = (long)us * 1000};
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int pio_path_mtu(const uint8_t address[16])
{
	static const uint16_t discard_port = 9; /* any: nothing is sent to it */
	int is_ipv4 = pio_is_ipv4(address);
	union socket_name name;
	socklen_t name_bytes =
		make_name(&name, address + (is_ipv4 ? 12 : 0), is_ipv4 ? 4 : 16, discard_port);
	int fd = socket(name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int mtu = 0;
	socklen_t bytes = sizeof(mtu);
	int failed = connect(fd, &name.any, name_bytes) < 0 ||
		     (is_ipv4 ? getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &bytes)
			      : getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &bytes)) < 0;
	int error = failed ? -errno : 0;
	close(fd);
	return failed ? error : mtu;
}
