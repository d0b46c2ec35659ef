#include "load/collector/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/collector/judge.h"
#include "load/collector/latency.h"
#include "load/collector/report.h"
#include "shared/fail.h"

#define LINE_BYTES (1u << 20)

static int obey_class(void)
{
	const char *text[4];
	for (int i = 0; i < 4; i++)
		if ((text[i] = strtok(NULL, " \n")) == NULL)
			return 0;
	struct class *class = &classes[(uint32_t)atoi(text[0]) % CLASSES];
	class->destination = (uint8_t)atoi(text[1]);
	class->outputs[0] = (uint8_t)atoi(text[2]);
	class->outputs[1] = (uint8_t)atoi(text[3]);
	return 1;
}

static int obey_stream(void)
{
	const char *address = strtok(NULL, " \n");
	const char *port = strtok(NULL, " \n");
	const char *class = strtok(NULL, " \n");
	return class != NULL && add_stream(address, (uint16_t)atoi(port), (uint32_t)atoi(class));
}

static int obey_buffer(void)
{
	const char *bytes = strtok(NULL, " \n");
	if (bytes == NULL)
		return 0;
	buffer_bytes = (uint32_t)atoi(bytes);
	return 1;
}

static void reset(void)
{
	reset_latencies();
	for (uint32_t i = 0; i < stream_count; i++)
		streams[i].longest_gap_ns = 0;
}

static int finish(void)
{
	for (uint32_t i = 0; i < stream_count; i++) {
		const char *sent = strtok(NULL, " \n");
		if (sent == NULL)
			return 0;
		end_stream(&streams[i], strtoull(sent, NULL, 10));
	}
	report();
	return 1;
}

static int obey(char *line)
{
	const char *command = strtok(line, " \n");
	if (command == NULL)
		return 0;
	if (strcmp(command, "report") == 0) {
		report();
		return 1;
	}
	if (strcmp(command, "finish") == 0)
		return finish();
	int is_done = 1;
	if (strcmp(command, "class") == 0) {
		is_done = obey_class();
	} else if (strcmp(command, "stream") == 0) {
		is_done = obey_stream();
	} else if (strcmp(command, "buffer") == 0) {
		is_done = obey_buffer();
	} else if (strcmp(command, "start") == 0) {
		is_counting = 1;
	} else if (strcmp(command, "reset") == 0) {
		reset();
	} else {
		is_done = 0;
	}
	if (is_done)
		printf("{}\n");
	return is_done;
}

/* Keeps what is no whole line yet for the next time. */
int read_commands(void)
{
	static char text[LINE_BYTES];
	static size_t length;
	ssize_t got = read(STDIN_FILENO, text + length, sizeof(text) - 1 - length);
	if (got <= 0)
		return 0;
	length += (size_t)got;
	text[length] = '\0';
	char *line = text;
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (!obey(line))
			refuse("bad command");
		fflush(stdout);
	}
	length -= (size_t)(line - text);
	memmove(text, line, length);
	return 1;
}
