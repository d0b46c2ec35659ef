#include "judge/latency.h"

#include <stdio.h>
#include <string.h>

/* Latencies are counted in buckets: 32 for each power of 2. */
#define BUCKET_BITS 5u
#define BUCKETS (64u << BUCKET_BITS)

static uint64_t latencies[BUCKETS];
static uint64_t latency_count, latency_max;

static uint32_t bucket_of(uint64_t value)
{
	if (value < 1u << BUCKET_BITS)
		return (uint32_t)value;
	uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
	uint32_t shift = power - BUCKET_BITS;
	return ((shift + 1) << BUCKET_BITS) +
	       (uint32_t)((value >> shift) & ((1u << BUCKET_BITS) - 1));
}

static uint64_t bucket_end(uint32_t bucket)
{
	uint32_t shift = bucket >> BUCKET_BITS;
	uint64_t low = bucket & ((1u << BUCKET_BITS) - 1);
	return shift == 0 ? low : ((low + (1u << BUCKET_BITS) + 1) << (shift - 1)) - 1;
}

void add_latency(uint64_t ns)
{
	latencies[bucket_of(ns)]++;
	latency_count++;
	if (ns > latency_max)
		latency_max = ns;
}

static uint64_t quantile(double share)
{
	uint64_t rank = (uint64_t)(share * (double)latency_count);
	uint64_t seen = 0;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		seen += latencies[i];
		if (seen > rank)
			return bucket_end(i) < latency_max ? bucket_end(i) : latency_max;
	}
	return latency_max;
}

void print_latencies(void)
{
	printf("\"latency\": {\"count\": %llu, \"p50Ns\": %llu, \"p99Ns\": %llu, \"maxNs\": %llu}",
	       (unsigned long long)latency_count, (unsigned long long)quantile(0.5),
	       (unsigned long long)quantile(0.99), (unsigned long long)latency_max);
}

void reset_latencies(void)
{
	memset(latencies, 0, sizeof(latencies));
	latency_count = latency_max = 0;
}
