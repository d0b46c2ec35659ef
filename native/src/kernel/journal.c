#include "journal.h"

#include <string.h>

#define SLOTS (sizeof(((struct kernel_journal *)NULL)->slot) / sizeof(struct kernel_journal_slot))
#define LEFT_OUTS                                                                                  \
	(sizeof(((struct kernel_journal *)NULL)->left_out) / sizeof(struct kernel_journal_left_out))

/*
 * A process that is killed has done all that comes before in its program and nothing of the rest:
 * only the compiler must not change the order.
 */
static void order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static void undo(const struct kernel_column *column)
{
	const struct kernel_journal *journal = column->journal;
	uint32_t kept = journal->kept == 0 ? PIO_COUNTERS : journal->kept;
	for (uint32_t i = 0; i < kept && i < PIO_COUNTERS; i++)
		set(&column->counters[i], journal->counters[i]);
	for (uint32_t i = 0; i < journal->slots && i < SLOTS; i++) {
		const struct kernel_journal_slot *row = &journal->slot[i];
		if (row->index >= column->slot_count)
			continue;
		set(&column->slots[row->index].packets, row->before.packets);
		set(&column->slots[row->index].bytes, row->before.bytes);
	}
	for (uint32_t i = 0; i < journal->left_outs && i < LEFT_OUTS; i++) {
		const struct kernel_journal_left_out *row = &journal->left_out[i];
		if (row->index >= column->left_out_count)
			continue;
		set(&column->left_out[row->index].sampled[0], row->before[0]);
		set(&column->left_out[row->index].sampled[1], row->before[1]);
	}
}

void journal_recover(const struct kernel_column *column, const struct kernel_ring *ring)
{
	uint64_t position = column->journal->position;
	/* Else all of the batch is counted, and the ring knows. */
	if (position != 0 && position - 1 == kernel_ring_position(ring))
		undo(column);
	order();
	set(&column->journal->position, 0);
}

void journal_begin(const struct kernel_column *column, int has_errors)
{
	uint32_t kept = has_errors ? PIO_COUNTERS : PIO_SEND_ERRORS;
	column->journal->slots = 0;
	column->journal->left_outs = 0;
	column->journal->kept = kept;
	memcpy(column->journal->counters, column->counters, kept * sizeof(uint64_t));
}

int journal_has_room(uint32_t slots, uint32_t left_outs)
{
	return slots <= SLOTS && left_outs <= LEFT_OUTS;
}

void journal_slot(const struct kernel_column *column, uint32_t index)
{
	if (index >= column->slot_count)
		return;
	column->journal->slot[column->journal->slots++] =
		(struct kernel_journal_slot){index, column->slots[index]};
}

void journal_left_out(const struct kernel_column *column, uint32_t index)
{
	if (index >= column->left_out_count)
		return;
	const struct table_left_out *left_out = &column->left_out[index];
	column->journal->left_out[column->journal->left_outs++] = (struct kernel_journal_left_out){
		index, {left_out->sampled[0], left_out->sampled[1]}};
}

void journal_commit(const struct kernel_column *column, uint64_t position)
{
	order();
	set(&column->journal->position, position + 1);
	order();
}

void journal_end(const struct kernel_column *column)
{
	order();
	set(&column->journal->position, 0);
	order();
}
