/* What the program lets go up: for which reason, unchanged, and what has to follow it. */
#include "kernel_reference.h"

/* uapi/linux/virtio_net.h of Linux 6.2: VIRTIO_NET_HDR_GSO_UDP_L4. */
#define GSO_UDP_L4 5

static struct maker maker;
static struct klab_frame frame, left;
static struct sample sample;
static int receiver; /* at 192.0.2.9:2055 */

static void address(uint8_t bytes[16], const char *text)
{
	memcpy(bytes, pio_ipv4_prefix, 12);
	if (inet_pton(AF_INET, text, bytes + 12) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
		abort();
}

static void from(const char *source, const char *destination, uint16_t port, uint32_t length)
{
	memset(&sample, 0, sizeof(sample));
	address(sample.source, source);
	address(sample.destination, destination);
	sample.source_port = 5000;
	sample.destination_port = port;
	sample.hop_limit = 64;
	sample.length = length;
	for (uint32_t i = 0; i < length; i++)
		sample.payload[i] = (uint8_t)(i * 3 + 1);
	reference_arrive(&sample, &frame);
}

static void usual(void)
{
	from("203.0.113.1", "192.0.2.9", 2055, 100);
}

static void usual6(void)
{
	from("2001:db8::1", "2001:db8::9", 2055, 100);
}

/* The IPv4 header was changed. */
static void sum_up(void)
{
	uint8_t *ip = frame.data + ETH_HLEN;
	memset(ip + 10, 0, 2);
	uint16_t checksum = (uint16_t)~pio_sum(ip, (ip[0] & 15u) * 4);
	memcpy(ip + 10, &checksum, 2);
}

/* Puts bytes into the frame. */
static void insert(uint32_t at, const void *bytes, uint32_t count)
{
	memmove(frame.data + at + count, frame.data + at, frame.bytes - at);
	memcpy(frame.data + at, bytes, count);
	frame.bytes += count;
}

static uint32_t reason_of(const struct kernel_counters *before)
{
	struct kernel_counters after = klab_counted();
	for (uint32_t i = 1; i < KERNEL_REASONS; i++) {
		if (after.up[i] != before->up[i])
			return i;
	}
	return after.handled == before->handled + 1 ? KERNEL_UP_NONE : KERNEL_REASONS;
}

/* Sends the frame. Returns why it went up, 0 when it did not. */
static uint32_t inject(void)
{
	struct kernel_counters before = klab_counted();
	klab_inject(&frame, 0);
	return reason_of(&before);
}

static void expect(uint32_t reason, const char *name)
{
	uint32_t found = inject();
	int has_left = klab_capture(&left, found == KERNEL_UP_NONE ? KLAB_ANSWER_MS : 0);
	if (!check(found == reason && has_left == (reason == KERNEL_UP_NONE), "%s", name))
		printf("# reason %u, expected %u, a copy: %d\n", found, reason, has_left);
}

/* Whether the socket got the datagram of the sample, as it was sent. */
static int is_received(void)
{
	uint8_t bytes[KLAB_STRIDE];
	struct sockaddr_in source;
	socklen_t size = sizeof(source);
	struct pollfd ready = {receiver, POLLIN, 0};
	if (poll(&ready, 1, KLAB_ANSWER_MS) <= 0)
		return 0;
	ssize_t received =
		recvfrom(receiver, bytes, sizeof(bytes), 0, (struct sockaddr *)&source, &size);
	return received == (ssize_t)sample.length && source.sin_port == htons(sample.source_port) &&
	       memcmp(&source.sin_addr, sample.source + 12, 4) == 0 &&
	       memcmp(bytes, sample.payload, sample.length) == 0;
}

static void open_receiver(void)
{
	klab_run("ip address add 192.0.2.9/24 dev in0");
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(2055)};
	inet_pton(AF_INET, "192.0.2.9", &name.sin_addr);
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(receiver, (struct sockaddr *)&name, sizeof(name)) < 0)
		klab_check(-errno, "a socket");
}

/* Default outputs: one, with one collector. */
static struct table_collector *one_collector(const char *text, uint32_t path)
{
	uint8_t bytes[16];
	maker_reset(&maker);
	address(bytes, text);
	struct maker_output *output = maker_output(&maker, &maker.rules[0]);
	return maker_collector(&maker, output, bytes, 9995, path, 1);
}

static void publish(void)
{
	maker_make(&maker);
	klab_publish(&klab.engine, &maker, MAKER_OUTPUTS);
}

static void publish_usual(void)
{
	one_collector("198.51.100.1", KLAB_PATH4);
	publish();
}

static void test_destinations(void)
{
	from("203.0.113.1", "192.0.2.9", 9999, 100);
	expect(KERNEL_UP_NOT_LISTENER, "another port");
	from("203.0.113.1", "192.0.2.10", 2055, 100);
	expect(KERNEL_UP_NOT_LISTENER, "another address");
	from("203.0.113.1", "192.0.2.9", 4739, 100);
	expect(KERNEL_UP_NONE, "R11: an address of this host, for a wildcard");
	from("203.0.113.1", "192.0.2.10", 4739, 100);
	expect(KERNEL_UP_ADDRESS, "an address of which nothing is known, for a wildcard");
	from("2001:db8::1", "2001:db8::9", 6343, 100);
	expect(KERNEL_UP_NOT_LISTENER, "IPv6, for a wildcard of IPv4");
	usual();
	memset(frame.data, 0xff, 6);
	expect(KERNEL_UP_GROUP, "a broadcast");
	usual();
	frame.data[5] ^= 1;
	expect(KERNEL_UP_GROUP, "a frame for another host");
}

static void test_headers(void)
{
	usual();
	frame.data[ETH_HLEN + 6] = 0x20;
	sum_up();
	expect(KERNEL_UP_FRAGMENT, "R8: the first fragment");
	frame.data[ETH_HLEN + 6] = 0;
	frame.data[ETH_HLEN + 7] = 8;
	sum_up();
	expect(KERNEL_UP_FRAGMENT, "another fragment");
	usual6();
	frame.data[ETH_HLEN + 6] = 44;
	expect(KERNEL_UP_FRAGMENT, "a fragment of IPv6");
	usual6();
	frame.data[ETH_HLEN + 6] = 0;
	expect(KERNEL_UP_OPTIONS, "hop-by-hop options");
	usual();
	insert(ETH_HLEN + 20, "\1\1\1\0", 4);
	frame.data[ETH_HLEN] = 0x46;
	frame.data[ETH_HLEN + 3] = (uint8_t)(frame.data[ETH_HLEN + 3] + 4);
	sum_up();
	expect(KERNEL_UP_OPTIONS, "IPv4 options");
	usual();
	memset(frame.data + ETH_HLEN + 26, 0, 2);
	expect(KERNEL_UP_NO_CHECKSUM, "R7: no UDP checksum");
	usual();
	frame.data[frame.bytes - 1] ^= 1;
	expect(KERNEL_UP_CHECKSUM, "a wrong UDP checksum");
	usual6();
	frame.data[frame.bytes - 1] ^= 1;
	expect(KERNEL_UP_CHECKSUM, "a wrong UDP checksum of IPv6");
	usual();
	insert(12, "\x81\0\0\7", 4);
	expect(KERNEL_UP_VLAN, "a VLAN tag");
	usual();
	frame.data[ETH_HLEN + 25]++;
	expect(KERNEL_UP_LENGTH, "a UDP length that does not fit");
	usual();
	frame.data[ETH_HLEN + 10] ^= 1;
	expect(KERNEL_UP_LENGTH, "a wrong header checksum");
	usual();
	frame.bytes -= 10;
	expect(KERNEL_UP_LENGTH, "less than the header says");
}

static void test_sources(void)
{
	static const char *const ipv4[] = {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"};
	static const char *const ipv6[] = {"::", "::1", "ff02::1", "fe80::1"};
	for (uint32_t i = 0; i < 4; i++) {
		from(ipv4[i], "192.0.2.9", 2055, 100);
		expect(KERNEL_UP_SOURCE, ipv4[i]);
		from(ipv6[i], "2001:db8::9", 2055, 100);
		expect(KERNEL_UP_SOURCE, ipv6[i]);
	}
	usual6();
	memcpy(frame.data + ETH_HLEN + 8, pio_ipv4_prefix, 12);
	expect(KERNEL_UP_SOURCE, "an IPv4-mapped address on the wire");
	usual();
	sample.hop_limit = 1;
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_EXPIRED, "R14: a hop limit of 1");
	usual6();
	frame.data[ETH_HLEN + 7] = 1;
	expect(KERNEL_UP_EXPIRED, "R14: a hop limit of 1, of IPv6");
}

static void test_lengths(void)
{
	one_collector("198.51.100.1", KLAB_PATH_SMALL);
	publish();
	from("203.0.113.1", "192.0.2.9", 2055, 572);
	expect(KERNEL_UP_NONE, "a copy as large as the MTU");
	from("203.0.113.1", "192.0.2.9", 2055, 573);
	expect(KERNEL_UP_MTU, "R8: one that is larger");
	check(is_received(), "it is received as it came");
	publish_usual();
	klab.engine.settings->payload_bytes = 99;
	usual();
	expect(KERNEL_UP_TOO_LONG, "R9: longer than the packet buffer");
	klab.engine.settings->payload_bytes = KLAB_STRIDE;
	check(is_received(), "it is received as it came");
	klab_set_path(KLAB_PATH4, klab.out_index, 4000, ETH_P_IP, 1);
	from("203.0.113.1", "192.0.2.9", 2055, KERNEL_MESSAGE_BYTES + 1);
	memcpy(sample.payload, "\0\x0a", 2);
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_TOO_LONG, "a message of IPFIX that no record has room for");
	check(is_received(), "it is received as it came");
	klab_set_path(KLAB_PATH4, klab.out_index, 1500, ETH_P_IP, 1);
}

static void expect_up(uint32_t reason, const char *name)
{
	publish();
	usual();
	expect(reason, name);
	check(is_received(), "it is received as it came");
}

static void test_rules(void)
{
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_PIPELINE;
	expect_up(KERNEL_UP_PIPELINE, "R17: an output with a pipeline");
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_LEAVES_OUT;
	maker.outputs[0].filter = 1;
	expect_up(KERNEL_UP_FILTER, "R22: an output with a filter");
	one_collector("198.51.100.1", KLAB_PATH4)->flags |= TABLE_COLLECTOR_TEMPLATES;
	expect_up(KERNEL_UP_TEMPLATES, "R23: templates are looked after");
	one_collector("198.51.100.1", KLAB_PATH4)->leave = 1;
	maker.leave_count = 1;
	maker.leaves[0] = (struct table_leave){.flags = TABLE_LEAVE_PROXY};
	expect_up(KERNEL_UP_LEAVE, "R25: a copy that leaves by a socket of its own");
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_LEAVES_OUT;
	maker.outputs[0].sample = 2;
	maker_make(&maker);
	maker_output_row(&maker, 0)->state = KERNEL_CHUNK * KERNEL_CHUNKS;
	klab_publish(&klab.engine, &maker, 1);
	usual();
	expect(KERNEL_UP_NO_STATE, "an output whose state has no place");
	check(is_received(), "it is received as it came");
	one_collector("198.51.100.1", 0);
	expect_up(KERNEL_UP_NO_PATH, "a collector without a path");
	one_collector("198.51.100.1", KLAB_PATH_DOWN);
	expect_up(KERNEL_UP_NO_PATH, "a path that is not ready");
	/* IPv6 packets to an IPv4 collector with a source of its own. */
	one_collector("198.51.100.1", KLAB_PATH4)->leave = 1;
	maker.leave_count = 1;
	maker.leaves[0] = (struct table_leave){.flags = TABLE_LEAVE_SOURCE};
	address(maker.leaves[0].source, "192.0.2.7");
	maker.outputs[0].ipv6_collectors = 1;
	publish();
	usual6();
	expect(KERNEL_UP_LEAVE, "R25: an IPv6 packet to an IPv4 collector");
	publish_usual();
}

static void test_settings(void)
{
	struct paths_header *paths = klab_paths();
	uint64_t looked = paths->looked_ms;
	usual();
	klab.engine.settings->flags = 0;
	expect(KERNEL_UP_OFF, "switched off");
	klab.engine.settings->flags = KERNEL_ON;
	paths->users = PATHS_SENDER;
	expect(KERNEL_UP_PATHS_OLD, "frames are for others to make");
	paths->users = PATHS_KERNEL;
	paths->looked_ms = klab_now_ns() / 1000000 - PATHS_STALE_MS - 1000;
	expect(KERNEL_UP_PATHS_OLD, "nobody looks after paths any more");
	paths->looked_ms = looked;
	uint32_t consumers = klab.engine.settings->consumers;
	klab.engine.settings->consumers = 0;
	expect(KERNEL_UP_RING_FULL, "nobody counts");
	klab.engine.settings->consumers = consumers;
	expect(KERNEL_UP_NONE, "all is as it was");
	while (recv(receiver, left.data, sizeof(left.data), 0) >= 0)
		;
}

/* GRO makes one packet of several datagrams. */
static void test_offload(void)
{
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = GSO_UDP_L4,
		.hdr_len = 42,
		.gso_size = 100,
		.csum_start = 34,
		.csum_offset = 6,
	};
	from("203.0.113.1", "192.0.2.9", 2055, 300);
	sample.is_partial = 1;
	reference_arrive(&sample, &frame);
	struct iovec parts[] = {{&header, sizeof(header)}, {frame.data, frame.bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct kernel_counters before = klab_counted();
	uint64_t seen = klab_seen();
	klab_check(sendmsg(klab.in, &message, 0) < 0 ? -errno : 0, "a large packet");
	klab_await(seen + 1);
	check_equal(reason_of(&before), KERNEL_UP_OFFLOAD, "several datagrams in one packet");
	while (recv(receiver, left.data, sizeof(left.data), 0) >= 0)
		;
}

static void hold_up(void)
{
	usual();
	sample.hop_limit = 1;
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_EXPIRED, "a packet goes up");
}

static void test_holds(void)
{
	struct kernel_settings *settings = klab.engine.settings;
	settings->hold_ns = 3600000000000u;
	hold_up();
	usual();
	expect(KERNEL_UP_HOLD, "R12: the next one of the exporter follows it");
	sample.source_port++;
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_HOLD, "so does one of another port");
	from("203.0.113.2", "192.0.2.9", 2055, 100);
	expect(KERNEL_UP_NONE, "one of another exporter does not");
	settings->hold_ns = 1000;
	settings->empty_ns[0] = klab_now_ns();
	usual();
	expect(KERNEL_UP_HOLD, "it is still held");
	hold_up();
	usual();
	usleep(1000);
	expect(KERNEL_UP_HOLD, "R12: the time is over, but the socket may not be empty");
	usleep(1000);
	settings->empty_ns[0] = klab_now_ns();
	settings->empty_ns[1] = 0;
	settings->forwarders = 2;
	expect(KERNEL_UP_HOLD, "one forwarder has found its sockets empty, another has not");
	usleep(1000);
	settings->empty_ns[0] = settings->empty_ns[1] = klab_now_ns();
	settings->keeps_holds = 1;
	expect(KERNEL_UP_HOLD, "R13: all have, but forwarders may have a later table");
	settings->keeps_holds = 0;
	usleep(1000);
	settings->empty_ns[0] = settings->empty_ns[1] = klab_now_ns();
	expect(KERNEL_UP_NONE, "all have: it is over");
	expect(KERNEL_UP_NONE, "and stays so");
	settings->forwarders = 0;
	hold_up();
	usual();
	usleep(1000);
	expect(KERNEL_UP_HOLD, "without forwarders it is never over");
	settings->forwarders = 1;
	settings->empty_ns[0] = ~0ull;
	settings->hold_ns = 0;
	expect(KERNEL_UP_NONE, "all is as it was");
}

/* No packet is handled that cannot be told of. */
static void test_full_ring(void)
{
	klab_forget();
	usual();
	uint32_t handled = 0, up = 0;
	while (up < 100 && handled < KLAB_RING_BYTES / sizeof(struct kernel_small)) {
		uint32_t reason = inject();
		handled += reason == KERNEL_UP_NONE;
		up += reason == KERNEL_UP_RING_FULL;
	}
	check(up == 100 && handled > KLAB_RING_BYTES / (sizeof(struct kernel_small) + 64),
	      "the ring is full after %u packets: others go up", handled);
	check(klab_consume() == handled && klab.counters[PIO_RECEIVED_PACKETS] == handled &&
		      klab.counters[PIO_FORWARDED_PACKETS] == handled,
	      "those that were handled are counted");
	klab_forget();
	expect(KERNEL_UP_NONE, "there is room again");
}

int main(void)
{
	klab_open();
	open_receiver();
	usual();
	expect(KERNEL_UP_NO_TABLE, "there is no table yet");
	check(is_received(), "it is received as it came");
	publish_usual();
	test_destinations();
	test_headers();
	test_sources();
	while (recv(receiver, left.data, sizeof(left.data), 0) >= 0)
		;
	test_lengths();
	test_rules();
	test_settings();
	test_offload();
	test_holds();
	test_full_ring();
	close(receiver);
	klab_close();
	return tap_done();
}
