#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Records begin at multiples of this. */
#define ALIGNMENT 8u

int kernel_ring_open(struct kernel_ring *ring, int fd, uint32_t bytes)
{
	memset(ring, 0, sizeof(*ring));
	ring->page = (size_t)sysconf(_SC_PAGESIZE);
	ring->bytes = bytes;
	void *reader = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (reader == MAP_FAILED)
		return -errno;
	ring->read_to = reader;
	const void *writer = mmap(NULL, ring->page + 2 * ring->bytes, PROT_READ, MAP_SHARED, fd,
				  (off_t)ring->page);
	if (writer == MAP_FAILED) {
		int error = -errno;
		kernel_ring_close(ring);
		return error;
	}
	ring->written = writer;
	ring->data = (const uint8_t *)writer + ring->page;
	return 0;
}

void kernel_ring_close(struct kernel_ring *ring)
{
	if (ring->read_to != NULL)
		munmap(ring->read_to, ring->page);
	if (ring->written != NULL)
		munmap((void *)(uintptr_t)ring->written, ring->page + 2 * ring->bytes);
	ring->read_to = NULL;
	ring->written = NULL;
}

int kernel_ring_read(const struct kernel_ring *ring, uint64_t position,
		     struct kernel_ring_record *record)
{
	if (position >= kernel_ring_end(ring))
		return 0;
	const uint8_t *header = ring->data + (position & (ring->bytes - 1));
	uint32_t length = __atomic_load_n((const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);
	if ((length & BPF_RINGBUF_BUSY_BIT) != 0)
		return 0;
	record->bytes = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	record->data = (length & BPF_RINGBUF_DISCARD_BIT) != 0 ? NULL : header + BPF_RINGBUF_HDR_SZ;
	uint64_t whole = (uint64_t)record->bytes + BPF_RINGBUF_HDR_SZ;
	record->next = position + (whole + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	return 1;
}
