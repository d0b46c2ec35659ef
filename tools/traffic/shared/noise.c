#include "shared/noise.h"

uint8_t noise[NOISE_BYTES];

void make_noise(void)
{
	uint32_t state = 1;
	for (uint32_t i = 0; i < NOISE_BYTES; i++) {
		state = state * 1664525u + 1013904223u;
		noise[i] = (uint8_t)(state >> 24);
	}
}
