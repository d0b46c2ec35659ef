/* What is known of the UDP checksum of a packet, and whether it is right where nobody has looked.
 */
#ifndef BPF_CHECKSUMS_H
#define BPF_CHECKSUMS_H

#include <linux/errno.h>

#include "parse.h"

/* kernel_work.checksum_mode */
#define CHECKSUM_WHOLE 1u  /* it is there, and right */
#define CHECKSUM_SUMMED 2u /* the device has summed up the packet, and the sum changes with it */
#define CHECKSUM_PARTIAL                                                                           \
	3u		   /* a device will finish it: of the pseudo header it is there (RFC 768) */
#define CHECKSUM_UNSEEN 4u /* it is there, and nobody has looked at it */

/* A packet of IP is at most so long. */
#define SUM_PARTS (65536u / KERNEL_SUM_BYTES)

/* Where the UDP checksum of the packet is, as it came. */
INLINE uint32_t checksum_at(const struct kernel_work *work)
{
	return work->payload_at - sizeof(uint16_t);
}

/*
 * Whether a device will finish the checksum: 1 or 0, or a negative errno. A program is not told,
 * but the kernel's helper leaves such a one alone where other data than the pseudo header change.
 * The packet is as before after that.
 */
INLINE long is_partial(struct __sk_buff *skb, const struct kernel_work *work)
{
	uint16_t changed = 0;
	uint16_t before = work->checksum;
	long error = l4_replace(skb, checksum_at(work), 0, 1, 0);
	if (error == 0)
		error = read16(skb, udp_at(work) + UDP_BYTES - sizeof(changed), &changed);
	if (error != 0)
		return error;
	if (changed == before)
		return 1;
	return store_bytes(skb, checksum_at(work), &before, sizeof(before), 0);
}

/*
 * Adds bytes of the packet from `at` on, at most KERNEL_SUM_BYTES, to a sum, which is folded.
 * A negative errno when it fails.
 */
PART int add_part(struct __sk_buff *skb, struct kernel_cpu *cpu, uint32_t at, uint32_t bytes,
		  uint32_t sum)
{
	if (cpu == 0 || bytes == 0 || bytes > KERNEL_SUM_BYTES)
		return -EINVAL;
	uint8_t *part = cpu->work.part;
	*(uint32_t *)(void *)(part + (bytes & ~3u)) = 0;
	long error = load_bytes(skb, at, part, bytes);
	if (error != 0)
		return (int)error;
	return (int)fold((uint32_t)checksum_add(0, 0, part, (bytes + 3) & ~3u, sum));
}

/* Whether the UDP checksum is that of the packet (RFC 768): all of it adds up to ones. */
PART int is_whole(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	if (cpu == 0)
		return 0;
	uint32_t at = cpu->work.payload_at - UDP_BYTES;
	uint32_t end = cpu->work.payload_at + cpu->work.length;
	uint64_t pseudo_sum = cpu->work.pseudo_sum + NETWORK16((end - at) & 0xffffu);
	int sum = (int)fold(pseudo_sum + NETWORK16(IPPROTO_UDP));
	for (uint32_t i = 0; i < SUM_PARTS; i++) {
		if (at >= end || sum < 0)
			break;
		uint32_t left = end - at;
		uint32_t bytes = left < KERNEL_SUM_BYTES ? left : KERNEL_SUM_BYTES;
		sum = add_part(skb, cpu, at, bytes, (uint32_t)sum);
		at += KERNEL_SUM_BYTES;
	}
	return at >= end && sum == 0xffff;
}

/* The mode of a packet of which nothing is known, or a negative errno. */
INLINE long mode_of(struct __sk_buff *skb, const struct kernel_work *work)
{
	if (checksum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return CHECKSUM_WHOLE;
	if (checksum_update(skb, 0) >= 0)
		return CHECKSUM_SUMMED;
	long partial = is_partial(skb, work);
	return partial > 0 ? CHECKSUM_PARTIAL : partial < 0 ? partial : CHECKSUM_UNSEEN;
}

/*
 * Finds out how the checksum of the packet is to be treated. Returns why it has to go up: a wrong
 * one is not forwarded, and the socket counts it.
 */
INLINE int check_sum(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	long mode = 0;
	/* Most packets are as the one before. */
	if (work->checksum_mode == CHECKSUM_PARTIAL)
		mode = is_partial(skb, work) > 0 ? CHECKSUM_PARTIAL : 0;
	if (mode == 0)
		mode = mode_of(skb, work);
	if (mode < 0)
		return KERNEL_UP_MEMORY;
	work->checksum_mode = (uint32_t)mode;
	if (mode == CHECKSUM_WHOLE || mode == CHECKSUM_PARTIAL)
		return KERNEL_UP_NONE;
	return is_whole(skb, cpu) ? KERNEL_UP_NONE : KERNEL_UP_CHECKSUM;
}

#endif
