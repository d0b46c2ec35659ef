#include "sys_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "error_queue.h"

union name {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

/* Thousands of errors wait here while the process is at something else. */
#define RECEIVE_BUFFER (4 << 20)

/* Without CAP_NET_ADMIN it is what net.core.rmem_max allows. */
static void enlarge(int fd)
{
	int bytes = RECEIVE_BUFFER;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int sys_probe_open(int family)
{
	if (family != 4 && family != 6)
		return -EINVAL;
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	if (fd < 0)
		return -errno;
	int on = 1;
	int failed = family == 4 ? setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on))
				 : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	if (failed == 0) {
		enlarge(fd);
		return fd;
	}
	int error = -errno;
	close(fd);
	return error;
}

int sys_probe_send(int fd, const uint8_t *address, size_t address_bytes, uint16_t port)
{
	union name name;
	memset(&name, 0, sizeof(name));
	socklen_t bytes = 0;
	if (address_bytes == 4) {
		name.ipv4.sin_family = AF_INET;
		name.ipv4.sin_port = htons(port);
		memcpy(&name.ipv4.sin_addr, address, 4);
		bytes = sizeof(name.ipv4);
	} else if (address_bytes == 16) {
		name.ipv6.sin6_family = AF_INET6;
		name.ipv6.sin6_port = htons(port);
		memcpy(&name.ipv6.sin6_addr, address, 16);
		bytes = sizeof(name.ipv6);
	} else {
		return -EINVAL;
	}
	/* The kernel tells the next call of the last error, whichever address it was of: it is in
	 * the queue as well. */
	int pending = 0;
	socklen_t pending_bytes = sizeof(pending);
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &pending_bytes);
	return sendto(fd, NULL, 0, 0, &name.any, bytes) < 0 ? -errno : 0;
}

static int read_error(struct msghdr *message, const union name *name, struct sys_probe_error *to)
{
	struct sock_extended_err said;
	if (!error_queue_read(message, &said))
		return 0;
	memset(to, 0, sizeof(*to));
	to->error = said.ee_errno;
	if (name->any.sa_family == AF_INET) {
		memcpy(to->address, &name->ipv4.sin_addr, 4);
		to->port = ntohs(name->ipv4.sin_port);
		to->family = 4;
	} else if (name->any.sa_family == AF_INET6) {
		memcpy(to->address, &name->ipv6.sin6_addr, 16);
		to->port = ntohs(name->ipv6.sin6_port);
		to->family = 6;
	}
	return to->family != 0;
}

int sys_probe_errors(int fd, struct sys_probe_error *errors, size_t room)
{
	size_t count = 0;
	while (count < room) {
		union name name;
		uint8_t payload[8];
		_Alignas(struct cmsghdr) uint8_t control[256];
		struct iovec part = {.iov_base = payload, .iov_len = sizeof(payload)};
		struct msghdr message = {
			.msg_name = &name,
			.msg_namelen = sizeof(name),
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		memset(&name, 0, sizeof(name));
		if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				break;
			return -errno;
		}
		count += (size_t)read_error(&message, &name, &errors[count]);
	}
	return (int)count;
}
