/*
 * What the sender and the counter write, one record for each packet, in the byte order of the
 * machine: both run on the same one. The payload of a packet begins with its record.
 */
#ifndef HA_RECORD_H
#define HA_RECORD_H

#include <stdint.h>

/* The source port of every exporter. */
#define EXPORTER_PORT 2055

struct record {
	uint16_t exporter;
	/* Sender: 0. Counter: which of its interfaces the packet came through, from 1. */
	uint16_t way;
	/* Of the exporter, from 0 without gaps. */
	uint32_t sequence;
	/* CLOCK_MONOTONIC: when it was sent, or arrived. */
	uint64_t nanoseconds;
};

/* Makes the file. */
void open_records(const char *path);

void write_record(const struct record *record);

/* Lets readers of the file see what is written, every 20 ms. */
void flush_records(uint64_t now_ns);

/* Returns 0 when not all could be written. */
int close_records(void);

#endif
