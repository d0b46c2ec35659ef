/* A packet I/O above the replaced kernel, and a reader of what it sent. */
#ifndef FAKE_LAB_H
#define FAKE_LAB_H

#include "fake_kernel.h"
#include "lab.h"
#include "wire.h"

static struct wire wire;

static inline void reset(void)
{
	lab_close();
	fake_reset();
	lab_open_fake();
}

/* Reads what was sent since the last fake_forget; complete datagrams, 0 when one is wrong. */
static inline uint32_t count_datagrams(void)
{
	uint32_t complete = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		int state = wire_read(&wire, fake.taken[i].data, fake.taken[i].bytes);
		if (state < 0) {
			printf("# packet %u: %s\n", i, wire.error);
			return 0;
		}
		complete += (uint32_t)state;
	}
	return complete;
}

#endif
