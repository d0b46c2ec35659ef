/*
 * The beginning of frames that are written to an interface: what the kernel wants to know of each
 * (packet(7), PACKET_VNET_HDR), the Ethernet header, and UDP behind IP.
 *
 * UDP checksums are left to "the card", that is, partial: the receiver takes the packet as
 * verified, as behind a real network card.
 */
#ifndef SHARED_FRAME_H
#define SHARED_FRAME_H

#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <netinet/udp.h>
#include <stddef.h>

#include "shared/ip.h"

struct frame_head {
	struct virtio_net_hdr offload;
	struct ether_header ethernet;
} __attribute__((packed));

/* To this address, from one that is nobody's. */
static inline void set_macs(struct frame_head *head, const uint8_t destination[6])
{
	memcpy(head->ethernet.ether_dhost, destination, 6);
	memcpy(head->ethernet.ether_shost, (uint8_t[6]){2, 0, 0, 0, 0, 1}, 6);
}

/* What follows is UDP in this version of IP, with a partial checksum. */
static inline void set_protocol(struct frame_head *head, int is_ipv4)
{
	size_t ip_bytes = is_ipv4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	head->offload = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = (uint16_t)(sizeof(head->ethernet) + ip_bytes),
		.csum_offset = offsetof(struct udphdr, check),
	};
	head->ethernet.ether_type = htons(is_ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
}

/* With the sum of the pseudo header as its checksum. */
static inline struct udphdr partial_udp(uint16_t source_port, uint16_t destination_port,
					uint16_t bytes, uint32_t addresses_sum)
{
	uint16_t length = htons(bytes);
	return (struct udphdr){
		.source = htons(source_port),
		.dest = htons(destination_port),
		.len = length,
		.check = fold_words(addresses_sum + length + htons(IPPROTO_UDP)),
	};
}

#endif
