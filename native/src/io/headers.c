#include "headers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "checksum.h"

#define FRAGMENT_UNIT 8u

static uint64_t sum_address(const uint8_t *address, size_t bytes)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < bytes; i += 4) {
		uint32_t word;
		memcpy(&word, address + i, sizeof(word));
		sum += word;
	}
	return sum;
}

/* The pseudo header's words other than the addresses, the UDP header's and the payload's. */
static void build_udp(uint8_t *header, const struct pio_datagram *datagram, uint64_t address_sum)
{
	uint16_t length = htons(datagram->length);
	uint64_t sum = address_sum + datagram->source_port + datagram->destination_port + length +
		       length + htons(IPPROTO_UDP) + datagram->payload_sum;
	struct udphdr fields = {
		.source = datagram->source_port,
		.dest = datagram->destination_port,
		.len = length,
		.check = pio_udp_checksum(sum),
	};
	memcpy(header, &fields, sizeof(fields));
}

void pio_build_ipv4(uint8_t *header, const uint8_t source[4], const uint8_t destination[4],
		    const struct pio_datagram *datagram)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = PIO_IPV4_BYTES / 4,
		.tos = datagram->traffic_class,
		.tot_len = htons((uint16_t)(datagram->length + PIO_IPV4_BYTES)),
		.ttl = datagram->hop_limit,
		.protocol = IPPROTO_UDP,
	};
	memcpy(&ip.saddr, source, 4);
	memcpy(&ip.daddr, destination, 4);
	memcpy(header, &ip, sizeof(ip));
	build_udp(header + sizeof(ip), datagram, (uint64_t)ip.saddr + ip.daddr);
}

void pio_build_ipv6(uint8_t *header, const uint8_t source[16], const uint8_t destination[16],
		    const struct pio_datagram *datagram)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6u << 28 | (uint32_t)datagram->traffic_class << 20),
		.ip6_plen = htons(datagram->length),
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = datagram->hop_limit,
	};
	memcpy(&ip.ip6_src, source, 16);
	memcpy(&ip.ip6_dst, destination, 16);
	memcpy(header, &ip, sizeof(ip));
	build_udp(header + sizeof(ip), datagram,
		  sum_address(source, 16) + sum_address(destination, 16));
}

void pio_identify_ipv4(uint8_t *header, uint32_t identification)
{
	uint16_t value = htons((uint16_t)identification);
	memcpy(header + 4, &value, sizeof(value));
}

void pio_complete_ipv4(uint8_t *header)
{
	memset(header + 10, 0, 2);
	uint16_t checksum = (uint16_t)~pio_sum(header, PIO_IPV4_BYTES);
	memcpy(header + 10, &checksum, sizeof(checksum));
}

uint32_t pio_fragment_capacity(int family, uint32_t mtu)
{
	uint32_t header = family == 4 ? PIO_IPV4_BYTES : PIO_IPV6_BYTES + PIO_FRAGMENT_BYTES;
	/* The length field: of the whole packet in IPv4, of what follows the first header in IPv6.
	 */
	uint32_t length_max = family == 4 ? 65535 : 65535 + PIO_IPV6_BYTES;
	uint32_t bytes = mtu < length_max ? mtu : length_max;
	return bytes < header ? 0 : (bytes - header) / FRAGMENT_UNIT * FRAGMENT_UNIT;
}

static uint32_t build_fragment4(uint8_t *header, const uint8_t *whole, uint32_t bytes,
				uint32_t offset, int is_last, uint32_t identification)
{
	struct iphdr ip;
	memcpy(&ip, whole, sizeof(ip));
	ip.tot_len = htons((uint16_t)(PIO_IPV4_BYTES + bytes));
	ip.id = htons((uint16_t)identification);
	ip.frag_off = htons((uint16_t)(offset / FRAGMENT_UNIT | (is_last ? 0u : IP_MF)));
	memcpy(header, &ip, sizeof(ip));
	return sizeof(ip);
}

static uint32_t build_fragment6(uint8_t *header, const uint8_t *whole, uint32_t bytes,
				uint32_t offset, int is_last, uint32_t identification)
{
	struct ip6_hdr ip;
	memcpy(&ip, whole, sizeof(ip));
	ip.ip6_plen = htons((uint16_t)(PIO_FRAGMENT_BYTES + bytes));
	ip.ip6_nxt = IPPROTO_FRAGMENT;
	memcpy(header, &ip, sizeof(ip));
	struct ip6_frag fragment = {
		.ip6f_nxt = IPPROTO_UDP,
		.ip6f_offlg = htons((uint16_t)(offset | !is_last)),
		.ip6f_ident = htonl(identification),
	};
	memcpy(header + sizeof(ip), &fragment, sizeof(fragment));
	return sizeof(ip) + sizeof(fragment);
}

struct pio_fragment pio_build_fragment(uint8_t *header, const uint8_t *whole, uint32_t capacity,
				       uint32_t offset, uint32_t identification)
{
	int is_ipv4 = whole[0] >> 4 == 4;
	const uint8_t *udp = whole + (is_ipv4 ? PIO_IPV4_BYTES : PIO_IPV6_BYTES);
	uint32_t length = (uint32_t)udp[4] << 8 | udp[5];
	uint32_t rest = length - offset;
	uint32_t bytes = rest < capacity ? rest : capacity;
	uint32_t header_bytes = (is_ipv4 ? build_fragment4 : build_fragment6)(
		header, whole, bytes, offset, bytes == rest, identification);
	if (offset > 0)
		return (struct pio_fragment){header_bytes, offset - PIO_UDP_BYTES, bytes};
	memcpy(header + header_bytes, udp, PIO_UDP_BYTES);
	return (struct pio_fragment){header_bytes + PIO_UDP_BYTES, 0, bytes - PIO_UDP_BYTES};
}
