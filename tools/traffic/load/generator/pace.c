#include "load/generator/pace.h"

#include "load/generator/burst.h"
#include "shared/clock.h"

/* What could not be sent in time is not sent in one burst later. */
#define LAG_MAX_NS 20000000.0

uint32_t due(struct pace *pace, double now_ns)
{
	uint32_t left = BURST_MAX;
	if (pace->limit > 0 && pace->limit - pace->sent < left)
		left = (uint32_t)(pace->limit - pace->sent);
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
