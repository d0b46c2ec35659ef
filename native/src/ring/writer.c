#include <errno.h>

#include "shared.h"

/* Reserve is raised this far ahead, so that readers rarely find it changed. */
#define RESERVE_STEP 65536u

int ring_init(void *memory, size_t memory_bytes, uint64_t id)
{
	uint64_t bytes = memory_bytes - RING_DATA;
	if (memory_bytes < RING_DATA + RING_BYTES_MIN || bytes > RING_BYTES_MAX ||
	    (bytes & (bytes - 1)) != 0)
		return -EINVAL;
	struct ring_header *header = memory;
	header->magic = RING_MAGIC;
	header->layout = RING_LAYOUT;
	header->bytes = bytes;
	header->id = id;
	return 0;
}

/* Forgets marks of records that a writer that died has not published: others come in their place.
 */
static void drop_marks(struct ring_header *header, uint64_t head)
{
	for (uint32_t i = 0; i < RING_MARKS; i++) {
		if (ring_load(&header->marks[i].position) > head)
			ring_store(&header->marks[i].position, UINT64_MAX);
	}
}

int ring_writer_open(struct ring_writer *writer, void *memory, size_t memory_bytes)
{
	memset(writer, 0, sizeof(*writer));
	struct ring_view view = {memory, (uint8_t *)memory + RING_DATA,
				 ring_bytes(memory, memory_bytes)};
	struct ring_place head;
	if (view.bytes == 0 || ring_find_head(&view, &head) < 0)
		return -EINVAL;
	writer->header = memory;
	writer->data = (uint8_t *)memory + RING_DATA;
	writer->mask = view.bytes - 1;
	writer->position = head.position;
	writer->sequence = head.sequence;
	drop_marks(writer->header, head.position);
	writer->part = head.position / (view.bytes / RING_MARKS);
	struct ring_place mark;
	if (writer->sequence > 0 && ring_find_mark(&view, writer->part, &mark))
		writer->part++;
	memcpy(writer->counts, head.counts, sizeof(writer->counts));
	/* What a writer that died has begun to overwrite stays reserved. */
	writer->reserve = ring_load(&writer->header->reserve);
	return 0;
}

/* Has readers know that what lies a ring before the end is overwritten from now on. */
static void reserve(struct ring_writer *writer, uint64_t end)
{
	if (end <= writer->reserve)
		return;
	writer->reserve = end + RESERVE_STEP;
	ring_store(&writer->header->reserve, writer->reserve);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void *at(const struct ring_writer *writer, uint64_t position)
{
	return writer->data + (position & writer->mask);
}

/* Leaves a mark when this is the first record that begins in its part of the ring. */
static void mark(struct ring_writer *writer)
{
	uint64_t part = writer->position / ((writer->mask + 1) / RING_MARKS);
	if (part < writer->part)
		return;
	writer->part = part + 1;
	struct ring_mark *mark = &writer->header->marks[part % RING_MARKS];
	/* A position of no part: whoever copies the rest meanwhile sees it. */
	ring_store(&mark->position, UINT64_MAX);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ring_store(&mark->sequence, writer->sequence);
	for (uint32_t i = 0; i < RING_PIPELINES; i++)
		ring_store(&mark->counts[i], writer->counts[i]);
	ring_store_release(&mark->position, writer->position);
}

/* Fills the ring up to its end when a record does not fit there. */
static void pad(struct ring_writer *writer, uint64_t bytes)
{
	uint64_t left = writer->mask + 1 - (writer->position & writer->mask);
	if (bytes <= left)
		return;
	reserve(writer, writer->position + left + RING_ALIGNMENT);
	struct ring_record record = {.sequence = writer->sequence, .flags = RING_RECORD_PAD};
	ring_copy_in(at(writer, writer->position), &record, sizeof(record));
	writer->position += left;
}

void ring_append(struct ring_writer *writer, const struct ring_record *record,
		 const uint8_t *payload)
{
	uint64_t bytes = ring_record_bytes(record->length);
	pad(writer, bytes);
	reserve(writer, writer->position + bytes + RING_ALIGNMENT);
	mark(writer);
	struct ring_record written = *record;
	written.sequence = writer->sequence++;
	uint8_t *place = at(writer, writer->position);
	ring_copy_in(place, &written, sizeof(written));
	ring_copy_in(place + sizeof(written), payload, written.length);
	for (uint32_t bits = written.pipelines; bits != 0; bits &= bits - 1)
		writer->counts[__builtin_ctz(bits)]++;
	writer->position += bytes;
}

void ring_publish(struct ring_writer *writer)
{
	ring_store(at(writer, writer->position), writer->sequence);
	ring_store_release(&writer->header->head, writer->position);
}
