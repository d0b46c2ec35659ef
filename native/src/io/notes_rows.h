/* What the parts of notes share. */
#ifndef PIO_NOTES_ROWS_H
#define PIO_NOTES_ROWS_H

#include "notes.h"

/* The first row of each table. */
#define NOTES_EXPORTERS_AT 0u
#define NOTES_STRANGERS_AT NOTES_EXPORTERS
#define NOTES_LOSSES_AT (NOTES_EXPORTERS + NOTES_STRANGERS)
#define NOTES_SEQUENCES_AT (NOTES_LOSSES_AT + NOTES_LOSSES)
#define NOTES_STRANGE_SEQUENCES_AT (NOTES_SEQUENCES_AT + NOTES_SEQUENCES)

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

/* The row of a probe for a sequence. */
static inline uint32_t notes_sequence_row(int has_rule, uint32_t hash, uint32_t probe)
{
	return has_rule ? notes_row_of(NOTES_SEQUENCES_AT, NOTES_SEQUENCES, hash, probe)
			: notes_row_of(NOTES_STRANGE_SEQUENCES_AT, NOTES_STRANGE_SEQUENCES, hash,
				       probe);
}

/* The row of an exporter, which it gets when it has none. */
struct notes_exporter *notes_take_exporter(struct notes *notes, int has_rule,
					   const struct notes_endpoint *exporter, uint32_t hash,
					   uint32_t now_s);

/* One copy of an exporter was lost; nothing when it has no row. */
void notes_count_lost(struct notes *notes, const struct notes_endpoint *exporter);

/* Sets the hashes of a number of which protocol and domain are known, by the hash of its exporter.
 */
static inline void notes_hash_number(const struct notes *notes, uint32_t hash,
				     struct notes_number *number)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t both = (uint64_t)hash << 32 | number->domain;
	wide product = (wide)(both ^ notes->key[1]) * (notes->key[0] | 1);
	number->session = (uint64_t)product ^ (uint64_t)(product >> 64);
	number->hash = (uint32_t)(number->session ^ number->session >> 32) + number->protocol;
}

/* Which protocol a payload is of. */
enum notes_protocol notes_protocol_of(const uint8_t *payload, uint32_t length);

/* A row that has an owner and nothing else begins to watch its numbers. */
void notes_watch_begin(struct notes_sequence *row);
void notes_watch(struct notes_sequence *row, const struct notes_number *number, uint32_t now_s);
/* Others have seen numbers since. */
void notes_watch_anew(struct notes_sequence *row);
/* How long it has been watched: 0 to NOTES_WATCHED_MAX. */
uint32_t notes_watched(const struct notes_sequence *row);
#define NOTES_WATCHED_MAX 3u

/* What is known to be lost, and what is missing yet, of numbers that nobody sees go on any more. */
void notes_absorb_sequence(struct notes *notes, const struct notes_sequence *other, int has_rule);

/*
 * Data records of a message of IPFIX, by the templates that it has and those before.
 * NOTES_RECORDS_UNKNOWN when one is missing, or when it is cut or malformed.
 */
uint32_t notes_count_records(struct notes *notes, const struct notes_packet *packet,
			     const struct notes_number *number, uint32_t now_s);

/* The row of a pair, which it gets when it has none. */
struct notes_loss *notes_take_loss(struct notes *notes, const struct notes_endpoint *collector,
				   uint16_t error);

/* Adds to a row. It is the last loss when it is not older. */
void notes_add_loss(struct notes_loss *row, uint64_t copies, uint32_t last_s,
		    const struct notes_endpoint *exporter);

#endif
