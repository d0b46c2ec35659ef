/* The rings through which all that arrives over interfaces comes in (packet(7)). */
#ifndef JUDGE_RING_H
#define JUDGE_RING_H

#include <stdint.h>

#define RINGS_MAX 8u

/* Descriptors to poll, one for each ring. */
extern int ring_fds[RINGS_MAX];
extern uint32_t ring_count;

/* Opens the next ring. Returns 0 when there are too many. */
int open_ring(const char *interface);

/* Takes what the kernel has handed over. */
void drain_rings(void);

/* Packets for which there was no room, since the rings were opened. */
uint64_t ring_drops(void);

#endif
