/* What the parts of notes share. */
#ifndef PIO_NOTES_ROWS_H
#define PIO_NOTES_ROWS_H

#include "notes.h"

/* The first row of each table. */
#define NOTES_EXPORTERS_AT 0u
#define NOTES_STRANGERS_AT NOTES_EXPORTERS
#define NOTES_LOSSES_AT (NOTES_EXPORTERS + NOTES_STRANGERS)

/* The row of a probe; the table begins at a row and has so many of them, a power of two. */
static inline uint32_t notes_row_of(uint32_t at, uint32_t count, uint32_t hash, uint32_t probe)
{
	return at + ((hash + probe) & (count - 1));
}

/* Readers see that the row changes until notes_end_change(). One that dies in between leaves it
 * odd. */
static inline void notes_begin_change(uint32_t *changes)
{
	__atomic_store_n(changes, *changes | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void notes_end_change(uint32_t *changes)
{
	__atomic_store_n(changes, *changes + 1, __ATOMIC_RELEASE);
}

static inline void notes_mark_used(struct notes *notes, const void *row)
{
	uint32_t index = (uint32_t)((const union notes_row *)row - notes->rows);
	uint32_t page = index / NOTES_PAGE_ROWS;
	uint64_t *word = &notes->used[page / 64];
	__atomic_store_n(word, *word | (uint64_t)1 << page % 64, __ATOMIC_RELEASE);
}

/* The row of an exporter, which it gets when it has none. */
struct notes_exporter *notes_take_exporter(struct notes *notes, int has_rule,
					   const struct notes_endpoint *exporter, uint32_t hash,
					   uint32_t now_s);

/* One copy of an exporter was lost; nothing when it has no row. */
void notes_count_lost(struct notes *notes, const struct notes_endpoint *exporter);

/* The row of a pair, which it gets when it has none. */
struct notes_loss *notes_take_loss(struct notes *notes, const struct notes_endpoint *collector,
				   uint16_t error);

/* Adds to a row. It is the last loss when it is not older. */
void notes_add_loss(struct notes_loss *row, uint64_t copies, uint32_t last_s,
		    const struct notes_endpoint *exporter);

#endif
