/* Packets whose time is taken: as cheap to make as can be, one of SAMPLE_EVERY with a time stamp.
 */
#ifndef GENERATOR_TIMED_H
#define GENERATOR_TIMED_H

#include <stdint.h>

/* What follows the header, in every packet. */
#define TIMED_FILL 0x5a

struct options;

/* Writes timed packet number so and so, of all exporters, into a frame of the burst. */
void write_timed(const struct options *options, uint32_t index, uint64_t number);

#endif
