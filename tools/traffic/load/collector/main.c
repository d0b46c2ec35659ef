/*
 * Collector of the load tests: takes every UDP datagram that comes in over an interface (a ring of
 * packet(7)) and holds each numbered one against what the rules demand. It reports its own drops,
 * so that nobody is blamed for them.
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
 *     class NUMBER DESTINATION EVEN ODD
 *         packets of this class go to addresses of class DESTINATION, to these outputs (bit masks)
 *         under even and odd generations
 *     stream ADDRESS PORT CLASS
 *         the next exporter; the first is number 0
 *     buffer BYTES
 *         payloads arrive cut to this
 *     start
 *         starts to count
 *     report
 *         all counts
 *     reset
 *         latencies and gaps start anew
 *     finish SENT...
 *         ends: so many packets each exporter has sent. Then as report
 */
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "load/collector/commands.h"
#include "load/collector/ring.h"
#include "load/collector/stream.h"
#include "load/noise.h"
#include "shared/fail.h"
#include "shared/priority.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		refuse("needs the name of an interface");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A collector that has to wait for a core loses copies: it takes little of it. */
	if (become_real_time() < 0)
		fprintf(stderr, "collector: no real-time priority (%s)\n", strerror(errno));
	prepare_streams();
	make_noise();
	int ring_fd = open_ring(argv[1]);
	printf("{}\n");
	fflush(stdout);
	for (;;) {
		struct pollfd inputs[] = {{.fd = ring_fd, .events = POLLIN},
					  {.fd = STDIN_FILENO, .events = POLLIN}};
		if (poll(inputs, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		drain_ring();
		if (inputs[1].revents != 0 && !read_commands())
			return 0;
	}
}
