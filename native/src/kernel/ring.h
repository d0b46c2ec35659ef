/*
 * Reading a BPF ring buffer (Documentation/bpf/ringbuf.rst): the kernel writes records one behind
 * the other, and there is one reader. How far it has read is in memory of the ring itself, so that
 * a reader after it goes on there.
 */
#ifndef KERNEL_RING_H
#define KERNEL_RING_H

#include <stddef.h>
#include <stdint.h>

struct kernel_ring {
	uint64_t *read_to;	 /* written by the reader */
	const uint64_t *written; /* by the kernel */
	const uint8_t *data;	 /* followed by itself, so that no record is in two parts */
	uint64_t bytes;
	size_t page;
};

/* Maps the memory of a ring. 0, or a negative errno; the descriptor stays the caller's. */
int kernel_ring_open(struct kernel_ring *ring, int fd, uint32_t bytes);
void kernel_ring_close(struct kernel_ring *ring);

struct kernel_ring_record {
	const void *data; /* NULL: one that was given up */
	uint32_t bytes;
	uint64_t next; /* position of the record behind it */
};

/* The record at a position: 1; 0 when it is not there yet. */
int kernel_ring_read(const struct kernel_ring *ring, uint64_t position,
		     struct kernel_ring_record *record);

/* Where the record begins that is written next. */
static inline uint64_t kernel_ring_end(const struct kernel_ring *ring)
{
	return __atomic_load_n(ring->written, __ATOMIC_ACQUIRE);
}

static inline uint64_t kernel_ring_position(const struct kernel_ring *ring)
{
	return __atomic_load_n(ring->read_to, __ATOMIC_RELAXED);
}

/* What is before a position may be written anew. */
static inline void kernel_ring_advance(struct kernel_ring *ring, uint64_t position)
{
	__atomic_store_n(ring->read_to, position, __ATOMIC_RELEASE);
}

#endif
