#include <errno.h>

#include "shared.h"

/* A writer that is faster than the way from a mark to its head. */
#define TRIES 16

enum ring_look ring_look(const struct ring_view *view, uint64_t position,
			 struct ring_record *record, uint64_t *bytes)
{
	uint64_t offset = position & (view->bytes - 1);
	ring_copy_out(record, view->data + offset, sizeof(*record));
	if (ring_is_overtaken(view, position))
		return RING_LOOK_OVERTAKEN;
	int is_pad = (record->flags & RING_RECORD_PAD) != 0;
	*bytes = is_pad ? view->bytes - offset : ring_record_bytes(record->length);
	if (offset + *bytes > view->bytes)
		return RING_LOOK_DAMAGED;
	return is_pad ? RING_LOOK_PAD : RING_LOOK_RECORD;
}

int ring_find_mark(const struct ring_view *view, uint64_t part, struct ring_place *place)
{
	const struct ring_mark *mark = &view->header->marks[part % RING_MARKS];
	place->position = ring_load_acquire(&mark->position);
	place->sequence = ring_load(&mark->sequence);
	for (uint32_t i = 0; i < RING_PIPELINES; i++)
		place->counts[i] = ring_load(&mark->counts[i]);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return ring_load(&mark->position) == place->position &&
	       place->position / (view->bytes / RING_MARKS) == part &&
	       place->position % RING_ALIGNMENT == 0;
}

static int find_last_mark(const struct ring_view *view, uint64_t head, struct ring_place *place)
{
	uint64_t part = head / (view->bytes / RING_MARKS);
	for (uint32_t i = 0; i < RING_MARKS; i++) {
		if (ring_find_mark(view, part - i, place) && place->position <= head)
			return 1;
		if (part == i)
			return 0;
	}
	return 0;
}

uint64_t ring_bytes(const void *memory, size_t memory_bytes)
{
	const struct ring_header *header = memory;
	if (memory_bytes < RING_DATA + RING_BYTES_MIN || header->magic != RING_MAGIC ||
	    header->layout != RING_LAYOUT)
		return 0;
	uint64_t bytes = header->bytes;
	int is_valid = bytes >= RING_BYTES_MIN && bytes <= RING_BYTES_MAX &&
		       (bytes & (bytes - 1)) == 0 && bytes <= memory_bytes - RING_DATA;
	return is_valid ? bytes : 0;
}

static void count(struct ring_place *place, const struct ring_record *record)
{
	for (uint32_t bits = record->pipelines; bits != 0; bits &= bits - 1)
		place->counts[__builtin_ctz(bits)]++;
	place->sequence++;
}

static int walk(const struct ring_view *view, uint64_t head, struct ring_place *place)
{
	while (place->position < head) {
		struct ring_record record;
		uint64_t bytes = 0;
		enum ring_look look = ring_look(view, place->position, &record, &bytes);
		if (look == RING_LOOK_OVERTAKEN || look == RING_LOOK_DAMAGED)
			return 0;
		if (look == RING_LOOK_RECORD)
			count(place, &record);
		place->position += bytes;
	}
	return place->position == head;
}

int ring_find_head(const struct ring_view *view, struct ring_place *place)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t head = ring_load_acquire(&view->header->head);
		if (find_last_mark(view, head, place) && walk(view, head, place))
			return 0;
	}
	return -EAGAIN;
}

uint64_t ring_sequence(const void *memory, size_t memory_bytes)
{
	struct ring_view view = {memory, (const uint8_t *)memory + RING_DATA,
				 ring_bytes(memory, memory_bytes)};
	for (int i = 0; view.bytes != 0 && i < TRIES; i++) {
		uint64_t head = ring_load_acquire(&view.header->head);
		const uint8_t *next = view.data + (head & (view.bytes - RING_ALIGNMENT));
		uint64_t sequence = ring_load((const uint64_t *)(const void *)next);
		if (!ring_is_overtaken(&view, head))
			return sequence;
	}
	return 0;
}

/* The finalizer of MurmurHash3 mixes each bit of a word into all others. */
static uint64_t mix(uint64_t word)
{
	word ^= word >> 33;
	word *= 0xff51afd7ed558ccdu;
	word ^= word >> 33;
	word *= 0xc4ceb9fe1a85ec53u;
	return word ^ (word >> 33);
}

uint32_t ring_slot(const uint8_t source[16])
{
	uint64_t words[2];
	memcpy(words, source, sizeof(words));
	return (uint32_t)(mix(mix(words[0]) + words[1]) % RING_SLOTS);
}
