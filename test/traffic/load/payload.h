/* What generator and collector agree on: the first 40 bytes of each numbered payload. Host order.
 */
#ifndef LOAD_PAYLOAD_H
#define LOAD_PAYLOAD_H

#include <stdint.h>
#include <string.h>

#define PAYLOAD_MAGIC 0x464c5859u

struct payload_header {
	uint32_t magic;
	uint32_t stream;     /* number of the exporter endpoint */
	uint32_t sequence;   /* of this exporter's packets, from 0 */
	uint16_t length;     /* of the whole payload */
	uint16_t port;	     /* of the exporter */
	uint64_t sent_at_ns; /* CLOCK_REALTIME */
	uint8_t source[16];  /* of the exporter; IPv4 as ::ffff:a.b.c.d */
};
_Static_assert(sizeof(struct payload_header) == 40, "the least numbered payload");

static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* What follows the header: a piece of one block, which begins at a place of the packet's own. */
#define NOISE_PLACES 4096u
#define NOISE_BYTES (65536u + NOISE_PLACES)

static inline void make_noise(uint8_t noise[NOISE_BYTES])
{
	uint32_t state = 1;
	for (uint32_t i = 0; i < NOISE_BYTES; i++) {
		state = state * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(state >> 24);
	}
}

static inline uint32_t noise_place(uint32_t stream, uint32_t sequence)
{
	return (stream * 2654435761u + sequence * 40503u) % NOISE_PLACES;
}

#endif
