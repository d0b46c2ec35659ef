/* A clock by which packets fall due. */
#ifndef GENERATOR_PACE_H
#define GENERATOR_PACE_H

#include <stdint.h>

struct pace {
	double rate; /* 0 = a burst is always due, less than 0 = never */
	double started_ns;
	uint64_t sent;
	uint64_t limit; /* 0 = none */
	/* Packets that were refused fall due no more: what is not sent in time is not sent later.
	 */
	uint64_t given_up;
};

/* How many packets are due now, a burst at most. */
uint32_t due(struct pace *pace, double now_ns, uint32_t burst);

/*
 * Waits, without sleep, until so many are due that bursts leave at even distances, or until a time
 * or a signal. What falls due meanwhile is made up for, however late.
 */
uint32_t wait_for_due(const struct pace *pace, double end_ns, uint32_t burst);

#endif
