/* Holds each copy against the packet that was sent, and against what the rules demand. */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include <stdint.h>

#include "judge/copy.h"
#include "judge/stream.h"

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
