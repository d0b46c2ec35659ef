/* Reading notes while they are written to. */
#include <string.h>

#include "notes_rows.h"

#define ROW_WORDS (sizeof(union notes_row) / sizeof(uint64_t))

/* A row that is given to others all the time is left out after so many tries. */
#define TRIES 16

/* Copies 64 bytes as they were at one moment. Returns whether there was one. */
static int copy_whole(void *copy, const void *source, const uint32_t *changes)
{
	const uint64_t *words = source;
	for (int i = 0; i < TRIES; i++) {
		uint32_t before = __atomic_load_n(changes, __ATOMIC_ACQUIRE);
		uint64_t read[ROW_WORDS];
		for (uint32_t k = 0; k < ROW_WORDS; k++)
			read[k] = __atomic_load_n(&words[k], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		uint32_t after = __atomic_load_n(changes, __ATOMIC_RELAXED);
		if (before != after || (before & 1) != 0)
			continue;
		memcpy(copy, read, sizeof(read));
		return 1;
	}
	return 0;
}

static int is_used(const struct notes *notes, uint32_t row)
{
	uint32_t page = row / NOTES_PAGE_ROWS;
	uint64_t word = __atomic_load_n(&notes->used[page / 64], __ATOMIC_ACQUIRE);
	return (word >> page % 64 & 1) != 0;
}

static int read_row(const struct notes *notes, uint32_t index, union notes_row *row)
{
	const union notes_row *source = &notes->rows[index];
	/* `changes` is at the same place in all. */
	if (!copy_whole(row, source, &source->exporter.changes))
		return 0;
	if (index >= NOTES_SEQUENCES_AT)
		return row->sequence.protocol != 0;
	return index >= NOTES_LOSSES_AT ? row->loss.error != 0 : row->exporter.protocols != 0;
}

uint32_t notes_read(const struct notes *notes, uint32_t *next, uint32_t end, union notes_row *rows,
		    uint32_t room)
{
	uint32_t count = 0;
	uint32_t row = *next;
	end = end < NOTES_ROWS ? end : NOTES_ROWS;
	if (__atomic_load_n(&notes->layout, __ATOMIC_ACQUIRE) != NOTES_LAYOUT)
		row = end;
	while (row < end && count < room) {
		if (!is_used(notes, row)) {
			row += NOTES_PAGE_ROWS - row % NOTES_PAGE_ROWS;
			continue;
		}
		count += (uint32_t)read_row(notes, row, &rows[count]);
		row++;
	}
	*next = row < end ? row : end;
	return count;
}

uint32_t notes_read_events(const struct notes *notes, uint64_t after,
			   struct notes_event events[NOTES_EVENTS])
{
	if (__atomic_load_n(&notes->layout, __ATOMIC_ACQUIRE) != NOTES_LAYOUT)
		return 0;
	uint64_t last = __atomic_load_n(&notes->events, __ATOMIC_ACQUIRE);
	uint64_t number = last > NOTES_EVENTS ? last - NOTES_EVENTS : 0;
	uint32_t count = 0;
	for (number = number > after ? number : after; number < last; number++) {
		const struct notes_event *event = &notes->latest[number % NOTES_EVENTS];
		/* One that was overtaken has another number by now. */
		if (copy_whole(&events[count], event, &event->changes) &&
		    events[count].number == number + 1)
			count++;
	}
	return count;
}
