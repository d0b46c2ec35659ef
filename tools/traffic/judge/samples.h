/*
 * Samples of the copies that arrive over an interface, picked by a socket filter into a ring
 * (packet(7)) and stamped by the kernel: how long they took, and whose source they have.
 */
#ifndef JUDGE_SAMPLES_H
#define JUDGE_SAMPLES_H

#include <stdint.h>

struct recording {
	int fd; /* less than 0 = nothing is recorded */
	uint8_t *frames;
};

/* Starts. */
struct recording start_samples(const char *interface);

/* Ends it and prints what it says. */
void end_samples(struct recording *recording);

#endif
