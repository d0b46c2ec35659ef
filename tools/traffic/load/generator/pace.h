/* A clock by which packets fall due. */
#ifndef LOAD_GENERATOR_PACE_H
#define LOAD_GENERATOR_PACE_H

#include <stdint.h>

struct pace {
	double rate; /* 0 = a burst is always due, less than 0 = never */
	double started_ns;
	uint64_t sent;
	uint64_t limit; /* 0 = none */
};

/* How many packets are due now, a burst at most. */
uint32_t due(struct pace *pace, double now_ns);

#endif
