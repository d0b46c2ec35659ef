/* What the generator is told to send. */
#ifndef GENERATOR_OPTIONS_H
#define GENERATOR_OPTIONS_H

#include <stdint.h>

#include "generator/hostile.h"
#include "generator/streams.h"

#define SIZES_MAX 1024u

struct options {
	const char *interface;
	uint8_t destination_mac[6];
	uint8_t destination4[4];
	uint8_t destination6[16];
	uint16_t destination_port;
	uint32_t sizes[SIZES_MAX]; /* of payloads, by turns; of timed ones there is one */
	uint32_t size_count;
	double rate;	     /* packets per second; 0 = as fast as possible */
	double hostile_rate; /* 0 = as fast as possible */
	enum kind kinds[KINDS];
	uint32_t kind_count;
	uint32_t largest;	/* payload of LARGEST in IPv4; IPv6 has 20 bytes less room */
	uint64_t count;		/* packets in all; 0 = until the signal */
	double seconds;		/* ends then; 0 = when the count or the signal says so */
	uint64_t first;		/* sequence number of each exporter's first packet */
	struct pattern pattern; /* with 0 exporters they are listed on standard input */
	const char *records;	/* file for a record of each packet */
	int is_timed;		/* timed payloads instead of numbered ones */
	int has_templates; /* timed payloads are NetFlow v9; each exporter's first has a template */
	int is_sleepless;  /* waits without sleep: at exact times, for a core of its own */
	int is_real_time;  /* other programs of the core wait for it, not it for them */
};

/* The names of the options are in options.c. */
struct options parse_options(int argc, char **argv);

#endif
