/* What the generator is told to send. */
#ifndef BENCH_GENERATOR_OPTIONS_H
#define BENCH_GENERATOR_OPTIONS_H

#include <stdint.h>

#define PAYLOAD_MAX 1472u

struct options {
	const char *interface;
	uint8_t destination_mac[6];
	int family; /* 4 or 6 */
	uint8_t first_exporter[16];
	uint8_t destination[16];
	uint16_t destination_port;
	uint32_t payload;
	uint32_t exporters; /* endpoints that send in turn */
	uint32_t addresses; /* exporter addresses there are */
	double rate;	    /* packets per second; 0 = as fast as possible */
	double seconds;
};

/* Every option is needed; their names are in options.c. */
struct options parse_options(int argc, char **argv);

#endif
