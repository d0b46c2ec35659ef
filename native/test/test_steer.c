/* Which socket of a group gets the packets of an exporter, with packets of the loopback device. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "forwarders.h"
#include "sys.h"
#include "tap.h"

#define PORT 2055u
#define EXPORTERS 400u
#define GROUP_MAX 5u

static int group[GROUP_MAX];

static int checked(int result, const char *what)
{
	if (result >= 0)
		return result;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_group(uint32_t count, uint32_t steered)
{
	const uint8_t any[16] = {0};
	uint32_t granted = 0;
	for (uint32_t i = 0; i < count; i++)
		group[i] = checked(sys_open_receiver(any, sizeof(any), PORT, 1 << 16, 0, &granted),
				   "a receiver");
	checked(sys_steer_receivers(group[count - 1], steered), "steering");
}

static void close_group(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		close(group[i]);
}

/* Sends one datagram. Returns the source port. */
static uint16_t send_from(const struct sockaddr_in6 *source)
{
	struct sockaddr_in6 name = *source,
			    to = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	socklen_t bytes = sizeof(name);
	int fd = checked(socket(AF_INET6, SOCK_DGRAM, 0), "a socket");
	inet_pton(AF_INET6, name.sin6_addr.s6_addr[0] == 0 ? "::ffff:127.0.0.1" : "fd00::1",
		  &to.sin6_addr);
	checked(bind(fd, (struct sockaddr *)&name, sizeof(name)), "bind");
	checked((int)sendto(fd, "flow", 4, 0, (struct sockaddr *)&to, sizeof(to)), "sendto");
	checked(getsockname(fd, (struct sockaddr *)&name, &bytes), "getsockname");
	close(fd);
	return ntohs(name.sin6_port);
}

/* Which socket of the group has got a datagram, which it loses. */
static uint32_t receiver_of(uint32_t count)
{
	struct pollfd waiting[GROUP_MAX];
	for (uint32_t i = 0; i < count; i++)
		waiting[i] = (struct pollfd){.fd = group[i], .events = POLLIN};
	poll(waiting, count, 1000);
	for (uint32_t i = 0; i < count; i++) {
		char datagram[8];
		if ((waiting[i].revents & POLLIN) != 0 &&
		    recv(group[i], datagram, sizeof(datagram), MSG_DONTWAIT) == 4)
			return i;
	}
	return UINT32_MAX;
}

static uint32_t folded(const uint8_t address[16])
{
	uint32_t words[4];
	memcpy(words, address, sizeof(words));
	return ntohl(words[0] ^ words[1] ^ words[2] ^ words[3]);
}

/* format: of addresses, with two numbers. */
static void test_family(const char *format, const char *family)
{
	const uint32_t count = GROUP_MAX;
	uint32_t wrong = 0, packets[GROUP_MAX] = {0};
	open_group(count, count);
	for (uint32_t i = 0; i < EXPORTERS; i++) {
		char text[64];
		struct sockaddr_in6 source = {.sin6_family = AF_INET6};
		snprintf(text, sizeof(text), format, i / 64 + 1, i % 64 + 1);
		inet_pton(AF_INET6, text, &source.sin6_addr);
		uint16_t port = send_from(&source);
		uint32_t wanted = forwarder_of(folded(source.sin6_addr.s6_addr), port, count);
		wrong += receiver_of(count) != wanted;
		packets[wanted]++;
	}
	check(wrong == 0, "%s: all exporters are at the forwarder that is theirs", family);
	for (uint32_t i = 0; i < count; i++)
		check(packets[i] > EXPORTERS / count / 2, "%s: forwarder %u has its share: %u",
		      family, i, packets[i]);
	close_group(count);
}

static void test_missing(void)
{
	struct sockaddr_in6 source = {.sin6_family = AF_INET6};
	inet_pton(AF_INET6, "::ffff:127.0.0.9", &source.sin6_addr);
	uint32_t lost = 0;
	open_group(2, 64);
	for (uint32_t i = 0; i < 100; i++) {
		send_from(&source);
		lost += receiver_of(2) == UINT32_MAX;
	}
	check_equal(lost, 0, "what is for a socket that is not there, another one gets");
	checked(sys_steer_receivers(group[0], 1), "steering");
	uint32_t others = 0;
	for (uint32_t i = 0; i < 100; i++) {
		send_from(&source);
		others += receiver_of(2) != 0;
	}
	check_equal(others, 0, "one of fewer forwarders gets all, another socket none");
	close_group(2);
}

int main(void)
{
	tap_need_root();
	if (unshare(CLONE_NEWNET) < 0 ||
	    system("ip link set lo up && ip address add fd00::1 dev lo nodad && "
		   "ip route add local fd00::/16 dev lo") != 0) {
		printf("Bail out! no network namespace\n");
		return 1;
	}
	test_family("::ffff:127.%u.0.%u", "IPv4");
	checked(system("echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind"), "ip_nonlocal_bind");
	test_family("fd00::%x:0:%x", "IPv6");
	test_missing();
	return tap_done();
}
