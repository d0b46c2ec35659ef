/*
 * Judge: takes every UDP datagram that comes in over interfaces (rings of packet(7)) and holds each
 * numbered one against what the rules demand. It reports its own drops, so that nobody is blamed
 * for them. For benchmarks it lets the kernel count, and takes the time of samples only.
 */
/* clang-format off */
/*
 * What a copy is for, its destination tells:
 *
 *     last byte of the address    class * 16 + member of the output
 *     port                        20000 + generation of the rules * 4 + output
 *
 * A packet has to reach, once each, the outputs of its class under one generation, even or odd.
 *
 * Reads commands from standard input and answers each with one line of JSON:
 *
 *     listen INTERFACE
 *         takes what comes in over it; the first one is way 1
 *     class NUMBER DESTINATION EVEN ODD
 *         packets of this class go to addresses of class DESTINATION, to these outputs (bit masks)
 *         under even and odd generations
 *     stream ADDRESS PORT CLASS
 *         the next exporter; the first is number 0
 *     buffer BYTES
 *         payloads arrive cut to this
 *     records FILE
 *         writes down each numbered copy that is as it was sent (shared/record.h)
 *     start
 *         starts to count
 *     report
 *         all counts
 *     reset
 *         latencies and gaps start anew
 *     finish SENT...
 *         ends: so many packets each exporter has sent. Then as report
 *     counters INTERFACE CPU PID...
 *         those that the kernel keeps of the interface, of the core and of the processes
 *     samples INTERFACE
 *         starts to take samples of timed packets
 *     latencies
 *         ends it: latency in nanoseconds, and whose sources they had
 */
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "judge/commands.h"
#include "judge/ring.h"
#include "judge/stream.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/noise.h"
#include "shared/priority.h"
#include "shared/record.h"

/* So often who reads the records sees new ones. */
#define RECORDS_MS 20

/* An interface that goes down is an error of its ring, until somebody asks. It may come up again.
 */
static void forget_error(int fd)
{
	int error;
	socklen_t bytes = sizeof(error);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
}

/* Waits until something comes. Returns whether it is a command. */
static int wait_for_input(void)
{
	struct pollfd inputs[1 + RINGS_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	for (uint32_t i = 0; i < ring_count; i++)
		inputs[1 + i] = (struct pollfd){.fd = ring_fds[i], .events = POLLIN};
	if (poll(inputs, 1 + ring_count, has_records() ? RECORDS_MS : -1) < 0 && errno != EINTR)
		fail("poll");
	for (uint32_t i = 0; i < ring_count; i++)
		if ((inputs[1 + i].revents & POLLERR) != 0)
			forget_error(ring_fds[i]);
	return inputs[0].revents != 0;
}

int main(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Who has to wait for a core loses copies, and samples late: it takes little of it. */
	if (become_real_time() < 0)
		fprintf(stderr, "judge: no real-time priority (%s)\n", strerror(errno));
	prepare_streams();
	make_noise();
	for (;;) {
		int has_command = wait_for_input();
		drain_rings();
		if (has_records())
			flush_records(clock_ns(CLOCK_MONOTONIC));
		if (has_command && !read_commands())
			return !has_records() || close_records() ? 0 : 1;
	}
}
