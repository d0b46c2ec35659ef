/* What a packet is, and whether it is one for the program. */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "plan.h"

#define PACKET_IPV6 1u /* PIO_PACKET_IPV6 */
#define NOT_UDP (-1)
#define FRAGMENT_BITS 0x3fffu /* more fragments, and the offset */
#define IP4_AT ETH_HLEN
#define UDP4_AT (ETH_HLEN + IPV4_BYTES)
#define UDP6_AT (ETH_HLEN + IPV6_BYTES)

INLINE void *data_of(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data;
}

INLINE void *end_of(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data_end;
}

/* So many bytes of a packet are in one piece then, if it has them. */
INLINE void gather(struct __sk_buff *skb, uint32_t bytes)
{
	if (data_of(skb) + bytes > end_of(skb))
		pull_data(skb, bytes);
}

/* Where the UDP header is: one of two places, which the verifier knows. */
INLINE uint32_t udp_at(const struct kernel_work *work)
{
	return work->is_ipv6 != 0 ? UDP6_AT : UDP4_AT;
}

/* Two bytes of the packet, without a call where they are in one piece with its headers. 0, or a
 * negative errno. */
INLINE long read16(const struct __sk_buff *skb, uint32_t at, uint16_t *to)
{
	const uint8_t *place = data_of(skb) + at;
	if (place + sizeof(*to) > (const uint8_t *)end_of(skb))
		return load_bytes(skb, at, to, sizeof(*to));
	*to = *(const uint16_t *)(const void *)place;
	return 0;
}

INLINE uint32_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16 & 0xffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint32_t)sum;
}

INLINE uint64_t sum4(const uint32_t address[4])
{
	return (uint64_t)address[0] + address[1] + address[2] + address[3];
}

/* Whether a wildcard's packets come by this destination: mostly the same one as before. */
INLINE int is_own(struct kernel_cpu *cpu)
{
	const uint32_t *destination = cpu->work.destination;
	uint32_t changes = READ_ONCE(settings.address_changes);
	if (cpu->own_changes == changes && cpu->own[3] == destination[3] &&
	    cpu->own[2] == destination[2] && cpu->own[1] == destination[1] &&
	    cpu->own[0] == destination[0])
		return 1;
	if (map_lookup(&addresses, destination) == 0)
		return 0;
	for (uint32_t i = 0; i < 4; i++)
		cpu->own[i] = destination[i];
	cpu->own_changes = changes;
	return 1;
}

/* The listener of a packet whose ports and destination are known. */
INLINE int find_listener(struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	uint32_t next = settings.ports[work->listening & 0xffff];
	int reason = KERNEL_UP_NOT_LISTENER;
	for (uint32_t i = 0; i < KERNEL_LISTENERS; i++) {
		if (next == 0)
			break;
		const struct kernel_listener *listener =
			&settings.listeners[(next - 1) & (KERNEL_LISTENERS - 1)];
		next = READ_ONCE(listener->next);
		uint32_t kind = listener->kind;
		const uint32_t *address = (const uint32_t *)(const void *)listener->address;
		if (kind == KERNEL_LISTENER_EXACT) {
			if (address[0] != work->destination[0] ||
			    address[1] != work->destination[1] ||
			    address[2] != work->destination[2] ||
			    address[3] != work->destination[3])
				continue;
		} else if (kind == KERNEL_LISTENER_ANY4 && work->is_ipv6 != 0) {
			continue;
		} else if (!is_own(cpu)) {
			reason = KERNEL_UP_ADDRESS;
			continue;
		}
		work->listener = listener->row;
		return KERNEL_UP_NONE;
	}
	return reason;
}

/* Sources that are no unicast address, or of this host alone: the kernel knows what to do. */
INLINE int is_odd_source4(uint32_t source)
{
	uint32_t bits = NETWORK32(source);
	uint32_t first = bits >> 24;
	return first == 0 || first == 127 || first >= 224;
}

/* Unspecified, loopback and IPv4-mapped ones, and those of a link. */
INLINE int is_odd_source6(const uint32_t bits[4])
{
	if (bits[0] >> 24 == 0xff || bits[0] >> 22 == 0xfe800000u >> 22)
		return 1;
	return bits[0] == 0 && bits[1] == 0 &&
	       (bits[2] == 0xffffu || (bits[2] == 0 && bits[3] <= 1));
}

/* What holds for packets of both families that are for a listener. */
INLINE int check_common(const struct __sk_buff *skb, const struct kernel_work *work,
			uint32_t udp_bytes)
{
	if (skb->vlan_present)
		return KERNEL_UP_VLAN;
	if (skb->gso_size != 0)
		return KERNEL_UP_OFFLOAD;
	if (work->hop_limit <= 1)
		return KERNEL_UP_EXPIRED;
	if (work->checksum == 0)
		return KERNEL_UP_NO_CHECKSUM;
	if (udp_bytes != work->length + UDP_BYTES || skb->len < work->payload_at + work->length)
		return KERNEL_UP_LENGTH;
	if (work->length > settings.payload_bytes)
		return KERNEL_UP_TOO_LONG;
	return KERNEL_UP_NONE;
}

INLINE void take_udp(struct kernel_work *work, const struct udphdr *udp)
{
	work->source_port = NETWORK16(udp->source);
	work->listening = NETWORK16(udp->dest);
	work->checksum = udp->check;
	work->udp_sum = (uint64_t)udp->source + udp->dest;
}

/* Of the whole IPv4 header: 0xffff when its checksum is right. */
INLINE uint32_t header_sum(const struct iphdr *ip)
{
	const uint32_t *words = (const uint32_t *)(const void *)ip;
	return fold((uint64_t)words[0] + words[1] + words[2] + words[3] + words[4]);
}

/* Takes the facts of an IPv4 packet. Returns why it has to go up. */
INLINE int parse4(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	gather(skb, UDP4_AT + UDP_BYTES);
	const uint8_t *data = data_of(skb);
	if (data + UDP4_AT + UDP_BYTES > (const uint8_t *)end_of(skb))
		return NOT_UDP;
	const struct iphdr *ip = (const void *)(data + IP4_AT);
	const struct udphdr *udp = (const void *)(data + UDP4_AT);
	if (ip->protocol != IPPROTO_UDP)
		return NOT_UDP;
	work->source[0] = work->source[1] = 0;
	work->source[2] = NETWORK32(0xffffu);
	work->source[3] = ip->saddr;
	work->bits[0] = work->bits[1] = 0;
	work->bits[2] = 0xffff;
	work->bits[3] = NETWORK32(ip->saddr);
	work->destination[0] = work->destination[1] = 0;
	work->destination[2] = NETWORK32(0xffffu);
	work->destination[3] = ip->daddr;
	work->is_ipv6 = 0;
	work->flags = 0;
	if ((NETWORK16(ip->frag_off) & FRAGMENT_BITS) != 0)
		return KERNEL_UP_FRAGMENT;
	if (ip->version != 4 || ip->ihl != IPV4_BYTES / 4)
		return KERNEL_UP_OPTIONS;
	take_udp(work, udp);
	if (settings.ports[work->listening & 0xffff] == 0)
		return KERNEL_UP_NOT_LISTENER;
	if (skb->pkt_type != PACKET_HOST)
		return KERNEL_UP_GROUP;
	int reason = find_listener(cpu);
	if (reason != KERNEL_UP_NONE)
		return reason;
	uint32_t bytes = NETWORK16(ip->tot_len);
	uint32_t udp_bytes = NETWORK16(udp->len);
	work->hop_limit = ip->ttl;
	work->payload_at = UDP4_AT + UDP_BYTES;
	work->length = bytes - IPV4_BYTES - UDP_BYTES;
	work->ip_sum = 0xffff;
	work->pseudo_sum = (uint64_t)ip->saddr + ip->daddr;
	if (bytes < IPV4_BYTES + UDP_BYTES || header_sum(ip) != 0xffff)
		return KERNEL_UP_LENGTH;
	if (is_odd_source4(ip->saddr))
		return KERNEL_UP_SOURCE;
	return check_common(skb, work, udp_bytes);
}

/* The same of an IPv6 packet. */
INLINE int parse6(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	gather(skb, UDP6_AT + UDP_BYTES);
	const uint8_t *data = data_of(skb);
	if (data + UDP6_AT + UDP_BYTES > (const uint8_t *)end_of(skb))
		return NOT_UDP;
	const struct ipv6hdr *ip = (const void *)(data + ETH_HLEN);
	const struct udphdr *udp = (const void *)(data + UDP6_AT);
	const uint32_t *words = (const uint32_t *)(const void *)ip;
	for (uint32_t i = 0; i < 4; i++) {
		work->source[i] = words[2 + i];
		work->bits[i] = NETWORK32(words[2 + i]);
		work->destination[i] = words[6 + i];
	}
	work->is_ipv6 = 1;
	work->flags = PACKET_IPV6;
	uint8_t protocol = ip->nexthdr;
	if (protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	    protocol == IPPROTO_DSTOPTS)
		return KERNEL_UP_OPTIONS;
	if (protocol == IPPROTO_FRAGMENT)
		return KERNEL_UP_FRAGMENT;
	if (protocol != IPPROTO_UDP)
		return NOT_UDP;
	take_udp(work, udp);
	if (settings.ports[work->listening & 0xffff] == 0)
		return KERNEL_UP_NOT_LISTENER;
	if (skb->pkt_type != PACKET_HOST || NETWORK32(words[6]) >> 24 == 0xff)
		return KERNEL_UP_GROUP;
	int reason = find_listener(cpu);
	if (reason != KERNEL_UP_NONE)
		return reason;
	uint32_t bytes = NETWORK16(ip->payload_len);
	uint32_t udp_bytes = NETWORK16(udp->len);
	work->hop_limit = ip->hop_limit;
	work->payload_at = UDP6_AT + UDP_BYTES;
	work->length = bytes - UDP_BYTES;
	work->pseudo_sum = sum4(work->source) + sum4(work->destination);
	work->ip_sum = work->pseudo_sum + words[0] + words[1];
	if (bytes < UDP_BYTES || ip->version != 6)
		return KERNEL_UP_LENGTH;
	if (is_odd_source6(work->bits))
		return KERNEL_UP_SOURCE;
	return check_common(skb, work, udp_bytes);
}

#endif
