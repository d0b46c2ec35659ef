/*
 * The limit to hold the engine in the kernel against: at tc ingress, each packet to PORT is
 * rewritten and sent to each of COPIES collectors, by clones but for the last; nothing else. No
 * rules, counters, lengths that are odd or identifications. Checksums have been verified, as the
 * benchmark's generator says.
 *
 * What differs from run to run is given to the compiler: PORT, COPIES, LINK (the interface towards
 * the collectors), FAMILY (4 or 6) and MAC0 to MAC5, of the collectors. Addresses of collectors are
 * those of bench/topology.ts.
 */
#include "helpers.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

static const uint8_t mac[ETH_ALEN] = {MAC0, MAC1, MAC2, MAC3, MAC4, MAC5};

/* A checksum with one word more and another less (RFC 1624). */
INLINE uint16_t changed(uint16_t checksum, uint32_t more, uint32_t less)
{
	uint64_t sum = (uint64_t)(uint16_t)~checksum + more + (uint32_t)~less;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

#if FAMILY == 4
#define PROTOCOL ETH_P_IP
typedef struct iphdr ip_header;

INLINE int is_udp(const ip_header *ip)
{
	return ip->ihl == 5 && ip->protocol == IPPROTO_UDP;
}

INLINE void change(ip_header *ip, struct udphdr *udp, uint32_t copy)
{
	uint32_t to = NETWORK32(0xc6120001u + copy); /* 198.18.0.1 and so on */
	uint32_t was = ip->daddr;
	if (copy == 0) {
		ip->ttl--;
		ip->check = changed(ip->check, 0, NETWORK16(0x0100));
	}
	ip->check = changed(ip->check, to, was);
	udp->check = changed(udp->check, to, was);
	ip->daddr = to;
}
#else
#define PROTOCOL ETH_P_IPV6
typedef struct ipv6hdr ip_header;

INLINE int is_udp(const ip_header *ip)
{
	return ip->nexthdr == IPPROTO_UDP;
}

INLINE void change(ip_header *ip, struct udphdr *udp, uint32_t copy)
{
	/* fd00:c::1 and so on */
	uint32_t to[4] = {NETWORK32(0xfd00000cu), 0, 0, NETWORK32(1 + copy)};
	if (copy == 0)
		ip->hop_limit--;
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t was = ip->daddr.in6_u.u6_addr32[i];
		udp->check = changed(udp->check, to[i], was);
		ip->daddr.in6_u.u6_addr32[i] = to[i];
	}
}
#endif

__attribute__((section("tc"), used)) int bare(struct __sk_buff *skb)
{
#pragma unroll
	for (uint32_t copy = 0; copy < COPIES; copy++) {
		struct ethhdr *link = (void *)(uint64_t)skb->data;
		ip_header *ip = (void *)(link + 1);
		struct udphdr *udp = (void *)(ip + 1);
		if ((uint8_t *)(udp + 1) > (uint8_t *)(uint64_t)skb->data_end)
			return copy == 0 ? TC_ACT_OK : TC_ACT_SHOT;
		if (copy == 0 && (link->h_proto != NETWORK16(PROTOCOL) || !is_udp(ip) ||
				  udp->dest != NETWORK16(PORT)))
			return TC_ACT_OK;
		for (uint32_t i = 0; i < ETH_ALEN; i++)
			link->h_dest[i] = mac[i];
		change(ip, udp, copy);
		if (copy + 1 == COPIES)
			return (int)redirect(LINK, 0);
		clone_redirect(skb, LINK, 0);
	}
	return TC_ACT_SHOT;
}
