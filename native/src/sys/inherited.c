/* What descriptors are that another process handed over, and how to part from them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sys.h"

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_storage largest;
};

static int read_option(int fd, int option, uint32_t *value)
{
	socklen_t bytes = sizeof(*value);
	return getsockopt(fd, SOL_SOCKET, option, value, &bytes) < 0 ? -errno : 0;
}

static int read_address(int fd, union address *address)
{
	socklen_t bytes = sizeof(*address);
	memset(address, 0, sizeof(*address));
	return getsockname(fd, &address->any, &bytes) < 0 ? -errno : 0;
}

int sys_socket_describe(int fd, struct sys_socket_name *name)
{
	memset(name, 0, sizeof(*name));
	union address address;
	int error = read_option(fd, SO_DOMAIN, &name->domain);
	if (error == 0)
		error = read_option(fd, SO_TYPE, &name->type);
	if (error == 0)
		error = read_option(fd, SO_PROTOCOL, &name->protocol);
	if (error == 0)
		error = read_option(fd, SO_RCVBUF, &name->receive_buffer);
	if (error == 0)
		error = read_address(fd, &address);
	if (error < 0)
		return error;
	if (name->domain == AF_INET) {
		name->port = ntohs(address.ipv4.sin_port);
		name->address_bytes = 4;
		memcpy(name->address, &address.ipv4.sin_addr, 4);
	} else if (name->domain == AF_INET6) {
		name->port = ntohs(address.ipv6.sin6_port);
		name->address_bytes = 16;
		memcpy(name->address, &address.ipv6.sin6_addr, 16);
	}
	return 0;
}

int sys_socket_cut_off(int fd)
{
	static const uint16_t discard_port = 9; /* any: nothing is sent to it */
	union address address;
	int error = read_address(fd, &address);
	if (error < 0)
		return error;
	socklen_t bytes = sizeof(address.ipv4);
	if (address.any.sa_family == AF_INET) {
		if (address.ipv4.sin_addr.s_addr == htonl(INADDR_ANY))
			address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address.ipv4.sin_port = htons(discard_port);
	} else {
		if (IN6_IS_ADDR_UNSPECIFIED(&address.ipv6.sin6_addr))
			address.ipv6.sin6_addr = in6addr_loopback;
		address.ipv6.sin6_port = htons(discard_port);
		bytes = sizeof(address.ipv6);
	}
	return connect(fd, &address.any, bytes) < 0 ? -errno : 0;
}

int sys_memory_seals(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	return seals < 0 ? -errno : seals;
}
