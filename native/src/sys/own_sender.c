/* Sockets that send from an address of this host. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "error_queue.h"
#include "kernel.h"
#include "nothing.h"
#include "sys.h"

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The kernel fragments what is too large, and tells of errors that come back. */
static int prepare(int fd, int family)
{
	int error = sys_take_nothing(fd);
	if (error < 0)
		return error;
	if (family == 4) {
		error = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
		return error < 0 ? error : set(fd, IPPROTO_IP, IP_RECVERR, 1);
	}
	error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (error == 0)
		error = set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	return error < 0 ? error : set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* At a port that the kernel chooses, which it keeps from now on. */
static int bind_any(int fd, int family)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
	int result = family == 4 ? bind(fd, (struct sockaddr *)&ipv4, sizeof(ipv4))
				 : bind(fd, (struct sockaddr *)&ipv6, sizeof(ipv6));
	return result < 0 ? -errno : 0;
}

int sys_open_own_sender(int family, uint32_t send_buffer)
{
	if (family != 4 && family != 6)
		return -EINVAL;
	int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(family == 4 ? AF_INET : AF_INET6, type, 0);
	if (fd < 0)
		return -errno;
	int error = prepare(fd, family);
	if (error == 0)
		error = bind_any(fd, family);
	if (error == 0)
		error = sys_set_send_buffer(fd, send_buffer);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* An error that came from the network; one of this host has been the answer of a call already. */
static int is_refusal(const struct sock_extended_err *error)
{
	return error->ee_origin == SO_EE_ORIGIN_ICMP || error->ee_origin == SO_EE_ORIGIN_ICMP6;
}

int pio_next_error(int fd, struct pio_socket_error *told)
{
	struct sockaddr_in6 name = {0};
	_Alignas(struct cmsghdr) uint8_t control[512];
	struct msghdr message = {
		.msg_name = &name,
		.msg_namelen = sizeof(name),
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	memset(told, 0, sizeof(*told));
	if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return 0;
	told->port = ntohs(name.sin6_port); /* at the same place in sockaddr_in */
	if (name.sin6_family == AF_INET6) {
		memcpy(told->address, &name.sin6_addr, 16);
	} else {
		struct sockaddr_in ipv4;
		memcpy(&ipv4, &name, sizeof(ipv4));
		memcpy(told->address, pio_ipv4_prefix, sizeof(pio_ipv4_prefix));
		memcpy(told->address + 12, &ipv4.sin_addr, 4);
	}
	struct sock_extended_err error;
	if (error_queue_read(&message, &error) && is_refusal(&error))
		told->error = (int)error.ee_errno;
	return 1;
}
