/* A copy as it came, with all that is needed to judge it. */
#ifndef JUDGE_COPY_H
#define JUDGE_COPY_H

#include <stdint.h>

struct copy {
	uint16_t way; /* the ring it came through, from 1 */
	int family;   /* 0 = IPv4, 1 = IPv6 */
	uint8_t source[16];
	uint16_t source_port;
	uint8_t host; /* last byte of the destination address */
	uint16_t destination_port;
	const uint8_t *payload;
	uint32_t length;    /* of the payload, as the UDP header says */
	uint32_t available; /* of it in this frame; less when it is a fragment */
	uint64_t arrived_ns;
};

enum content {
	COPY,
	LATER_FRAGMENT, /* of a copy, after its first */
	OTHER,		/* no UDP, or not whole */
};

/* Reads a packet, from its IP header. */
enum content read_copy(const uint8_t *ip, uint32_t bytes, struct copy *copy);

#endif
