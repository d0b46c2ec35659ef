/* What generator and judge agree on: the first 24 bytes of a payload whose time is taken. */
#ifndef PAYLOAD_TIMED_H
#define PAYLOAD_TIMED_H

#include <stdint.h>

/*
 * The size and version number of a NetFlow v5 header, which pmacct checks, or a NetFlow v9 message
 * with one set: where v9 has its source id, id and length of the set, so does this. All other
 * fields are our own. Network order, except where it is said.
 */
struct timed_header {
	uint16_t version;     /* 5 or 9 */
	uint16_t count;	      /* 0 */
	uint32_t sequence;    /* the socket filter of the judge reads it */
	uint64_t sent_at_ns;  /* CLOCK_REALTIME, host order; only set when the number is sampled */
	uint32_t address;     /* the last 32 bits of the exporter's address */
	uint16_t source_port; /* of the exporter; 0 in the templates of v9, which have no time */
	uint16_t rest;	      /* bytes of the payload from the source port on */
};
_Static_assert(sizeof(struct timed_header) == 24, "the least payload");

#define TIMED_VERSION 5u
#define TIMED_TEMPLATES_VERSION 9u
#define TIMED_SEQUENCE_AT 4u

/* One of so many packets is sampled for latency. A power of 2. */
#define SAMPLE_EVERY 8u

#endif
