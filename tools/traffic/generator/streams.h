/* Who sends: exporter endpoints, which take turns. */
#ifndef GENERATOR_STREAMS_H
#define GENERATOR_STREAMS_H

#include <stdint.h>

#define STREAMS_MAX 65536u

struct stream {
	uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint64_t sent;
};

extern struct stream streams[STREAMS_MAX];
extern uint32_t stream_count;

/* Many exporters, counted up instead of listed. */
struct pattern {
	uint8_t first[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint32_t exporters;
	uint32_t addresses; /* exporter addresses there are */
};

/* Reads the exporters from standard input, to its end: "ADDRESS PORT" a line. */
void read_streams(void);

/*
 * Makes them: the address of each is taken from all there are, spread evenly; with more exporters
 * than addresses they share addresses and differ in ports.
 */
void make_streams(const struct pattern *pattern);

#endif
