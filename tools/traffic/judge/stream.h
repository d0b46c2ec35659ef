/*
 * Numbered packets of one exporter: a window of those under way says which outputs got each of
 * them. What leaves the window is held against what its class demands.
 */
#ifndef JUDGE_STREAM_H
#define JUDGE_STREAM_H

#include <stdint.h>

#include "judge/copy.h"

/* Of copies: what their destination port tells. */
#define FIRST_PORT 20000u
#define OUTPUTS 4u
#define GENERATIONS 4096u

#define CLASSES 16u
#define STREAMS_MAX 65536u

struct class
{
	uint8_t destination;
	uint8_t outputs[2]; /* bit masks, under even and odd generations */
};

struct packet;

struct stream {
	uint8_t source[16];
	uint16_t port;
	uint8_t class;
	struct packet *window; /* by sequence */
	uint64_t first;	       /* sequence of the oldest packet in the window */
	uint64_t end;	       /* after the newest packet that arrived */
	uint16_t generation;   /* of the last copy */
	uint64_t packets;      /* that arrived anywhere */
	uint64_t missing;      /* that arrived nowhere */
	uint64_t last_ns;      /* arrival of the last copy */
	uint64_t longest_gap_ns;
	/* By family (IPv4, IPv6), output and member: after the last sequence. */
	uint64_t next[2][OUTPUTS][16];
};

extern struct class classes[CLASSES];
extern struct stream *streams;
extern uint32_t stream_count;

void prepare_streams(void);

/* The next exporter. Returns 0 when the address is none, or there are too many. */
int add_stream(const char *address, uint16_t port, uint32_t class);

/* One more copy of the stream's packet of this sequence has arrived. */
void judge_copy(struct stream *stream, const struct copy *copy, uint64_t sequence);

/* So many were sent, and nothing is under way any more: judges what is in the window still. */
void end_stream(struct stream *stream, uint64_t sent);

#endif
