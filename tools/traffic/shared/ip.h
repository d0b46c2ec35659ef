/*
 * IP headers in front of UDP, and sums for their checksums. Words are summed as they lie in memory:
 * such a sum, stored as it is, is in network order.
 */
#ifndef SHARED_IP_H
#define SHARED_IP_H

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdint.h>
#include <string.h>

#define HOP_LIMIT 64

/* Of a few bytes, an even number. */
static inline uint32_t sum_words(const void *bytes, size_t length)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < length; i += 2) {
		uint16_t word;
		memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static inline uint16_t fold_words(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)(sum + (sum >> 16));
}

/* Without a checksum. */
static inline struct iphdr ip4_header(const void *source, const void *destination,
				      uint16_t udp_bytes)
{
	struct iphdr header = {.version = 4, .ihl = 5, .ttl = HOP_LIMIT, .protocol = IPPROTO_UDP};
	header.tot_len = htons((uint16_t)(sizeof(header) + udp_bytes));
	memcpy(&header.saddr, source, sizeof(header.saddr));
	memcpy(&header.daddr, destination, sizeof(header.daddr));
	return header;
}

static inline void set_ip4_checksum(struct iphdr *header)
{
	header->check = 0;
	header->check = (uint16_t)~fold_words(sum_words(header, sizeof(*header)));
}

static inline struct ip6_hdr ip6_header(const void *source, const void *destination,
					uint16_t udp_bytes)
{
	struct ip6_hdr header = {.ip6_flow = htonl(6u << 28), .ip6_nxt = IPPROTO_UDP};
	header.ip6_hlim = HOP_LIMIT;
	header.ip6_plen = htons(udp_bytes);
	memcpy(&header.ip6_src, source, sizeof(header.ip6_src));
	memcpy(&header.ip6_dst, destination, sizeof(header.ip6_dst));
	return header;
}

#endif
