/* Memory that writer and readers of a ring share: words of 64 bits, read and written atomically. */
#ifndef RING_SHARED_H
#define RING_SHARED_H

#include <string.h>

#include "ring.h"

#define RING_RECORD_WORDS (sizeof(struct ring_record) / 8)

_Static_assert(sizeof(struct ring_record) == 48, "records are 48 bytes before their payload");
_Static_assert(sizeof(struct ring_header) <= RING_DATA, "the header fits before the records");
_Static_assert(sizeof(struct ring_account) % 64 == 0, "accounts are whole cache lines");
_Static_assert(offsetof(struct ring_reader_state, accounts) % 64 == 0, "and begin at one");

static inline uint64_t ring_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline uint64_t ring_load_acquire(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void ring_store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline void ring_store_release(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Out of shared memory, which is aligned to words; `to` need not be. */
static inline void ring_copy_out(void *to, const void *shared, size_t bytes)
{
	const uint64_t *words = shared;
	uint8_t *out = to;
	size_t whole = bytes / 8;
	for (size_t i = 0; i < whole; i++) {
		uint64_t word = ring_load(&words[i]);
		memcpy(out + i * 8, &word, 8);
	}
	if (bytes % 8 != 0) {
		uint64_t word = ring_load(&words[whole]);
		memcpy(out + whole * 8, &word, bytes % 8);
	}
}

/* Into shared memory; the last word is filled up with zeros. */
static inline void ring_copy_in(void *shared, const void *from, size_t bytes)
{
	uint64_t *words = shared;
	const uint8_t *in = from;
	size_t whole = bytes / 8;
	for (size_t i = 0; i < whole; i++) {
		uint64_t word;
		memcpy(&word, in + i * 8, 8);
		ring_store(&words[i], word);
	}
	if (bytes % 8 != 0) {
		uint64_t word = 0;
		memcpy(&word, in + whole * 8, bytes % 8);
		ring_store(&words[whole], word);
	}
}

/* How much of the ring a packet takes. */
static inline uint64_t ring_record_bytes(uint64_t payload_bytes)
{
	uint64_t bytes = sizeof(struct ring_record) + payload_bytes;
	return (bytes + RING_ALIGNMENT - 1) & ~(uint64_t)(RING_ALIGNMENT - 1);
}

/* Where in the ring something is, with what is known of it. */
struct ring_place {
	uint64_t position;
	uint64_t sequence;
	uint64_t counts[RING_PIPELINES];
};

enum ring_look {
	RING_LOOK_RECORD,
	RING_LOOK_PAD,
	RING_LOOK_OVERTAKEN, /* may be torn */
	RING_LOOK_DAMAGED,
};

/* A ring as its readers see it. */
struct ring_view {
	const struct ring_header *header;
	const uint8_t *data;
	uint64_t bytes;
};

/* Whether what lay at a position when it was copied may have been overwritten. */
static inline int ring_is_overtaken(const struct ring_view *view, uint64_t position)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return ring_load(&view->header->reserve) > position + view->bytes;
}

/*
 * Copies the header of the record at a position, which is a multiple of RING_ALIGNMENT. Its length
 * fits the ring unless it is RING_LOOK_DAMAGED; *bytes is how far the next record is.
 */
enum ring_look ring_look(const struct ring_view *view, uint64_t position,
			 struct ring_record *record, uint64_t *bytes);

/* The mark of a part of all that was ever written. Returns 0 when there is none. */
int ring_find_mark(const struct ring_view *view, uint64_t part, struct ring_place *place);

/* Makes an account that of the state in one step: whenever the process dies, one is whole. */
void ring_write_account(struct ring_reader_state *state, const struct ring_account *account);

/* The place of head, from the last mark on. 0, or -EAGAIN when there is no way to it. */
int ring_find_head(const struct ring_view *view, struct ring_place *place);

#endif
