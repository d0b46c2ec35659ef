/* What the generator is told to send. */
#ifndef LOAD_GENERATOR_OPTIONS_H
#define LOAD_GENERATOR_OPTIONS_H

#include <stdint.h>

#include "load/generator/hostile.h"

#define SIZES_MAX 64u

struct options {
	const char *interface;
	uint8_t destination_mac[6];
	uint8_t destination4[4];
	uint8_t destination6[16];
	uint16_t destination_port;
	uint32_t sizes[SIZES_MAX]; /* of numbered payloads */
	uint32_t size_count;
	double rate;	     /* numbered packets per second; 0 = as fast as possible */
	double hostile_rate; /* 0 = as fast as possible */
	enum kind kinds[KINDS];
	uint32_t kind_count;
	uint32_t largest; /* payload of LARGEST in IPv4; IPv6 has 20 bytes less room */
	uint64_t count;	  /* numbered packets in all; 0 = until the signal */
	uint64_t first;	  /* sequence number of each exporter's first packet */
	int is_real_time; /* other programs of the core wait for it, not it for them */
};

/* The names of the options are in options.c. */
struct options parse_options(int argc, char **argv);

#endif
