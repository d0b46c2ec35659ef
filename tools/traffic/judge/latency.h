/* How long copies took. */
#ifndef JUDGE_LATENCY_H
#define JUDGE_LATENCY_H

#include <stdint.h>

void add_latency(uint64_t ns);

/* Prints how many there are, the median, the 99th percentile and the longest. */
void print_latencies(void);

/* Forgets all. */
void reset_latencies(void);

#endif
