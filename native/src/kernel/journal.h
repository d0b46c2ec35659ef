/* What a batch of records changes, to be made undone when its consumer dies (kernel_engine.h). */
#ifndef KERNEL_JOURNAL_H
#define KERNEL_JOURNAL_H

#include "kernel_engine.h"
#include "ring.h"

/* What is counted by records. */
struct kernel_column {
	struct kernel_journal *journal;
	uint64_t *counters; /* [PIO_COUNTERS] */
	struct pio_slot *slots;
	uint32_t slot_count;
	struct table_left_out *left_out;
	uint32_t left_out_count;
};

/* Makes a batch undone that was not finished, else nothing. */
void journal_recover(const struct kernel_column *column, const struct kernel_ring *ring);

/*
 * A batch begins; the next ones say what it will change. has_errors: counters of errnos are among
 * that, of which there are too many to keep them all each time.
 */
void journal_begin(const struct kernel_column *column, int has_errors);

/* Whether there is room for so many in one batch. */
int journal_has_room(uint32_t slots, uint32_t left_outs);
void journal_slot(const struct kernel_column *column, uint32_t index);
void journal_left_out(const struct kernel_column *column, uint32_t index);

/* From now on counters change, by the records from a position on. */
void journal_commit(const struct kernel_column *column, uint64_t position);

/* The ring has been told that they are counted. */
void journal_end(const struct kernel_column *column);

#endif
