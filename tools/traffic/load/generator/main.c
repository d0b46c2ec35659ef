/*
 * Load generator: numbered UDP datagrams of many exporters at a given rate, and hostile packets
 * beside them, written to an interface as frames (packet(7)): any source address can be used.
 *
 * Reads its exporters from standard input, "ADDRESS PORT" a line, and sends when the input ends:
 * all exporters by turns. Ends after --count numbered packets, or with SIGTERM, and prints one line
 * of JSON: what it handed to the interface, by exporter and by kind. A packet that the interface
 * refused is not sent: its number goes to the next one.
 */
#include <stdio.h>
#include <sys/prctl.h>

#include "load/generator/burst.h"
#include "load/generator/numbered.h"
#include "load/generator/options.h"
#include "load/generator/pace.h"
#include "load/noise.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/link.h"
#include "shared/priority.h"
#include "shared/stop.h"

/* Between two bursts: fine enough for a receive queue not to notice, coarse enough to leave the
 * core to others. */
#define PAUSE_NS 250000u

/* What left, and what could not. */
struct outcome {
	struct pace numbered, hostile;
	uint64_t by_kind[KINDS];
	uint64_t refused;
};

/* After a signal the exporters' round is sent to its end: all have sent the same number then. */
static int is_over(struct pace *numbered)
{
	if (numbered->limit > 0 && numbered->sent >= numbered->limit)
		return 1;
	if (!is_stopped)
		return 0;
	if (stream_count == 0 || numbered->sent % stream_count == 0)
		return 1;
	numbered->limit = (numbered->sent / stream_count + 1) * stream_count;
	return 0;
}

/* Both get what they want, or half a burst. */
static void share_burst(uint32_t *first, uint32_t *second)
{
	if (*second > BURST_MAX - *first)
		*second = BURST_MAX - *first > BURST_MAX / 2 ? BURST_MAX - *first : BURST_MAX / 2;
	if (*first > BURST_MAX - *second)
		*first = BURST_MAX - *second;
}

/* Sends so many numbered and so many hostile packets in one burst. */
static void send_packets(const struct options *options, int fd, struct outcome *outcome,
			 uint32_t numbered, uint32_t hostile)
{
	enum kind kinds[BURST_MAX];
	uint64_t before = options->first * stream_count;
	for (uint32_t i = 0; i < numbered; i++)
		write_numbered(options, i, before + outcome->numbered.sent + i);
	for (uint32_t i = 0; i < hostile; i++)
		kinds[i] = write_hostile(options, numbered + i, outcome->hostile.sent + i);
	uint32_t taken = send_burst(fd, numbered + hostile, &outcome->refused);
	for (uint32_t i = 0; i < taken && i < numbered; i++)
		streams[outcome->numbered.sent++ % stream_count].sent++;
	for (uint32_t i = numbered; i < taken; i++) {
		outcome->by_kind[kinds[i - numbered]]++;
		outcome->hostile.sent++;
	}
}

static void print_outcome(const struct outcome *outcome, double seconds)
{
	printf("{\"numbered\": %llu, \"refused\": %llu, \"seconds\": %.6f, \"hostile\": {",
	       (unsigned long long)outcome->numbered.sent, (unsigned long long)outcome->refused,
	       seconds);
	for (uint32_t i = 0; i < KINDS; i++)
		printf("%s\"%s\": %llu", i == 0 ? "" : ", ", kind_names[i],
		       (unsigned long long)outcome->by_kind[i]);
	printf("}, \"streams\": [");
	for (uint32_t i = 0; i < stream_count; i++)
		printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)streams[i].sent);
	printf("]}\n");
}

static void run(const struct options *options, int fd)
{
	double started_ns = (double)clock_ns(CLOCK_MONOTONIC);
	struct outcome outcome = {
		.numbered = {stream_count == 0 ? -1 : options->rate, started_ns, 0, options->count},
		.hostile = {options->kind_count == 0 ? -1 : options->hostile_rate, started_ns, 0,
			    0},
	};
	while (!is_over(&outcome.numbered)) {
		double now_ns = (double)clock_ns(CLOCK_MONOTONIC);
		uint32_t numbered = due(&outcome.numbered, now_ns);
		uint32_t hostile = due(&outcome.hostile, now_ns);
		share_burst(&numbered, &hostile);
		if (numbered + hostile == 0) {
			struct timespec pause = {.tv_nsec = PAUSE_NS};
			clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
			continue;
		}
		send_packets(options, fd, &outcome, numbered, hostile);
	}
	print_outcome(&outcome, ((double)clock_ns(CLOCK_MONOTONIC) - started_ns) / NANOSECONDS);
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	stop_at(SIGTERM);
	stop_at(SIGINT);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1000);
	make_noise();
	read_streams();
	stay_on_core();
	/* A packet that waits between its time stamp and its way out would count as slow. */
	if (options.is_real_time && become_real_time() < 0)
		fail("sched_setscheduler");
	prepare_burst(&options);
	run(&options, open_writer(options.interface));
	return 0;
}
