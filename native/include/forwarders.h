/*
 * Which forwarder gets the packets of an exporter: always the same one, from its sockets as from
 * the program in the kernel, so that its sequence numbers are in one place and its packets in
 * order.
 *
 * Plain C without pointers, with what the instructions of classic BPF can do.
 */
#ifndef FORWARDERS_H
#define FORWARDERS_H

#ifdef __BPF__
#include "bpf_types.h"
#else
#include <stdint.h>
#endif

#define FORWARDER_FACTOR 0x9e3779b1u
#define FORWARDER_SHIFT 15u
#define FORWARDER_FACTOR2 0x85ebca6bu
#define FORWARDER_SHIFT2 13u

/* Of an IPv4 address, which is behind this word of ::ffff:0:0/96. */
#define FORWARDER_MAPPED 0xffffu

/*
 * address: the four words of the address as in the table, in host order, combined by exclusive or.
 * port: in host order. count: of forwarders, at least 1.
 */
static inline uint32_t forwarder_of(uint32_t address, uint32_t port, uint32_t count)
{
	uint32_t hash = address * FORWARDER_FACTOR + port;
	hash = (hash ^ hash >> FORWARDER_SHIFT) * FORWARDER_FACTOR2;
	return (hash ^ hash >> FORWARDER_SHIFT2) % count;
}

#endif
