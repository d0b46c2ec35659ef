#include "generator/pace.h"

#include "shared/clock.h"
#include "shared/stop.h"

/* What could not be sent in time is not sent in one burst later. */
#define LAG_MAX_NS 20000000.0
/* Of those that wait without sleep: at even distances, yet with few system calls. */
#define BURSTS_PER_SECOND 25000.0

/* Packets until the limit, a burst at most. */
static uint32_t left_of(const struct pace *pace, uint32_t burst)
{
	if (pace->limit > 0 && pace->limit - pace->sent < burst)
		return (uint32_t)(pace->limit - pace->sent);
	return burst;
}

uint32_t due(struct pace *pace, double now_ns, uint32_t burst)
{
	uint32_t left = left_of(pace, burst);
	if (pace->rate < 0)
		return 0;
	if (pace->rate == 0)
		return left;
	double lag_ns = now_ns - pace->started_ns - (double)pace->sent / pace->rate * NANOSECONDS;
	if (lag_ns > LAG_MAX_NS)
		pace->started_ns += lag_ns - LAG_MAX_NS;
	double count = lag_ns * pace->rate / NANOSECONDS;
	return count <= 0 ? 0 : count < left ? (uint32_t)count : left;
}

uint32_t wait_for_due(const struct pace *pace, double end_ns, uint32_t burst)
{
	uint32_t left = left_of(pace, burst);
	if (pace->rate == 0)
		return left;
	double least = pace->rate / BURSTS_PER_SECOND;
	least = least < 1 ? 1 : least > left ? left : least;
	for (;;) {
		double now_ns = (double)clock_ns(CLOCK_MONOTONIC);
		double elapsed_ns = now_ns - pace->started_ns;
		double count = elapsed_ns * pace->rate / NANOSECONDS -
			       (double)(pace->sent + pace->given_up);
		if (count >= least || now_ns >= end_ns || is_stopped)
			return count >= left ? left : count > 0 ? (uint32_t)count : 0;
	}
}
