/* What must not be, and what else there is to count; of all streams together. */
#ifndef JUDGE_COUNTS_H
#define JUDGE_COUNTS_H

#include <stdint.h>

struct counts {
	uint64_t copies, bytes, unnumbered, fragments;
	uint64_t doubled, disordered, mixed, stale, misrouted, damaged, unknown;
	uint64_t incomplete; /* packets that not all outputs got */
	uint64_t copies_missing;
};

extern struct counts counts;

#endif
