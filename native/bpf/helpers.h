/* What a program in the kernel has instead of a C library: bpf-helpers(7). */
#ifndef BPF_HELPERS_H
#define BPF_HELPERS_H

#include <linux/bpf.h>

#include "bpf_types.h"

#define INLINE static inline __attribute__((always_inline))
/* What most packets do is in line: on many processors a return costs more than what it returns. */
#define FUNCTION static __attribute__((noinline))
/*
 * The verifier looks at these once and for themselves, whoever calls them, and knows of what
 * pointers lead to only how large it is.
 */
#define PART __attribute__((noinline))

/* A register of its own: what is checked of it is what is used. */
#define HIDE(value) __asm__ volatile("" : "+r"(value))

#define READ_ONCE(place) (*(const volatile __typeof__(place) *)&(place))

/*
 * Reads before it are done before those that follow. Processors of x86 keep that order; for others
 * an atomic operation whose result is used is a barrier (Linux' memory model, as BPF has it).
 */
#ifdef READS_IN_ORDER
#define READ_BARRIER(word) ((void)&(word))
#else
#define READ_BARRIER(word)                                                                         \
	do {                                                                                       \
		uint64_t before = __sync_fetch_and_add(&(word), 0);                                \
		HIDE(before);                                                                      \
	} while (0)
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NETWORK16(value) __builtin_bswap16(value)
#define NETWORK32(value) __builtin_bswap32(value)
#else
#define NETWORK16(value) ((uint16_t)(value))
#define NETWORK32(value) ((uint32_t)(value))
#endif

/* Maps are made by the loader, which finds them by these names. */
struct map;

static void *(*const map_lookup)(struct map *map,
				 const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static uint64_t (*const clock_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static uint64_t (*const coarse_clock_ns)(void) = (void *)BPF_FUNC_ktime_get_coarse_ns;
static uint64_t (*const jiffies)(void) = (void *)BPF_FUNC_jiffies64;
static uint32_t (*const processor)(void) = (void *)BPF_FUNC_get_smp_processor_id;
static void *(*const ring_reserve)(struct map *ring, uint64_t bytes,
				   uint64_t flags) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*const ring_submit)(void *record, uint64_t flags) = (void *)BPF_FUNC_ringbuf_submit;
static long (*const load_bytes)(const void *skb, uint32_t offset, void *to,
				uint32_t bytes) = (void *)BPF_FUNC_skb_load_bytes;
static long (*const store_bytes)(struct __sk_buff *skb, uint32_t offset, const void *from,
				 uint32_t bytes, uint64_t flags) = (void *)BPF_FUNC_skb_store_bytes;
static long (*const pull_data)(struct __sk_buff *skb,
			       uint32_t bytes) = (void *)BPF_FUNC_skb_pull_data;
static long (*const change_tail)(struct __sk_buff *skb, uint32_t bytes,
				 uint64_t flags) = (void *)BPF_FUNC_skb_change_tail;
static long (*const change_proto)(struct __sk_buff *skb, uint16_t protocol,
				  uint64_t flags) = (void *)BPF_FUNC_skb_change_proto;
static long (*const l4_replace)(struct __sk_buff *skb, uint32_t offset, uint64_t from, uint64_t to,
				uint64_t flags) = (void *)BPF_FUNC_l4_csum_replace;
static long (*const checksum_update)(struct __sk_buff *skb,
				     uint32_t sum) = (void *)BPF_FUNC_csum_update;
static long (*const checksum_level)(struct __sk_buff *skb,
				    uint64_t level) = (void *)BPF_FUNC_csum_level;
static long (*const checksum_add)(const uint32_t *from, uint32_t from_bytes, const void *to,
				  uint32_t to_bytes, uint32_t sum) = (void *)BPF_FUNC_csum_diff;
static long (*const clone_redirect)(struct __sk_buff *skb, uint32_t link,
				    uint64_t flags) = (void *)BPF_FUNC_clone_redirect;
static long (*const redirect)(uint32_t link, uint64_t flags) = (void *)BPF_FUNC_redirect;

extern struct map cpus, holds, addresses, paths, tables, states, rings;

#endif
