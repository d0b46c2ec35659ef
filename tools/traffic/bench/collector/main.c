/*
 * Counting collector. It lets the kernel count: the interface counts every copy that arrives, and
 * the copies end there, because they are addressed to a MAC address that is nobody's. So a copy
 * costs the sender the same few nanoseconds whatever it came through, and nothing is missed.
 * Latency and sources are taken from samples, which are read when the run is over.
 */
/* clang-format off */
/*
 * Reads commands from standard input and answers each with one line of JSON:
 *
 *     sample INTERFACE CPU PID...    counters of the interface, of the core and of the processes
 *     record INTERFACE               starts taking samples
 *     report                         ends it: latency in nanoseconds, and whose sources they had
 */
/* clang-format on */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/collector/counters.h"
#include "bench/collector/recording.h"
#include "shared/fail.h"
#include "shared/priority.h"

#define LINE_BYTES 4096

static void obey(char *line, struct recording *recording)
{
	const char *command = strtok(line, " \n");
	if (command != NULL && strcmp(command, "sample") == 0) {
		const char *interface = strtok(NULL, " \n");
		const char *cpu = strtok(NULL, " \n");
		if (interface != NULL && cpu != NULL)
			print_counters(interface, cpu);
	} else if (command != NULL && strcmp(command, "record") == 0) {
		const char *interface = strtok(NULL, " \n");
		if (interface != NULL && recording->fd < 0)
			*recording = record(interface);
		printf("{}\n");
	} else if (command != NULL && strcmp(command, "report") == 0 && recording->fd >= 0) {
		end_recording(recording);
	} else {
		refuse("unknown command");
	}
}

int main(void)
{
	/* Shares its core with the generator, which never sleeps: a sample must not wait for it. */
	if (become_real_time() < 0)
		fprintf(stderr, "collector: no real-time priority (%s): times are less exact\n",
			strerror(errno));
	struct recording recording = {.fd = -1};
	char line[LINE_BYTES];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		obey(line, &recording);
		fflush(stdout);
	}
	return 0;
}
