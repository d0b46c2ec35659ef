/* Datagrams that ask whether a port is open, on loopback. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys_probe.h"
#include "tap.h"

static const uint8_t ipv4[4] = {127, 0, 0, 1};
static const uint8_t ipv6[16] = {[15] = 1};

/* A port that a socket has, and one that nobody has any more. */
static uint16_t bound_port(int family, int *fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} name = {.any.sa_family = (sa_family_t)family};
	socklen_t bytes = family == AF_INET ? sizeof(name.ipv4) : sizeof(name.ipv6);
	*fd = socket(family, SOCK_DGRAM, 0);
	if (family == AF_INET)
		name.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		name.ipv6.sin6_addr = in6addr_loopback;
	if (bind(*fd, &name.any, bytes) < 0 || getsockname(*fd, &name.any, &bytes) < 0)
		abort();
	return ntohs(family == AF_INET ? name.ipv4.sin_port : name.ipv6.sin6_port);
}

static void test_family(int family, const uint8_t *address, size_t bytes)
{
	int open_fd;
	int gone_fd;
	int socket_family = family == 4 ? AF_INET : AF_INET6;
	uint16_t open_port = bound_port(socket_family, &open_fd);
	uint16_t closed_port = bound_port(socket_family, &gone_fd);
	close(gone_fd);
	int fd = sys_probe_open(family);
	struct sys_probe_error errors[4];
	check(fd >= 0, "IPv%d: a socket", family);
	check(sys_probe_send(fd, address, bytes, open_port) == 0, "a datagram is sent");
	check(sys_probe_errors(fd, errors, 4) == 0, "an open port says nothing");
	uint8_t payload[8];
	check(recv(open_fd, payload, sizeof(payload), MSG_DONTWAIT) == 0, "it got it, empty");
	for (int i = 0; i < 3; i++)
		check(sys_probe_send(fd, address, bytes, closed_port) == 0,
		      "an error that waits does not keep the next one from being sent");
	check(sys_probe_send(fd, address, bytes, open_port) == 0, "nor one to another port");
	check(sys_probe_errors(fd, errors, 2) == 2, "as many errors as there is room for");
	check(sys_probe_errors(fd, errors, 4) == 1, "then the others");
	check_equal(errors[0].error, ECONNREFUSED, "refused");
	check_equal(errors[0].port, closed_port, "by this port");
	check_equal(errors[0].family, (uint64_t)family, "of this family");
	check(memcmp(errors[0].address, address, bytes) == 0, "at this address");
	check(sys_probe_errors(fd, errors, 4) == 0, "no more");
	check(recv(open_fd, payload, sizeof(payload), MSG_DONTWAIT) == 0, "the open port got both");
	close(open_fd);
	close(fd);
}

int main(void)
{
	test_family(4, ipv4, sizeof(ipv4));
	test_family(6, ipv6, sizeof(ipv6));
	check(sys_probe_open(5) == -EINVAL, "there are two families");
	int fd = sys_probe_open(4);
	check(sys_probe_send(fd, ipv4, 5, 9) == -EINVAL, "an address has 4 or 16 bytes");
	close(fd);
	struct sys_probe_error errors[1];
	check(sys_probe_errors(fd, errors, 1) == -EBADF, "errors of a closed socket");
	return tap_done();
}
