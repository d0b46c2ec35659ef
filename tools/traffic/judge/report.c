#include "judge/report.h"

#include <stdint.h>
#include <stdio.h>

#include "judge/counts.h"
#include "judge/judge.h"
#include "judge/latency.h"
#include "judge/ring.h"

static void print_destinations(void)
{
	const char *separator = "";
	printf("\"destinations\": [");
	for (int family = 0; family < 2; family++) {
		for (uint32_t i = 0; i < 256 * OUTPUTS; i++) {
			const struct destination *at =
				&destinations[family][i / OUTPUTS][i % OUTPUTS];
			if (at->copies == 0)
				continue;
			printf("%s{\"family\": %d, \"host\": %u, \"output\": %u, \"copies\": %llu, "
			       "\"bytes\": %llu}",
			       separator, family == 0 ? 4 : 6, i / OUTPUTS, i % OUTPUTS,
			       (unsigned long long)at->copies, (unsigned long long)at->bytes);
			separator = ", ";
		}
	}
	printf("], ");
}

static void print_streams(void)
{
	printf("\"streams\": [");
	for (uint32_t i = 0; i < stream_count; i++) {
		const struct stream *stream = &streams[i];
		printf("%s{\"packets\": %llu, \"missing\": %llu, \"longestGapNs\": %llu}",
		       i == 0 ? "" : ", ", (unsigned long long)stream->packets,
		       (unsigned long long)stream->missing,
		       (unsigned long long)stream->longest_gap_ns);
	}
	printf("], ");
}

static void print_generations(void)
{
	const char *separator = "";
	printf("\"generations\": [");
	for (uint32_t i = 0; i < GENERATIONS; i++) {
		if (last_sent_ns[i] == 0)
			continue;
		/* Milliseconds: nanoseconds since 1970 do not fit a JSON number. */
		printf("%s{\"generation\": %u, \"lastSentAtMs\": %llu.%06llu}", separator, i,
		       (unsigned long long)(last_sent_ns[i] / 1000000),
		       (unsigned long long)(last_sent_ns[i] % 1000000));
		separator = ", ";
	}
	printf("], ");
}

static void print_count(const char *name, uint64_t count)
{
	printf("\"%s\": %llu, ", name, (unsigned long long)count);
}

void report(void)
{
	uint64_t packets = 0, missing = 0;
	for (uint32_t i = 0; i < stream_count; i++) {
		packets += streams[i].packets;
		missing += streams[i].missing;
	}
	printf("{");
	print_count("packets", packets);
	print_count("missing", missing);
	print_count("copies", counts.copies);
	print_count("bytes", counts.bytes);
	print_count("unnumbered", counts.unnumbered);
	print_count("fragments", counts.fragments);
	print_count("doubled", counts.doubled);
	print_count("disordered", counts.disordered);
	print_count("mixed", counts.mixed);
	print_count("stale", counts.stale);
	print_count("misrouted", counts.misrouted);
	print_count("damaged", counts.damaged);
	print_count("unknown", counts.unknown);
	print_count("incomplete", counts.incomplete);
	print_count("copiesMissing", counts.copies_missing);
	print_count("ringDrops", ring_drops());
	print_destinations();
	print_streams();
	print_generations();
	print_latencies();
	printf("}\n");
}
