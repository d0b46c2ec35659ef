/*
 * Reads IP packets as a receiver does: checks every field, puts fragments together. Written apart
 * from what it checks, byte by byte.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WIRE_MAX 65600u

struct wire {
	/* The datagram, once complete. */
	int family;
	uint8_t source[16]; /* the first 4 bytes for IPv4 */
	uint8_t destination[16];
	uint32_t source_port, destination_port;
	uint32_t hop_limit;
	uint32_t traffic_class;
	int may_differ; /* rules say how datagrams leave */
	uint32_t payload_bytes;
	const uint8_t *payload;
	uint32_t fragments; /* 1 = came whole */

	uint32_t identification;
	uint32_t collected; /* bytes of the UDP datagram so far */
	uint8_t udp[WIRE_MAX];
	const char *error;
};

static inline uint32_t wire_16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t wire_sum(const uint8_t *at, uint32_t bytes)
{
	uint32_t sum = 0;
	for (uint32_t i = 0; i < bytes; i++) {
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* RFC 768 and RFC 8200 section 8.1: all words and the pseudo header add up to 0xffff. */
static inline int wire_is_checksum_right(const struct wire *wire)
{
	uint32_t address_bytes = wire->family == 4 ? 4 : 16;
	uint32_t sum = wire_sum(wire->source, address_bytes) +
		       wire_sum(wire->destination, address_bytes) + 17 + wire->collected +
		       wire_sum(wire->udp, wire->collected);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff && wire_16(wire->udp + 6) != 0;
}

static inline int wire_fail(struct wire *wire, const char *error)
{
	wire->error = error;
	return -1;
}

static inline int wire_finish(struct wire *wire)
{
	if (wire->collected < 8 || wire_16(wire->udp + 4) != wire->collected)
		return wire_fail(wire, "wrong UDP length");
	if (!wire_is_checksum_right(wire))
		return wire_fail(wire, "wrong UDP checksum");
	wire->source_port = wire_16(wire->udp);
	wire->destination_port = wire_16(wire->udp + 2);
	wire->payload = wire->udp + 8;
	wire->payload_bytes = wire->collected - 8;
	wire->collected = 0;
	return 1;
}

static inline int wire_collect(struct wire *wire, const uint8_t *at, uint32_t bytes,
			       uint32_t offset, int has_more, uint32_t identification)
{
	if (offset != wire->collected)
		return wire_fail(wire, "a fragment out of order");
	if (offset > 0 && identification != wire->identification)
		return wire_fail(wire, "another identification");
	if (has_more && (bytes == 0 || bytes % 8 != 0))
		return wire_fail(wire, "a fragment not a multiple of 8");
	if (offset + bytes > 65535)
		return wire_fail(wire, "longer than a datagram can be");
	if ((has_more || offset > 0) && (identification & 0xffff) == 0)
		return wire_fail(wire, "a fragment without identification");
	wire->fragments = offset == 0 ? 1 : wire->fragments + 1;
	wire->identification = identification;
	memcpy(wire->udp + offset, at, bytes);
	wire->collected = offset + bytes;
	return has_more ? 0 : wire_finish(wire);
}

static inline int wire_read4(struct wire *wire, const uint8_t *at, uint32_t bytes)
{
	if (bytes < 20 || at[0] != 0x45 || (at[1] != 0 && !wire->may_differ) ||
	    wire_16(at + 2) != bytes)
		return wire_fail(wire, "wrong IPv4 header");
	if (at[8] == 0 || (at[8] > 64 && !wire->may_differ) || at[9] != 17 || (at[6] & 0xc0) != 0)
		return wire_fail(wire, "wrong TTL, protocol or flags");
	wire->family = 4;
	wire->hop_limit = at[8];
	wire->traffic_class = at[1];
	memcpy(wire->source, at + 12, 4);
	memcpy(wire->destination, at + 16, 4);
	return wire_collect(wire, at + 20, bytes - 20, (wire_16(at + 6) & 0x1fff) * 8,
			    (at[6] & 0x20) != 0, wire_16(at + 4));
}

static inline int wire_read6(struct wire *wire, const uint8_t *at, uint32_t bytes)
{
	uint32_t traffic_class = (wire_16(at) >> 4) & 0xff;
	if (bytes < 40 || at[0] >> 4 != 6 || (traffic_class != 0 && !wire->may_differ) ||
	    (at[1] & 0xf) != 0 || at[2] != 0 || at[3] != 0 || wire_16(at + 4) != bytes - 40 ||
	    at[7] == 0 || (at[7] > 64 && !wire->may_differ))
		return wire_fail(wire, "wrong IPv6 header");
	wire->family = 6;
	wire->hop_limit = at[7];
	wire->traffic_class = traffic_class;
	memcpy(wire->source, at + 8, 16);
	memcpy(wire->destination, at + 24, 16);
	if (at[6] == 17)
		return wire_collect(wire, at + 40, bytes - 40, 0, 0, 0);
	if (at[6] != 44 || bytes < 48 || at[40] != 17 || at[41] != 0 || (at[43] & 6) != 0)
		return wire_fail(wire, "wrong fragment header");
	uint32_t identification = wire_16(at + 44) << 16 | wire_16(at + 46);
	return wire_collect(wire, at + 48, bytes - 48, wire_16(at + 42) & 0xfff8, at[43] & 1,
			    identification);
}

/* Reads one packet: 1 when a datagram is complete, 0 when fragments are missing, -1 and error. */
static inline int wire_read(struct wire *wire, const uint8_t *at, uint32_t bytes)
{
	if (bytes == 0)
		return wire_fail(wire, "empty packet");
	return at[0] >> 4 == 4 ? wire_read4(wire, at, bytes) : wire_read6(wire, at, bytes);
}

/* The same of an Ethernet frame, whose IPv4 header has a checksum and an identification. */
static inline int wire_read_frame(struct wire *wire, const uint8_t *at, uint32_t bytes)
{
	if (bytes < 34)
		return wire_fail(wire, "a short frame");
	const uint8_t *packet = at + 14;
	uint32_t type = wire_16(at + 12);
	if (type != (packet[0] >> 4 == 4 ? 0x0800u : 0x86ddu))
		return wire_fail(wire, "wrong EtherType");
	if (type == 0x0800 && (wire_sum(packet, 20) != 0xffff || wire_16(packet + 4) == 0))
		return wire_fail(wire, "wrong IPv4 header checksum, or no identification");
	return wire_read(wire, packet, bytes - 14);
}

#endif
