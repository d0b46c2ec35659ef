#include "judge/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/counters.h"
#include "judge/judge.h"
#include "judge/latency.h"
#include "judge/report.h"
#include "judge/ring.h"
#include "judge/samples.h"
#include "shared/fail.h"
#include "shared/record.h"

#define LINE_BYTES (1u << 20)

/* What a command makes of its words. */
enum answer {
	BAD,  /* they mean nothing */
	DONE, /* nothing is to be said but that */
	SAID, /* it has printed its line */
};

static char *next_word(void)
{
	return strtok(NULL, " \n");
}

static enum answer obey_listen(void)
{
	const char *interface = next_word();
	return interface != NULL && open_ring(interface) ? DONE : BAD;
}

static enum answer obey_class(void)
{
	const char *text[4];
	for (int i = 0; i < 4; i++)
		if ((text[i] = next_word()) == NULL)
			return BAD;
	struct class *class = &classes[(uint32_t)atoi(text[0]) % CLASSES];
	class->destination = (uint8_t)atoi(text[1]);
	class->outputs[0] = (uint8_t)atoi(text[2]);
	class->outputs[1] = (uint8_t)atoi(text[3]);
	return DONE;
}

static enum answer obey_stream(void)
{
	const char *address = next_word();
	const char *port = next_word();
	const char *class = next_word();
	if (class == NULL || !add_stream(address, (uint16_t)atoi(port), (uint32_t)atoi(class)))
		return BAD;
	return DONE;
}

static enum answer obey_buffer(void)
{
	const char *bytes = next_word();
	if (bytes == NULL)
		return BAD;
	buffer_bytes = (uint32_t)atoi(bytes);
	return DONE;
}

static enum answer obey_records(void)
{
	const char *path = next_word();
	if (path == NULL || has_records())
		return BAD;
	open_records(path);
	return DONE;
}

static enum answer obey_start(void)
{
	is_counting = 1;
	return DONE;
}

static enum answer obey_report(void)
{
	report();
	return SAID;
}

static enum answer obey_reset(void)
{
	reset_latencies();
	for (uint32_t i = 0; i < stream_count; i++)
		streams[i].longest_gap_ns = 0;
	return DONE;
}

static enum answer obey_finish(void)
{
	for (uint32_t i = 0; i < stream_count; i++) {
		const char *sent = next_word();
		if (sent == NULL)
			return BAD;
		end_stream(&streams[i], strtoull(sent, NULL, 10));
	}
	report();
	return SAID;
}

static struct recording recording = {.fd = -1};

static enum answer obey_samples(void)
{
	const char *interface = next_word();
	if (interface == NULL || recording.fd >= 0)
		return BAD;
	recording = start_samples(interface);
	return DONE;
}

static enum answer obey_latencies(void)
{
	if (recording.fd < 0)
		return BAD;
	end_samples(&recording);
	return SAID;
}

static enum answer obey_counters(void)
{
	const char *interface = next_word();
	const char *cpu = next_word();
	if (cpu == NULL)
		return BAD;
	print_counters(interface, cpu);
	return SAID;
}

static const struct {
	const char *name;
	enum answer (*obey)(void);
} commands[] = {
	{"listen", obey_listen},   {"class", obey_class},	  {"stream", obey_stream},
	{"buffer", obey_buffer},   {"records", obey_records},	  {"start", obey_start},
	{"report", obey_report},   {"reset", obey_reset},	  {"finish", obey_finish},
	{"samples", obey_samples}, {"latencies", obey_latencies}, {"counters", obey_counters},
};

static enum answer obey(char *line)
{
	const char *name = strtok(line, " \n");
	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].obey();
	return BAD;
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
		enum answer answer = obey(line);
		if (answer == BAD)
			refuse("bad command");
		if (answer == DONE)
			printf("{}\n");
		fflush(stdout);
	}
	length -= (size_t)(line - text);
	memmove(text, line, length);
	return 1;
}
