/*
 * What generator and judge agree on: the first 40 bytes of each numbered payload, in host order.
 */
#ifndef PAYLOAD_NUMBERED_H
#define PAYLOAD_NUMBERED_H

#include <stdint.h>

#define NUMBERED_MAGIC 0x464c5859u

struct numbered_header {
	uint32_t magic;
	uint32_t stream;     /* number of the exporter endpoint */
	uint32_t sequence;   /* of this exporter's packets, from 0 */
	uint16_t length;     /* of the whole payload */
	uint16_t port;	     /* of the exporter */
	uint64_t sent_at_ns; /* CLOCK_REALTIME */
	uint8_t source[16];  /* of the exporter; IPv4 as ::ffff:a.b.c.d */
};
_Static_assert(sizeof(struct numbered_header) == 40, "the least numbered payload");

#endif
