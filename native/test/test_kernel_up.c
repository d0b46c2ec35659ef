/* Packets that the program lets go up for what they are, unchanged. */
#include "kernel_up_lab.h"

/* uapi/linux/virtio_net.h of Linux 6.2: VIRTIO_NET_HDR_GSO_UDP_L4. */
#define GSO_UDP_L4 5

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
	klab_set_path(KLAB_PATH4, links.out_index, 4000, ETH_P_IP, 1);
	from("203.0.113.1", "192.0.2.9", 2055, KERNEL_MESSAGE_BYTES + 1);
	memcpy(sample.payload, "\0\x0a", 2);
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_TOO_LONG, "a message of IPFIX that no record has room for");
	check(is_received(), "it is received as it came");
	klab_set_path(KLAB_PATH4, links.out_index, 1500, ETH_P_IP, 1);
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
	klab_check(sendmsg(links.in, &message, 0) < 0 ? -errno : 0, "a large packet");
	klab_await(seen + 1);
	check_equal(reason_of(&before), KERNEL_UP_OFFLOAD, "several datagrams in one packet");
	forget_received();
}

int main(void)
{
	open_lab();
	publish_usual();
	test_destinations();
	test_headers();
	test_sources();
	forget_received();
	test_lengths();
	test_offload();
	return close_lab();
}
