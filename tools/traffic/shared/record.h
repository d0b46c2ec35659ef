/*
 * What generator and judge write down, one record for each packet, in the byte order of the
 * machine: both run on the same one.
 */
#ifndef SHARED_RECORD_H
#define SHARED_RECORD_H

#include <stdint.h>

struct record {
	uint16_t exporter; /* its number */
	uint16_t way;	   /* generator: 0. Judge: which of its interfaces it came over, from 1 */
	uint32_t sequence; /* of the exporter */
	uint64_t nanoseconds; /* CLOCK_MONOTONIC: when it was sent, or arrived */
};

/* Makes the file. */
void open_records(const char *path);

/* Whether the file was made. */
int has_records(void);

void write_record(const struct record *record);

/* Lets readers of the file see what is written, every 20 ms. */
void flush_records(uint64_t now_ns);

/* Returns 0 when not all could be written. */
int close_records(void);

#endif
