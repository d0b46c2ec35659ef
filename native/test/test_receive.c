#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lab.h"
#include "sys.h"
#include "tap.h"

static const uint8_t any6[16];
static const uint8_t loopback4[4] = {127, 0, 0, 1};

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 name;
	socklen_t bytes = sizeof(name);
	getsockname(fd, (struct sockaddr *)&name, &bytes);
	return ntohs(name.sin6_port); /* at the same place in sockaddr_in */
}

static int open_receiver(const uint8_t *address, size_t bytes)
{
	uint32_t granted;
	int fd = sys_open_receiver(address, bytes, 0, 1 << 20, 0, &granted);
	if (fd < 0) {
		printf("Bail out! no receiver: %s\n", strerror(-fd));
		exit(1);
	}
	return fd;
}

static uint8_t hop_limit = 64;

/* Sends bytes of a pattern to a port of loopback, IPv4 or IPv6. Returns the port it came from. */
static uint16_t export(int family, uint16_t port, size_t bytes)
{
	static uint8_t payload[PIO_PAYLOAD_MAX];
	memset(payload, 'f', sizeof(payload));
	struct sockaddr_in name4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&name4.sin_addr, loopback4, 4);
	struct sockaddr_in6 name6 = {.sin6_family = AF_INET6,
				     .sin6_port = htons(port),
				     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);
	int hops = hop_limit;
	if (family == 4)
		setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
	ssize_t sent =
		family == 4
			? sendto(fd, payload, bytes, 0, (struct sockaddr *)&name4, sizeof(name4))
			: sendto(fd, payload, bytes, 0, (struct sockaddr *)&name6, sizeof(name6));
	if (sent != (ssize_t)bytes) {
		printf("Bail out! cannot send to loopback: %s\n", strerror(errno));
		exit(1);
	}
	uint16_t source_port = port_of(fd);
	close(fd);
	return source_port;
}

static void open_lab(int fd, uint32_t buffer_bytes)
{
	struct pio_receiver_options options = lab_receiver_options(fd);
	options.batch.payload_bytes = buffer_bytes;
	lab_open_receiver(&options);
}

static int receive(int fd)
{
	struct pollfd socket = {.fd = fd, .events = POLLIN};
	poll(&socket, 1, 60000);
	return pio_receive(lab.receiver);
}

static int is_source(const char *address, uint16_t port, uint32_t flags)
{
	uint8_t expected[16];
	lab_address(expected, address);
	return memcmp(lab.packets[0].source, expected, 16) == 0 &&
	       lab.packets[0].source_port == port && lab.packets[0].flags == flags;
}

static void test_ipv4(void)
{
	int fd = open_receiver(loopback4, 4);
	open_lab(fd, 1496);
	check_equal((uint64_t)pio_receive(lab.receiver), 0, "nothing there is 0");
	uint16_t port = export(4, port_of(fd), 1496);
	check(receive(fd) == 1 && is_source("127.0.0.1", port, 0), "IPv4 socket: source");
	check_equal(lab.packets[0].listen_port, port_of(fd), "R5: the port on which it arrived");
	check_equal(lab.packets[0].length, 1496, "R9: a payload of the buffer's size is whole");
	check(lab_payloads[0] == 'f' && lab_payloads[1495] == 'f', "and in the buffer");
	export(4, port_of(fd), 1497);
	check(receive(fd) == 1 && lab.packets[0].length == 1496 &&
		      lab.packets[0].flags == PIO_PACKET_TRUNCATED,
	      "R9: one byte more is cut and flagged");
	export(4, port_of(fd), 0);
	check(receive(fd) == 1 && lab.packets[0].length == 0 && lab.packets[0].flags == 0,
	      "R10: no payload");
	check(lab.counters[PIO_RECEIVED_PACKETS] == 3 &&
		      lab.counters[PIO_RECEIVED_BYTES] == 2 * 1496 &&
		      lab.counters[PIO_TRUNCATED] == 1,
	      "counted");
	lab_close();
	close(fd);
}

static void test_dual_stack(void)
{
	int fd = open_receiver(any6, 16);
	open_lab(fd, PIO_PAYLOAD_MAX);
	uint16_t port = export(4, port_of(fd), 65507);
	check(receive(fd) == 1 && is_source("127.0.0.1", port, 0) && lab.packets[0].length == 65507,
	      "R11: an IPv6 wildcard takes IPv4, as IPv4");
	port = export(6, port_of(fd), 65527);
	check(receive(fd) == 1 && is_source("::1", port, PIO_PACKET_IPV6) &&
		      lab.packets[0].length == 65527,
	      "R11: and IPv6");
	lab_close();
	close(fd);
}

static void test_batches(void)
{
	int fd = open_receiver(any6, 16);
	open_lab(fd, 100);
	for (uint32_t i = 0; i < LAB_BATCH + 5; i++)
		export(i % 2 == 0 ? 4 : 6, port_of(fd), i);
	check_equal((uint64_t)receive(fd), LAB_BATCH, "no more than a batch at once");
	uint32_t right = 0;
	for (uint32_t i = 0; i < LAB_BATCH; i++)
		right += lab.packets[i].length == i &&
			 lab.packets[i].flags == (i % 2 == 0 ? 0 : PIO_PACKET_IPV6);
	check_equal(right, LAB_BATCH, "R12: in the order in which they came");
	check_equal((uint64_t)receive(fd), 5, "the rest in the next");
	check_equal((uint64_t)pio_receive(lab.receiver), 0, "and no more");
	lab_close();
	close(fd);
}

static void check_hop_limit(int fd, int family, uint8_t sent, uint32_t expired)
{
	hop_limit = sent;
	export(family, port_of(fd), 10);
	check(receive(fd) == 1 && lab.packets[0].hop_limit == sent &&
		      (lab.packets[0].flags & PIO_PACKET_EXPIRED) == expired,
	      "R14: IPv%d with %u is told", family, sent);
	hop_limit = 64;
}

static void test_hop_limits(void)
{
	int dual = open_receiver(any6, 16);
	int ipv4 = open_receiver(loopback4, 4);
	for (int is_dual = 0; is_dual <= 1; is_dual++) {
		int fd = is_dual ? dual : ipv4;
		open_lab(fd, 100);
		for (int family = 4; family <= (is_dual ? 6 : 4); family += 2) {
			check_hop_limit(fd, family, 255, 0);
			check_hop_limit(fd, family, 2, 0);
			check_hop_limit(fd, family, 1, PIO_PACKET_EXPIRED);
		}
		lab_close();
		close(fd);
	}
}

/* Sends one byte, its value the index, to 127.0.0.1 or to loopback's broadcast address. */
static void export_indexed(uint16_t port, uint8_t index, int to_broadcast)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, to_broadcast ? "127.255.255.255" : "127.0.0.1", &name.sin_addr);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (sendto(fd, &index, 1, 0, (struct sockaddr *)&name, sizeof(name)) != 1)
		printf("Bail out! cannot send to loopback: %s\n", strerror(errno));
	close(fd);
}

static void test_groups(uint32_t takes_group)
{
	int fd = open_receiver(any6, 16);
	struct pio_receiver_options options = lab_receiver_options(fd);
	options.takes_group = takes_group;
	lab_open_receiver(&options);
	for (uint8_t i = 0; i < 10; i++)
		export_indexed(port_of(fd), i, i % 3 == 1);
	uint32_t taken = (uint32_t)receive(fd);
	check_equal(taken, takes_group ? 10 : 7, "R2: one receiver of a port takes broadcasts");
	uint32_t right = 0;
	for (uint32_t i = 0, sent = 0; i < taken; i++, sent++) {
		if (!takes_group && sent % 3 == 1)
			sent++;
		right += *lab_payload(i) == sent && lab.packets[i].length == 1;
	}
	check_equal(right, taken, "the others keep their payloads, in order");
	check(lab.counters[PIO_RECEIVED_PACKETS] == taken &&
		      lab.counters[PIO_RECEIVED_BYTES] == taken,
	      "and only what is taken is counted");
	lab_close();
	close(fd);
}

static void test_errors(void)
{
	int file = sys_memory_create("not-a-socket", 0);
	struct pio_receiver_options options = lab_receiver_options(file);
	pio_receiver_t *receiver;
	check(pio_receiver_new(&receiver, &options) == -ENOTSOCK && receiver == NULL,
	      "no socket, no receiver");
	options.batch.size = 0;
	check(pio_receiver_new(&receiver, &options) == -EINVAL, "no batch");
	options = lab_receiver_options(file);
	options.batch.payload_stride = options.batch.payload_bytes - 1;
	check(pio_receiver_new(&receiver, &options) == -EINVAL, "payloads that overlap");
	pio_receiver_free(NULL);
	int fd = open_receiver(loopback4, 4);
	open_lab(fd, 100);
	dup2(file, fd);
	check(pio_receive(lab.receiver) == -ENOTSOCK, "an error is returned");
	check_equal(lab.counters[PIO_RECEIVE_ERRORS + ENOTSOCK], 1, "and counted by its errno");
	lab_close();
	close(fd);
	close(file);
}

int main(void)
{
	test_ipv4();
	test_dual_stack();
	test_batches();
	test_hop_limits();
	test_groups(1);
	test_groups(0);
	test_errors();
	return tap_done();
}
