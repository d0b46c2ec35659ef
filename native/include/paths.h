/*
 * The path table: by which link, and to which neighbour, copies to an address leave, for whoever
 * makes whole Ethernet frames. One flat file of shared memory, which control writes of what the
 * kernel tells it (rtnetlink(7)) and everything that moves packets reads:
 *
 *     struct paths_header
 *     struct path[PATHS_MAX - 1]     indexes 1 to PATHS_MAX - 1; a header is as large as a path
 *
 * The collectors of the forwarding table name their path by its index (TABLE_COLLECTOR_PATH_SHIFT).
 * A path is written while others read it, without locks:
 *
 *     writer: changes + 1, which is odd; everything else; changes + 1
 *     reader: changes, everything else, changes once more: there is no path when they are odd or
 * not the same
 *
 * so a reader has frame and MTU of one link, which belonged together at that moment. Who has no
 * path sends through the kernel's own way, which has an answer for everything.
 *
 * Plain C without pointers, for packet I/O and programs in the kernel. TypeScript's constants are
 * generated from it (npm run build:layout). Whoever changes a meaning raises PATHS_LAYOUT. Words
 * are in host order.
 */
#ifndef PATHS_H
#define PATHS_H

#ifdef __BPF__
#include "bpf_types.h"
#else
#include <stdint.h>
#endif

#define PATHS_MAGIC 0x46585031u /* "FXP1" */
#define PATHS_LAYOUT 1u

#define PATHS_MAX 65536u /* an index fits 16 bits */

/* paths_header.users: who may make frames. The others send as if there were no paths. */
#define PATHS_SENDER 1u /* the sender of the socket engine */
#define PATHS_KERNEL 2u /* the program in the kernel */

/*
 * When control has not looked for so long, it is no more, and what it has written may be wrong:
 * nobody makes frames. The kernel itself relies on a neighbour for about this long without asking
 * it.
 */
#define PATHS_STALE_MS 30000u

struct paths_header {
	uint32_t magic;
	uint32_t layout;
	uint64_t looked_ms; /* when control has looked last, on CLOCK_MONOTONIC */
	uint32_t users;
	uint32_t reserved[3];
};

#define PATH_FRAME_BYTES 14u

/* Several next hops share what goes to an address, at most this many rows. */
#define PATH_HOPS_MAX 64u

struct path {
	uint32_t link; /* index of the interface; 0: there is no path at the moment */
	uint32_t mtu;  /* bytes of the largest IP packet */
	/* The Ethernet header: next hop, own address, EtherType of the address's family. */
	uint8_t frame[PATH_FRAME_BYTES];
	/*
	 * 0: this is the only next hop. Else packets of exporter e go by row first_hop +
	 * path_hash(e) % hops, which has its own link and no hops of its own; a hop that has no
	 * link at the moment is none.
	 */
	uint16_t hops;
	uint32_t first_hop;
	uint32_t changes; /* odd while the row is being written */
};
_Static_assert(sizeof(struct path) == sizeof(struct paths_header), "row 0 is the header");

/* Which of several next hops an exporter's packets take: by its address alone, 16 bytes. */
static inline uint32_t path_hash(const uint32_t address[4])
{
	uint32_t hash = 0;
	for (int i = 0; i < 4; i++)
		hash = (hash ^ address[i]) * 0x9e3779b1u;
	/* The last step of MurmurHash3: every bit of the sum changes all bits. */
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

#endif
