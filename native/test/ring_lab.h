/* A ring in memory of its own, its writer, and a reader with room for a batch. */
#ifndef RING_LAB_H
#define RING_LAB_H

#include <stdlib.h>
#include <string.h>

#include "ring.h"

#define RING_LAB_BATCH 64u
#define RING_LAB_BYTES 262144u

struct ring_lab_packets {
	uint8_t bytes[RING_LAB_BYTES];
	uint32_t offsets[RING_LAB_BATCH];
	uint32_t lengths[RING_LAB_BATCH];
	uint32_t sources[RING_LAB_BATCH * 4];
	uint16_t ports[RING_LAB_BATCH];
	uint16_t listen_ports[RING_LAB_BATCH];
	double received_ms[RING_LAB_BATCH];
};

struct ring_lab {
	uint8_t *memory;
	size_t bytes;
	struct ring_writer writer;
	struct ring_reader reader;
	struct ring_reader_state state;
	struct ring_batch batch;
	struct ring_lab_packets packets;
	uint8_t shard_of_slot[RING_SLOTS]; /* all are shard 0 */
};

static inline struct ring_batch ring_lab_batch(struct ring_lab_packets *packets)
{
	return (struct ring_batch){
		.size = RING_LAB_BATCH,
		.bytes_size = RING_LAB_BYTES,
		.bytes = packets->bytes,
		.offsets = packets->offsets,
		.lengths = packets->lengths,
		.sources = packets->sources,
		.ports = packets->ports,
		.listen_ports = packets->listen_ports,
		.received_ms = packets->received_ms,
	};
}

static inline void ring_lab_close(struct ring_lab *self)
{
	free(self->memory);
	memset(self, 0, sizeof(*self));
}

static inline void ring_lab_must(int result)
{
	if (result < 0)
		abort();
}

/* An empty ring and its writer. */
static inline void ring_lab_open(struct ring_lab *self, size_t bytes)
{
	ring_lab_close(self);
	self->bytes = RING_DATA + bytes;
	self->memory = aligned_alloc(4096, self->bytes);
	if (self->memory == NULL)
		abort();
	memset(self->memory, 0, self->bytes);
	ring_lab_must(ring_init(self->memory, self->bytes, 1));
	ring_lab_must(ring_writer_open(&self->writer, self->memory, self->bytes));
	self->batch = ring_lab_batch(&self->packets);
}

static inline void ring_lab_reader(struct ring_lab *self, uint32_t pipeline)
{
	struct ring_reader_options options = {
		.pipeline = pipeline, .shard_of_slot = self->shard_of_slot, .owner = 1};
	ring_lab_must(
		ring_reader_open(&self->reader, self->memory, self->bytes, &self->state, &options));
}

#endif
