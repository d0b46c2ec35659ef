/*
 * Copies of a packet leave: its headers are rewritten in place and a clone goes, or, for the last
 * copy, the packet itself. Before, nobody else has them: the kernel sees to that for a program that
 * writes to packets, where it begins (bpf_unclone_prologue, net/core/filter.c), and when a clone
 * has gone. What was in the UDP checksum before is taken out, and what is there now goes in (RFC
 * 1624).
 */
#ifndef BPF_SEND_H
#define BPF_SEND_H

#include <linux/errno.h>

#include "checksums.h"

#define NET_XMIT_DROP 1

INLINE uint32_t difference(uint64_t now, uint64_t before)
{
	return fold(now) + (~fold(before) & 0xffffu);
}

/* Takes what headers said out of the checksum (RFC 1624). */
INLINE void begin_checksum(struct kernel_work *work)
{
	work->last_sum = work->ip_sum + work->udp_sum + work->checksum;
	if (work->checksum_mode == CHECKSUM_PARTIAL)
		work->checksum_base = difference(work->checksum, work->pseudo_sum);
	else
		work->checksum_base = (~(uint32_t)work->checksum & 0xffffu) +
				      (~fold(work->pseudo_sum + work->udp_sum) & 0xffffu);
}

/* The UDP checksum of the packet with other addresses and ports; never 0 when it is whole. */
INLINE uint16_t new_checksum(const struct kernel_work *work, uint64_t pseudo_sum, uint64_t udp_sum)
{
	if (work->checksum_mode == CHECKSUM_PARTIAL)
		return (uint16_t)fold(work->checksum_base + pseudo_sum);
	uint16_t checksum = (uint16_t)~fold(work->checksum_base + pseudo_sum + udp_sum);
	return checksum == 0 ? 0xffff : checksum;
}

/* Copy number i, those of IPv4 first. */
INLINE struct kernel_copy *copy_at(struct kernel_work *work, uint32_t i)
{
	uint32_t at = i < work->ipv4_copies ? i : KERNEL_COPIES - 1 - (i - work->ipv4_copies);
	return &work->copies[at & (KERNEL_COPIES - 1)];
}

INLINE void build_frame(uint8_t *packet, const struct kernel_copy *copy)
{
	const uint32_t *frame = (const uint32_t *)(const void *)copy->frame;
	uint32_t *header = (uint32_t *)(void *)packet;
	for (uint32_t i = 0; i < PATH_FRAME_BYTES / 4; i++)
		header[i] = frame[i];
	*(uint16_t *)(void *)(header + 3) = *(const uint16_t *)(const void *)(frame + 3);
}

INLINE void build_ipv4(struct kernel_cpu *cpu, uint8_t *packet, const struct kernel_copy *copy)
{
	const struct kernel_work *work = &cpu->work;
	uint32_t *words = (uint32_t *)(void *)(packet + ETH_HLEN);
	struct iphdr *ip = (void *)words;
	uint32_t bytes = work->length + UDP_BYTES + IPV4_BYTES;
	uint32_t source = copy->source[3], destination = copy->destination[3];
	uint32_t first = NETWORK32(0x45u << 24 | (uint32_t)copy->traffic_class << 16 | bytes);
	uint32_t second = NETWORK32(cpu->identification << 16);
	uint32_t third = NETWORK32((uint32_t)copy->hop_limit << 24 | IPPROTO_UDP << 16);
	cpu->identification++;
	words[0] = first;
	words[1] = second;
	words[2] = third;
	/* Of what is in registers: what has just been written cannot be read as wider words. */
	ip->check = (uint16_t)~fold((uint64_t)first + second + third + source + destination);
	ip->saddr = source;
	ip->daddr = destination;
}

INLINE void build_ipv6(const struct kernel_work *work, uint8_t *packet,
		       const struct kernel_copy *copy)
{
	uint32_t *words = (uint32_t *)(void *)(packet + ETH_HLEN);
	struct ipv6hdr *ip = (void *)words;
	words[0] = NETWORK32(6u << 28 | (uint32_t)copy->traffic_class << 20);
	ip->payload_len = NETWORK16(work->length + UDP_BYTES);
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = copy->hop_limit;
	for (uint32_t i = 0; i < 4; i++) {
		words[2 + i] = copy->source[i];
		words[6 + i] = copy->destination[i];
	}
}

/* Writes the UDP header. Returns the sum of what of it changes. */
INLINE uint64_t build_udp(const struct kernel_work *work, struct udphdr *udp,
			  const struct kernel_copy *copy, uint64_t pseudo_sum)
{
	uint64_t ports = (uint64_t)copy->source_port + copy->destination_port;
	uint16_t checksum = new_checksum(work, pseudo_sum, ports);
	udp->source = copy->source_port;
	udp->dest = copy->destination_port;
	udp->len = NETWORK16(work->length + UDP_BYTES);
	udp->check = checksum;
	return ports + checksum;
}

/* What the device has summed up changes with the headers. */
INLINE void replace_sum(struct __sk_buff *skb, struct kernel_work *work, uint64_t sum)
{
	if (work->checksum_mode != CHECKSUM_SUMMED)
		return;
	checksum_update(skb, difference(sum, work->last_sum));
	work->last_sum = sum;
}

/* The packet becomes copy number i, of IPv4. 0, or a negative errno. */
INLINE long write4(struct __sk_buff *skb, struct kernel_cpu *cpu, uint32_t i)
{
	struct kernel_work *work = &cpu->work;
	const struct kernel_copy *copy = copy_at(work, i);
	uint8_t *packet = data_of(skb);
	if (packet + UDP4_AT + UDP_BYTES > (uint8_t *)end_of(skb))
		return -ENOMEM;
	uint64_t pseudo_sum = (uint64_t)copy->source[3] + copy->destination[3];
	build_frame(packet, copy);
	build_ipv4(cpu, packet, copy);
	uint64_t sum = build_udp(work, (void *)(packet + UDP4_AT), copy, pseudo_sum);
	/* An IPv4 header with its checksum adds nothing. */
	replace_sum(skb, work, 0xffff + sum);
	return 0;
}

/* The same of IPv6: the packet has room for its header. */
INLINE long write6(struct __sk_buff *skb, struct kernel_cpu *cpu, uint32_t i)
{
	struct kernel_work *work = &cpu->work;
	const struct kernel_copy *copy = copy_at(work, i);
	uint8_t *packet = data_of(skb);
	if (packet + UDP6_AT + UDP_BYTES > (uint8_t *)end_of(skb))
		return -ENOMEM;
	uint64_t pseudo_sum = sum4(copy->source) + sum4(copy->destination);
	build_frame(packet, copy);
	build_ipv6(work, packet, copy);
	uint64_t sum = build_udp(work, (void *)(packet + UDP6_AT), copy, pseudo_sum);
	const uint32_t *words = (const uint32_t *)(const void *)(packet + ETH_HLEN);
	replace_sum(skb, work, pseudo_sum + words[0] + words[1] + sum);
	return 0;
}

INLINE long write_copy(struct __sk_buff *skb, struct kernel_cpu *cpu, uint32_t i)
{
	if (i < cpu->work.ipv4_copies)
		return write4(skb, cpu, i);
	if (i == cpu->work.ipv4_copies && cpu->work.is_ipv6 == 0) {
		long error = change_proto(skb, NETWORK16(ETH_P_IPV6), 0);
		if (error != 0)
			return error;
		gather(skb, UDP6_AT + UDP_BYTES);
	}
	return write6(skb, cpu, i);
}

INLINE void refuse(struct kernel_work *work, struct kernel_copy *copy, long error)
{
	copy->error = (uint8_t)-error;
	work->refused++;
}

/* Whether what the kernel says of a packet that is handed to the link is known before. */
INLINE int is_direct(uint32_t link)
{
	uint32_t word = link / 32 & (KERNEL_LINK_WORDS - 1);
	return READ_ONCE(settings.direct[word]) >> (link & 31) & 1;
}

/* What the kernel says of a clone that it got. */
INLINE void judge(struct kernel_work *work, struct kernel_copy *copy, long result)
{
	if (result == 0 || result > NET_XMIT_DROP)
		return;
	refuse(work, copy, result == NET_XMIT_DROP ? -ENOBUFS : result);
}

/* A packet is as long as its IP header says: short ones have been filled up on their way. */
INLINE long trim(struct __sk_buff *skb, const struct kernel_work *work)
{
	uint32_t bytes = work->payload_at + work->length;
	return skb->len > bytes ? change_tail(skb, bytes, 0) : 0;
}

/* Sends all copies. Returns what becomes of the packet itself. */
PART int send_copies(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	if (cpu == 0)
		return DROP;
	struct kernel_work *work = &cpu->work;
	uint32_t count = work->ipv4_copies + work->ipv6_copies;
	long error = trim(skb, work);
	work->refused = 0;
	begin_checksum(work);
	for (uint32_t i = 0; i < KERNEL_COPIES; i++) {
		if (i >= count)
			break;
		struct kernel_copy *copy = copy_at(work, i);
		copy->error = 0;
		/* What failed once leaves headers of which nothing is known. */
		if (error == 0)
			error = write_copy(skb, cpu, i);
		if (error != 0)
			refuse(work, copy, error);
		else if (i + 1 == count && is_direct(copy->link))
			return (int)redirect(copy->link, 0);
		else
			judge(work, copy, clone_redirect(skb, copy->link, 0));
	}
	return DROP;
}

#endif
