/* The program is tried with packets of our own: whether they are handled, and come to a socket of
 * this host. */
#include "kernel_reference.h"

#define KLAB_PATH_LOOPBACK 9u
#define PORT 9995

static struct maker maker;
static struct klab_frame frame;
static struct sample sample;
static int collector;

/* The loopback interface has no address of its own. */
static void arrive_by_loopback(void)
{
	reference_arrive(&sample, &frame);
	memset(frame.data, 0, 12);
}

static void make_frame(const char *source, const char *destination, uint16_t port)
{
	reference_sample(&sample, source, destination, port, 99);
	arrive_by_loopback();
}

static int try_frame(void)
{
	return kernel_try(&klab.engine, frame.data, frame.bytes);
}

static void open_collector(void)
{
	struct sockaddr_in6 name = {.sin6_family = AF_INET6,
				    .sin6_port = htons(PORT),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	collector = socket(AF_INET6, SOCK_DGRAM, 0);
	klab_check(bind(collector, (struct sockaddr *)&name, sizeof(name)) < 0 ? -errno : 0,
		   "a socket at ::1");
}

static void make_table(void)
{
	uint8_t bytes[16];
	struct path *path = klab_path(KLAB_PATH_LOOPBACK);
	path->mtu = 65535;
	path->frame[12] = ETH_P_IPV6 >> 8;
	path->frame[13] = ETH_P_IPV6 & 0xff;
	path->link = KERNEL_LOOPBACK;
	reference_address(bytes, "::1");
	maker_reset(&maker);
	maker_collector(&maker, maker_output(&maker, &maker.rules[0]), bytes, PORT,
			KLAB_PATH_LOOPBACK, 1);
	maker_make(&maker);
	klab_publish(&klab.engine, &maker, MAKER_OUTPUTS);
}

/* Whether the copy is there, from this address. */
static int is_there(const char *from)
{
	struct sockaddr_in6 name;
	socklen_t length = sizeof(name);
	uint8_t payload[KLAB_STRIDE], source[16];
	struct pollfd ready = {collector, POLLIN, 0};
	poll(&ready, 1, KLAB_ANSWER_MS);
	ssize_t bytes = recvfrom(collector, payload, sizeof(payload), MSG_DONTWAIT,
				 (struct sockaddr *)&name, &length);
	reference_address(source, from);
	return bytes == (ssize_t)sample.length &&
	       memcmp(payload, sample.payload, sample.length) == 0 &&
	       memcmp(&name.sin6_addr, source, 16) == 0 && ntohs(name.sin6_port) == 5000;
}

static void test_handled(void)
{
	make_frame("2001:db8::1", "2001:db8::9", 2055);
	check(try_frame() == 0 && is_there("2001:db8::1"), "one of IPv6 comes to a socket");
	make_frame("203.0.113.1", "192.0.2.9", 2055);
	check(try_frame() == 0 && is_there("64:ff9b::cb00:7101"), "one of IPv4, too, as IPv6");
	check_equal(klab_consume(), 2, "both have a record");
	check_equal(klab_seen(), 0, "neither is counted with those of interfaces");
}

static void test_not_handled(void)
{
	make_frame("203.0.113.1", "192.0.2.9", 2056);
	check_equal((uint64_t)try_frame(), KERNEL_UP_NOT_LISTENER, "to another port");
	make_frame("203.0.113.1", "192.0.2.9", 2055);
	frame.data[ETH_HLEN + 9] = IPPROTO_TCP;
	check_equal((uint64_t)-try_frame(), EINVAL, "one of TCP");
	check_equal((uint64_t)-kernel_try(&klab.engine, frame.data, 3), EINVAL, "none at all");
}

/* An exporter of the same address as tests have. */
static void test_holds(void)
{
	klab.engine.settings->hold_ns = 3600000000000;
	make_frame("203.0.113.1", "192.0.2.9", 2055);
	sample.hop_limit = 1;
	arrive_by_loopback();
	check_equal((uint64_t)try_frame(), KERNEL_UP_EXPIRED, "one that has come to its end");
	sample.hop_limit = 64;
	reference_arrive(&sample, &frame);
	klab_inject(&frame, 0);
	check(klab_counted().handled == 1 && is_there("64:ff9b::cb00:7101"),
	      "a test that goes up holds no exporter");
	klab.engine.settings->flags = 0;
	klab_inject(&frame, 0);
	check_equal(klab_counted().up[KERNEL_UP_OFF], 1, "when it is off, packets go up");
	make_frame("203.0.113.1", "192.0.2.9", 2055);
	check(try_frame() == 0 && is_there("64:ff9b::cb00:7101"),
	      "but tests are handled, of exporters that are held as well");
}

int main(void)
{
	klab_open();
	/* What is not handed to a queue as a clone is lost. */
	klab_set_queues(1);
	inet_pton(AF_INET6, "64:ff9b::", klab.engine.settings->mapped_prefix);
	open_collector();
	make_table();
	test_handled();
	test_not_handled();
	test_holds();
	close(collector);
	klab_close();
	return tap_done();
}
