/* Holds each copy against the packet that was sent, and against what the rules demand. */
#ifndef LOAD_COLLECTOR_JUDGE_H
#define LOAD_COLLECTOR_JUDGE_H

#include <stdint.h>

#include "load/collector/copy.h"
#include "load/collector/stream.h"

/* Copies that arrived at one collector. */
struct destination {
	uint64_t copies;
	uint64_t bytes;
};

/* By family, last byte of the address and output. */
extern struct destination destinations[2][256][OUTPUTS];
/* When the last packet of each generation was sent. */
extern uint64_t last_sent_ns[GENERATIONS];
/* Payloads arrive cut to this. */
extern uint32_t buffer_bytes;
/* Whether copies count already. */
extern int is_counting;

void take_copy(const struct copy *copy);

#endif
