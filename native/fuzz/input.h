/* Takes values from a fuzzer's input; zeros when it is used up. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
	const uint8_t *at;
	size_t left;
};

static inline void take_bytes(struct input *input, void *to, size_t bytes)
{
	size_t there = bytes < input->left ? bytes : input->left;
	memset(to, 0, bytes);
	memcpy(to, input->at, there);
	input->at += there;
	input->left -= there;
}

static inline uint8_t take_8(struct input *input)
{
	uint8_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint16_t take_16(struct input *input)
{
	uint16_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

static inline uint32_t take_32(struct input *input)
{
	uint32_t value;
	take_bytes(input, &value, sizeof(value));
	return value;
}

/* Ends the run with what was violated. */
static inline void must(int is_true, const char *invariant)
{
	if (is_true)
		return;
	fprintf(stderr, "violated: %s\n", invariant);
	abort();
}

#endif
