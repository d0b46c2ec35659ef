/*
 * Generator: UDP datagrams of many exporters at a given rate, and hostile packets beside them,
 * written to an interface as frames (packet(7)): any source address can be used, and the sender's
 * own IP stack costs nothing. What it can be told: options.h.
 *
 * The exporters send by turns. It ends after --count packets, after --seconds, or with SIGTERM,
 * and prints one line of JSON: what it handed to the interface, by exporter when they were listed,
 * and by kind. A packet that the interface refused is not sent: its number goes to the next one.
 */
#include <stdio.h>
#include <sys/prctl.h>

#include "generator/burst.h"
#include "generator/numbered.h"
#include "generator/options.h"
#include "generator/pace.h"
#include "generator/streams.h"
#include "generator/timed.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/link.h"
#include "shared/noise.h"
#include "shared/priority.h"
#include "shared/record.h"
#include "shared/stop.h"

/* Between two bursts: fine enough for a receive queue not to notice, coarse enough to leave the
 * core to others. */
#define PAUSE_NS 250000u
/* Who sleeps in between needs no larger bursts, and hostile packets get a share of each. */
#define BURST_OF_SLEEPERS 32u

/* What left, and what could not. */
struct outcome {
	struct pace numbered, hostile;
	uint64_t by_kind[KINDS];
	uint64_t refused;
	double end_ns; /* 0 = not by time */
};

static double now(void)
{
	return (double)clock_ns(CLOCK_MONOTONIC);
}

/* After a signal the exporters' round is sent to its end: all have sent the same number then. */
static int is_over(struct outcome *outcome)
{
	struct pace *numbered = &outcome->numbered;
	if (numbered->limit > 0 && numbered->sent >= numbered->limit)
		return 1;
	if (outcome->end_ns > 0 && now() >= outcome->end_ns)
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
	const uint32_t burst = BURST_OF_SLEEPERS;
	if (*second > burst - *first)
		*second = burst - *first > burst / 2 ? burst - *first : burst / 2;
	if (*first > burst - *second)
		*first = burst - *second;
}

static void note_sent(const struct options *options, struct outcome *outcome, uint32_t count)
{
	uint64_t now_ns = options->records == NULL ? 0 : clock_ns(CLOCK_MONOTONIC);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = outcome->numbered.sent++;
		struct stream *stream = &streams[number % stream_count];
		if (options->records != NULL)
			write_record(&(struct record){
				.exporter = (uint16_t)(number % stream_count),
				.sequence = (uint32_t)(options->first + stream->sent),
				.nanoseconds = now_ns,
			});
		stream->sent++;
	}
}

/* Sends so many of the exporters' and so many hostile packets in one burst. */
static void send_packets(const struct options *options, int fd, struct outcome *outcome,
			 uint32_t numbered, uint32_t hostile)
{
	enum kind kinds[BURST_MAX];
	uint64_t next = options->first * stream_count + outcome->numbered.sent;
	for (uint32_t i = 0; i < numbered; i++)
		(options->is_timed ? write_timed : write_numbered)(options, i, next + i);
	for (uint32_t i = 0; i < hostile; i++)
		kinds[i] = write_hostile(options, numbered + i, outcome->hostile.sent + i);
	uint64_t refused = outcome->refused;
	uint32_t taken = send_burst(fd, numbered + hostile, &outcome->refused);
	if (options->is_sleepless)
		outcome->numbered.given_up += outcome->refused - refused;
	note_sent(options, outcome, taken < numbered ? taken : numbered);
	for (uint32_t i = numbered; i < taken; i++) {
		outcome->by_kind[kinds[i - numbered]]++;
		outcome->hostile.sent++;
	}
}

static void print_outcome(const struct options *options, const struct outcome *outcome,
			  double seconds)
{
	printf("{\"numbered\": %llu, \"refused\": %llu, \"seconds\": %.6f, \"hostile\": {",
	       (unsigned long long)outcome->numbered.sent, (unsigned long long)outcome->refused,
	       seconds);
	for (uint32_t i = 0; i < KINDS; i++)
		printf("%s\"%s\": %llu", i == 0 ? "" : ", ", kind_names[i],
		       (unsigned long long)outcome->by_kind[i]);
	printf("}, \"streams\": [");
	for (uint32_t i = 0; i < stream_count && options->pattern.exporters == 0; i++)
		printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)streams[i].sent);
	printf("]}\n");
}

/* Sends what is due, or waits a moment. */
static void take_turn(const struct options *options, int fd, struct outcome *outcome)
{
	double now_ns = now();
	if (options->is_sleepless) {
		double end_ns = outcome->end_ns > 0 ? outcome->end_ns : now_ns + NANOSECONDS;
		uint32_t count = wait_for_due(&outcome->numbered, end_ns, BURST_MAX);
		if (count > 0)
			send_packets(options, fd, outcome, count, 0);
		return;
	}
	uint32_t numbered = due(&outcome->numbered, now_ns, BURST_OF_SLEEPERS);
	uint32_t hostile = due(&outcome->hostile, now_ns, BURST_OF_SLEEPERS);
	share_burst(&numbered, &hostile);
	if (numbered + hostile > 0) {
		send_packets(options, fd, outcome, numbered, hostile);
		return;
	}
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void run(const struct options *options, int fd)
{
	double started_ns = now();
	struct outcome outcome = {
		.numbered = {stream_count == 0 ? -1 : options->rate, started_ns, 0, options->count,
			     0},
		.hostile = {options->kind_count == 0 ? -1 : options->hostile_rate, started_ns, 0, 0,
			    0},
		.end_ns = options->seconds > 0 ? started_ns + options->seconds * NANOSECONDS : 0,
	};
	while (!is_over(&outcome)) {
		take_turn(options, fd, &outcome);
		if (options->records != NULL)
			flush_records(clock_ns(CLOCK_MONOTONIC));
	}
	print_outcome(options, &outcome, (now() - started_ns) / NANOSECONDS);
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	stop_at(SIGTERM);
	stop_at(SIGINT);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1000);
	make_noise();
	if (options.pattern.exporters > 0)
		make_streams(&options.pattern);
	else
		read_streams();
	if (options.records != NULL)
		open_records(options.records);
	stay_on_core();
	/* A packet that waits between its time stamp and its way out would count as slow. */
	if (options.is_real_time && become_real_time() < 0)
		fail("sched_setscheduler");
	prepare_burst(&options);
	run(&options, open_writer(options.interface));
	return options.records == NULL || close_records() ? 0 : 1;
}
