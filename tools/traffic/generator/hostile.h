/* Packets that no exporter in its right mind sends. */
#ifndef GENERATOR_HOSTILE_H
#define GENERATOR_HOSTILE_H

#include <stdint.h>

/* Shorter payloads have their checksum verified before a socket is chosen (CHECKSUM_BREAK of the
 * kernel), so no socket counts them. */
#define STORM_BYTES 200u

enum kind {
	STORM,	   /* a random source each */
	EMPTY,	   /* no payload */
	LARGEST,   /* as large as the interface takes */
	FRAGMENT,  /* the first fragment of a datagram whose rest never comes */
	CHECKSUM,  /* a wrong UDP checksum */
	TEMPLATES, /* of NetFlow v9, from a random source and domain each; every fourth is malformed
		    */
	KINDS,
};
extern const char *const kind_names[KINDS];

struct options;

/* Writes hostile packet number so and so into a frame of the burst. Returns what it is. */
enum kind write_hostile(const struct options *options, uint32_t index, uint64_t number);

#endif
