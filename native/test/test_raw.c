/* Copies over real raw sockets, on the loopback interface of a network namespace of its own. */
#include <errno.h>
#include <linux/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "lab.h"
#include "sys.h"
#include "tap.h"

static int collector_fd;
static uint16_t collector_port;

static void must(int is_true, const char *what)
{
	if (is_true)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void set_up_loopback(int mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_mtu = mtu};
	must(ioctl(fd, SIOCSIFMTU, &request) == 0, "set MTU");
	request.ifr_flags = IFF_UP;
	must(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "bring lo up");
	close(fd);
}

static void open_collector(void)
{
	struct sockaddr_in6 name = {.sin6_family = AF_INET6};
	socklen_t bytes = sizeof(name);
	int off = 0;
	int buffer = 8 << 20;
	collector_fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(setsockopt(collector_fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0, "dual");
	setsockopt(collector_fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	must(bind(collector_fd, (struct sockaddr *)&name, bytes) == 0, "bind");
	must(getsockname(collector_fd, (struct sockaddr *)&name, &bytes) == 0, "getsockname");
	collector_port = ntohs(name.sin6_port);
}

/* Whether the next datagram is the packet, from this source. */
static int arrives(uint32_t packet, const char *source, uint16_t source_port)
{
	static uint8_t payload[65536];
	struct pollfd socket = {.fd = collector_fd, .events = POLLIN};
	if (poll(&socket, 1, 60000) != 1) {
		printf("# nothing arrived\n");
		return 0;
	}
	struct sockaddr_in6 name;
	socklen_t name_bytes = sizeof(name);
	ssize_t bytes = recvfrom(collector_fd, payload, sizeof(payload), 0,
				 (struct sockaddr *)&name, &name_bytes);
	uint8_t expected[16];
	lab_address(expected, source);
	return bytes == lab.packets[packet].length &&
	       memcmp(payload, lab_payload(packet), (size_t)bytes) == 0 &&
	       memcmp(&name.sin6_addr, expected, 16) == 0 && ntohs(name.sin6_port) == source_port;
}

static uint64_t fragments_of(const char *source, const char *collector, uint32_t length)
{
	uint64_t before = lab.counters[PIO_FRAGMENTS];
	lab.collector_count = 0;
	uint32_t packet = lab_packet(source, 2055, length);
	lab_copy(packet, lab_collector(collector, collector_port));
	lab_send();
	check(arrives(packet, source, 2055), "R6: %u bytes from %s arrive at %s", length, source,
	      collector);
	return lab.counters[PIO_FRAGMENTS] - before;
}

static void test_lengths(void)
{
	check_equal(fragments_of("127.0.0.9", "127.0.0.1", 0), 0, "R10: IPv4, no payload");
	check_equal(fragments_of("127.0.0.9", "127.0.0.1", 1472), 0, "R8: IPv4, 1472: whole");
	check_equal(fragments_of("127.0.0.9", "127.0.0.1", 1473), 2, "R8: IPv4, 1473: fragments");
	check_equal(fragments_of("127.0.0.9", "127.0.0.1", 65507), 45, "R8: IPv4, the longest");
	check_equal(fragments_of("2001:db8::9", "::1", 0), 0, "R10: IPv6, no payload");
	check_equal(fragments_of("2001:db8::9", "::1", 1452), 0, "R8: IPv6, 1452: whole");
	check_equal(fragments_of("2001:db8::9", "::1", 1453), 2, "R8: IPv6, 1453: fragments");
	check_equal(fragments_of("2001:db8::9", "::1", 65527), 46, "R8: IPv6, the longest");
	check_equal(fragments_of("192.0.2.1", "::1", 1472), 2, "R6, R8: IPv4 to IPv6: fragments");
	check_equal(lab_send_errors(), 0, "no error");
}

/* Whole packets and fragments of one exporter in turn, to two collectors. */
static void test_order(void)
{
	int in_order = 0;
	lab.collector_count = 0;
	uint32_t collector4 = lab_collector("127.0.0.1", collector_port);
	uint32_t collector6 = lab_collector("::1", collector_port);
	for (uint32_t i = 0; i < LAB_BATCH; i++)
		lab_packet("127.0.0.9", (uint16_t)(1000 + i), i % 3 == 0 ? 3000 + i : 100 + i);
	for (uint32_t i = 0; i < LAB_BATCH; i++)
		lab_copy(i, collector4);
	for (uint32_t i = 0; i < LAB_BATCH; i++)
		lab_copy(i, collector6);
	lab_send();
	for (uint32_t i = 0; i < 2 * LAB_BATCH; i++)
		in_order += arrives(i % LAB_BATCH, "127.0.0.9", (uint16_t)(1000 + i % LAB_BATCH));
	check_equal((uint64_t)in_order, 2 * LAB_BATCH, "R12: all arrive, in order");
}

static void test_no_route(void)
{
	uint64_t forwarded = lab.counters[PIO_FORWARDED_PACKETS];
	lab.collector_count = 0;
	uint32_t nowhere = lab_collector("198.51.100.1", 9995);
	uint32_t here = lab_collector("127.0.0.1", collector_port);
	uint32_t packet = lab_packet("127.0.0.9", 2055, 10);
	lab_copy(packet, here);
	lab_copy(packet, nowhere);
	lab_copy(packet, here);
	lab_send();
	check(arrives(packet, "127.0.0.9", 2055) && arrives(packet, "127.0.0.9", 2055),
	      "copies beside one that cannot go arrive");
	check_equal(lab.counters[PIO_SEND_ERRORS + ENETUNREACH], 1, "S2: no route is an error");
	check_equal(lab.counters[PIO_FORWARDED_PACKETS] - forwarded, 2, "S2: and not counted");
	check_equal(lab.slots[1].packets, 0, "S2: at its collector neither");
}

/* Copies that a queueing discipline has no room for. */
static void test_queue(const char *source, const char *collector)
{
	const uint64_t *dropped = &lab.counters[PIO_SEND_ERRORS + ENOBUFS];
	uint64_t before = *dropped, forwarded = lab.counters[PIO_FORWARDED_PACKETS];
	lab.collector_count = 0;
	uint32_t to = lab_collector(collector, collector_port);
	for (uint32_t i = 0; i < 10; i++)
		lab_copy(lab_packet(source, 2055, i == 5 ? 3000 : 100), to);
	must(system("tc qdisc add dev lo root pfifo limit 0") == 0, "a queue without room");
	lab_send();
	must(system("tc qdisc delete dev lo root") == 0, "no queue");
	check_equal(*dropped - before, 10, "S2: what a queue drops is an error");
	check_equal(lab.counters[PIO_FORWARDED_PACKETS] - forwarded, 0, "and nothing was sent");
	uint32_t packet = lab_packet(source, 2055, 10);
	lab_copy(packet, to);
	lab_send();
	check(arrives(packet, source, 2055), "the next one of %s arrives", source);
}

/* Whether a socket could be waited for. */
static int is_quiet(int fd)
{
	struct pollfd socket = {.fd = fd, .events = POLLOUT};
	return poll(&socket, 1, 0) == 1 && socket.revents == POLLOUT;
}

int main(void)
{
	tap_need_root();
	must(unshare(CLONE_NEWNET) == 0, "make a network namespace");
	set_up_loopback(1500);
	open_collector();
	int send4 = sys_open_sender(4, 1 << 20);
	int send6 = sys_open_sender(6, 1 << 20);
	struct pio_sender_options options = lab_sender_options(&send4, 1, &send6, 1);
	lab_open_sender(&options);
	test_lengths();
	test_order();
	memset(lab.slots, 0, sizeof(lab.slots));
	test_no_route();
	test_queue("127.0.0.9", "127.0.0.1");
	test_queue("2001:db8::9", "::1");
	check(is_quiet(send4) && is_quiet(send6), "errors that were told are forgotten");
	lab_close();
	return tap_done();
}
