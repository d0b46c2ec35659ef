#include "judge/counters.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/fail.h"

static int read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	if (file == NULL)
		return 0;
	size_t length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return length > 0;
}

/* Nanoseconds that all threads of a process have run: /proc/PID/schedstat is only of the first. */
static unsigned long long run_ns(const char *pid)
{
	char path[512], text[256];
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	DIR *threads = opendir(path);
	if (threads == NULL)
		return 0;
	unsigned long long total = 0;
	for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
		unsigned long long ns = 0;
		snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, thread->d_name);
		if (thread->d_name[0] != '.' && read_text(path, text, sizeof(text)) &&
		    sscanf(text, "%llu", &ns) == 1)
			total += ns;
	}
	closedir(threads);
	return total;
}

static void print_process(const char *pid, int is_first)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (read_text(path, text, sizeof(text))) {
		/* The name may hold blanks and parentheses; what follows it does not. */
		const char *rest = strrchr(text, ')');
		if (rest != NULL)
			sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			       &user, &system);
	}
	printf("%s{\"pid\": %s, \"runNs\": %llu, \"userTicks\": %lu, \"systemTicks\": %lu}",
	       is_first ? "" : ", ", pid, run_ns(pid), user, system);
}

static void print_interface(const char *interface)
{
	char text[65536];
	unsigned long long bytes = 0, packets = 0, dropped = 0;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), " %s:", interface);
	if (!read_text("/proc/self/net/dev", text, sizeof(text)))
		fail("/proc/self/net/dev");
	const char *line = strstr(text, wanted);
	if (line == NULL ||
	    sscanf(line + strlen(wanted), "%llu %llu %*u %llu", &bytes, &packets, &dropped) != 3)
		fail(interface);
	printf("\"packets\": %llu, \"bytes\": %llu, \"dropped\": %llu", packets, bytes, dropped);
}

static void print_core(const char *cpu)
{
	char text[65536], wanted[64];
	unsigned long long ticks[8] = {0};
	snprintf(wanted, sizeof(wanted), "cpu%s ", cpu);
	if (!read_text("/proc/stat", text, sizeof(text)))
		fail("/proc/stat");
	const char *line = strstr(text, wanted);
	if (line == NULL || sscanf(line + strlen(wanted), "%llu %llu %llu %llu %llu %llu %llu %llu",
				   &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5],
				   &ticks[6], &ticks[7]) != 8)
		fail("no such core in /proc/stat");
	printf("\"core\": {\"idleTicks\": %llu, \"stealTicks\": %llu}", ticks[3] + ticks[4],
	       ticks[7]);
}

void print_counters(const char *interface, const char *cpu)
{
	printf("{\"seconds\": %.9f, ", (double)clock_ns(CLOCK_MONOTONIC) / NANOSECONDS);
	print_interface(interface);
	printf(", ");
	print_core(cpu);
	printf(", \"processes\": [");
	int is_first = 1;
	for (const char *pid; (pid = strtok(NULL, " \n")) != NULL; is_first = 0)
		print_process(pid, is_first);
	printf("]}\n");
}
