/*
 * What the sender and the counter write, one record for each packet, in the byte order of the
 * machine: both run on the same one. The payload of a packet begins with its record.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>
#include <time.h>

/* The source port of every exporter. */
#define EXPORTER_PORT 2055

typedef struct {
	uint16_t exporter;
	/* Sender: 0. Counter: which of its interfaces the packet came through, from 1. */
	uint16_t way;
	/* Of the exporter, from 0 without gaps. */
	uint32_t sequence;
	/* CLOCK_MONOTONIC: when it was sent, or arrived. */
	uint64_t nanoseconds;
} record_t;

static inline uint64_t now_nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
