/* What generator and judge agree on: the first 24 bytes of a payload whose time is taken. */
#ifndef PAYLOAD_TIMED_H
#define PAYLOAD_TIMED_H

#include <stdint.h>

/*
 * The size and version number of a NetFlow v5 header, which pmacct checks; all other fields are our
 * own. Host order, except where it is said.
 */
struct timed_header {
	uint16_t version;     /* 5, network order */
	uint16_t count;	      /* 0 */
	uint32_t address;     /* the last 32 bits of the exporter's address, network order */
	uint64_t sent_at_ns;  /* CLOCK_REALTIME; only set when the sequence number is sampled */
	uint32_t sequence;    /* network order: the socket filter of the judge reads it */
	uint32_t source_port; /* of the exporter */
};
_Static_assert(sizeof(struct timed_header) == 24, "the least payload");

#define TIMED_VERSION 5

/* One of so many packets is sampled for latency. A power of 2. */
#define SAMPLE_EVERY 8u

#endif
