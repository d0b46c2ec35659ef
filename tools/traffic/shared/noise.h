/*
 * What follows the header of a payload: a piece of one block, which begins at a place of the
 * packet's own.
 */
#ifndef SHARED_NOISE_H
#define SHARED_NOISE_H

#include <stdint.h>

#define NOISE_PLACES 4096u
#define NOISE_BYTES (65536u + NOISE_PLACES)

/* The block, the same in every program. */
extern uint8_t noise[NOISE_BYTES];

void make_noise(void);

static inline uint32_t noise_place(uint32_t stream, uint32_t sequence)
{
	return (stream * 2654435761u + sequence * 40503u) % NOISE_PLACES;
}

#endif
