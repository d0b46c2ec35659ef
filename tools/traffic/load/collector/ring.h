/* The ring through which all that arrives over an interface comes in (packet(7)). */
#ifndef LOAD_COLLECTOR_RING_H
#define LOAD_COLLECTOR_RING_H

#include <stdint.h>

/* Returns what to poll. */
int open_ring(const char *interface);

/* Takes what the kernel has handed over. */
void drain_ring(void);

/* Packets for which there was no room, since the ring was opened. */
uint64_t ring_drops(void);

#endif
