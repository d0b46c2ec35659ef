#include "judge/copy.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "shared/address.h"

/* What is in front of the UDP header, and how much of the packet is there. */
struct span {
	uint32_t headers;
	uint32_t bytes;
};

static enum content read_ip4(const uint8_t *ip, struct span *span, struct copy *copy)
{
	struct iphdr header;
	memcpy(&header, ip, sizeof(header));
	if (header.protocol != IPPROTO_UDP)
		return OTHER;
	if ((ntohs(header.frag_off) & IP_OFFMASK) != 0)
		return LATER_FRAGMENT;
	memcpy(copy->source, ipv4_prefix, sizeof(ipv4_prefix));
	memcpy(copy->source + 12, &header.saddr, 4);
	copy->family = 0;
	copy->host = ip[19];
	span->headers = header.ihl * 4u;
	if (ntohs(header.tot_len) < span->bytes)
		span->bytes = ntohs(header.tot_len);
	return COPY;
}

static enum content read_ip6(const uint8_t *ip, struct span *span, struct copy *copy)
{
	span->headers = sizeof(struct ip6_hdr);
	if (ip[6] == IPPROTO_FRAGMENT) {
		if (((uint32_t)ip[42] << 8 | (ip[43] & 0xf8u)) != 0)
			return LATER_FRAGMENT;
		span->headers += (uint32_t)sizeof(struct ip6_frag);
	} else if (ip[6] != IPPROTO_UDP) {
		return OTHER;
	}
	memcpy(copy->source, ip + 8, 16);
	copy->family = 1;
	copy->host = ip[39];
	return COPY;
}

enum content read_copy(const uint8_t *ip, uint32_t bytes, struct copy *copy)
{
	struct span span = {.bytes = bytes};
	enum content content = OTHER;
	if (bytes >= sizeof(struct iphdr) + sizeof(struct udphdr) && ip[0] >> 4 == 4)
		content = read_ip4(ip, &span, copy);
	else if (bytes >= sizeof(struct ip6_hdr) + sizeof(struct udphdr) && ip[0] >> 4 == 6)
		content = read_ip6(ip, &span, copy);
	if (content != COPY)
		return content;
	struct udphdr udp;
	if (span.bytes < span.headers + sizeof(udp))
		return OTHER;
	memcpy(&udp, ip + span.headers, sizeof(udp));
	copy->source_port = ntohs(udp.source);
	copy->destination_port = ntohs(udp.dest);
	copy->length = ntohs(udp.len) - (uint32_t)sizeof(udp);
	copy->payload = ip + span.headers + sizeof(udp);
	copy->available = span.bytes - span.headers - (uint32_t)sizeof(udp);
	if (copy->available > copy->length)
		copy->available = copy->length;
	return COPY;
}
