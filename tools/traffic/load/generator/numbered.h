/* Numbered packets: those of the exporters, each by its turn. */
#ifndef LOAD_GENERATOR_NUMBERED_H
#define LOAD_GENERATOR_NUMBERED_H

#include <stdint.h>

#define STREAMS_MAX 65536u

struct stream {
	uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint64_t sent;
};

extern struct stream streams[STREAMS_MAX];
extern uint32_t stream_count;

struct options;

/* Reads the exporters from standard input, to its end. */
void read_streams(void);

/* Writes numbered packet number so and so, of all exporters, into a frame of the burst. */
void write_numbered(const struct options *options, uint32_t index, uint64_t number);

#endif
