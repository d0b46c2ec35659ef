/* Numbered packets: each says who sent it, when, and which of the sender's it is. */
#ifndef GENERATOR_NUMBERED_H
#define GENERATOR_NUMBERED_H

#include <stdint.h>

struct options;

/* Writes numbered packet number so and so, of all exporters, into a frame of the burst. */
void write_numbered(const struct options *options, uint32_t index, uint64_t number);

#endif
