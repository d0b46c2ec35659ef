#include <arpa/inet.h>

#include "checksum.h"
#include "headers.h"
#include "tap.h"
#include "wire.h"

static uint8_t payload[65535];
static struct wire wire;
static uint8_t packet[WIRE_MAX];

static struct pio_datagram make_datagram(uint32_t length)
{
	return (struct pio_datagram){
		.source_port = htons(2056),
		.destination_port = htons(9995),
		.length = (uint16_t)(length + 8),
		.payload_sum = pio_sum(payload, length),
		.hop_limit = 63,
	};
}

static uint32_t build_whole(int family, uint8_t *header, uint32_t length)
{
	static const uint8_t source[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const uint8_t destination[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
	struct pio_datagram datagram = make_datagram(length);
	if (family == 6) {
		pio_build_ipv6(header, source, destination, &datagram);
		return PIO_WHOLE6_BYTES;
	}
	pio_build_ipv4(header, (const uint8_t[]){192, 0, 2, 1}, (const uint8_t[]){198, 51, 100, 7},
		       &datagram);
	return PIO_WHOLE4_BYTES;
}

static int read_back(const uint8_t *header, uint32_t header_bytes, uint32_t offset, uint32_t bytes)
{
	memcpy(packet, header, header_bytes);
	memcpy(packet + header_bytes, payload + offset, bytes);
	return wire_read(&wire, packet, header_bytes + bytes);
}

static int is_payload(uint32_t length)
{
	return wire.payload_bytes == length && memcmp(wire.payload, payload, length) == 0;
}

static void test_bytes(void)
{
	static const uint8_t expected4[PIO_WHOLE4_BYTES] = {
		0x45, 0, 0,   30, 0,   0, 0,	0,    63,   17,	  0, 0,	 192,  0,
		2,    1, 198, 51, 100, 7, 0x08, 0x08, 0x27, 0x0b, 0, 10, 0x7c, 0x21,
	};
	uint8_t header[PIO_HEADER_MAX_BYTES];
	memcpy(payload, "hi", 2);
	check_equal(build_whole(4, header, 2), 28, "IPv4 and UDP headers have 28 bytes");
	check(memcmp(header, expected4, 28) == 0, "R6, R7: IPv4: every byte");

	check_equal(build_whole(6, header, 2), 48, "IPv6 and UDP headers have 48 bytes");
	static const uint8_t expected6[8] = {0x60, 0, 0, 0, 0, 10, 17, 63};
	check(memcmp(header, expected6, 8) == 0, "IPv6: version, length, next header, hop limit");
	check(header[8] == 0x20 && header[23] == 1 && header[39] == 2, "IPv6: addresses");
	check_equal((uint64_t)read_back(header, 48, 0, 2), 1, "R7: IPv6: a receiver accepts it");
}

static void test_mapped(void)
{
	static const uint8_t source[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
	static const uint8_t destination[16] = {0xfd, [15] = 9};
	uint8_t header[PIO_HEADER_MAX_BYTES];
	struct pio_datagram datagram = make_datagram(5);
	pio_build_ipv6(header, source, destination, &datagram);
	check(read_back(header, PIO_WHOLE6_BYTES, 0, 5) == 1 && is_payload(5),
	      "R6: IPv6 from an IPv4-mapped source: a receiver accepts it");
	check(memcmp(wire.source, source, 16) == 0, "R6: and sees the mapped source");
}

/* Sums that would give a checksum of 0: the receiver must see 0xffff and accept it. */
static void test_zero_checksum(void)
{
	for (int family = 4; family <= 6; family += 2) {
		uint8_t header[PIO_HEADER_MAX_BYTES];
		memset(payload, 0, 2);
		uint32_t bytes = build_whole(family, header, 2);
		/* With the former checksum as payload, all words add up to 0xffff. */
		memcpy(payload, header + bytes - 2, 2);
		build_whole(family, header, 2);
		check_equal(wire_16(header + bytes - 2), 0xffff, "R7: 0 is sent as 0xffff");
		check(read_back(header, bytes, 0, 2) == 1, "R7: and a receiver accepts it");
	}
}

static int are_fragments_right(int family, uint32_t length, uint32_t mtu)
{
	uint8_t whole[PIO_HEADER_MAX_BYTES];
	uint8_t header[PIO_HEADER_MAX_BYTES];
	build_whole(family, whole, length);
	uint32_t capacity = pio_fragment_capacity(family, mtu);
	for (uint32_t offset = 0; offset < length + 8; offset += capacity) {
		struct pio_fragment fragment =
			pio_build_fragment(header, whole, capacity, offset, 0x12345678);
		if (fragment.header_bytes + fragment.payload_bytes > mtu)
			return 0;
		int state = read_back(header, fragment.header_bytes, fragment.payload_offset,
				      fragment.payload_bytes);
		int is_last = offset + capacity >= length + 8;
		if (state != is_last) {
			printf("# %s\n", state < 0 ? wire.error : "incomplete");
			return 0;
		}
	}
	return is_payload(length) && (wire.fragments > 1) == (length + 8 > capacity);
}

static void test_fragments(void)
{
	static const uint32_t mtus[] = {68, 576, 1280, 1499, 1500, 9000, 65535, 65575, 65536};
	static const uint32_t lengths[] = {1452, 1453, 1472, 1473, 2944, 2952, 2953, 8000, 65507};
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t m = 0; m < sizeof(mtus) / sizeof(mtus[0]); m++) {
		for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
			uint32_t mtu = mtus[m];
			uint32_t length = lengths[l];
			check(are_fragments_right(4, length, mtu), "R8: IPv4, %u bytes, MTU %u",
			      length, mtu);
			check(are_fragments_right(6, length, mtu), "R8: IPv6, %u bytes, MTU %u",
			      length, mtu);
		}
	}
	check(are_fragments_right(6, 65527, 1280), "R8: IPv6: the longest payload there is");
	check_equal(pio_fragment_capacity(4, 27), 0, "IPv4: an MTU without room for 8 bytes");
	check_equal(pio_fragment_capacity(4, 28), 8, "IPv4: an MTU with room for 8 bytes");
	check_equal(pio_fragment_capacity(6, 55), 0, "IPv6: an MTU without room for 8 bytes");
	check_equal(pio_fragment_capacity(6, 56), 8, "IPv6: an MTU with room for 8 bytes");
	check_equal(pio_fragment_capacity(4, 0), 0, "no MTU at all");
}

int main(void)
{
	test_bytes();
	test_mapped();
	test_zero_checksum();
	test_fragments();
	return tap_done();
}
