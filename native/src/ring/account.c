#include <errno.h>

#include "shared.h"

#define TRIES 16

void ring_write_account(struct ring_reader_state *state, const struct ring_account *account)
{
	uint64_t version = ring_load(&state->version) + 1;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	ring_copy_in(&state->accounts[version % 2], account, sizeof(*account));
	ring_store_release(&state->version, version);
}

int ring_read_account(const struct ring_reader_state *state, struct ring_account *account)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t version = ring_load_acquire(&state->version);
		if (version == 0)
			return -EAGAIN;
		ring_copy_out(account, &state->accounts[version % 2], sizeof(*account));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		/* The one that holds is not written before the other one holds. */
		if (ring_load(&state->version) == version)
			return 0;
	}
	return -EAGAIN;
}

int ring_begin(const void *memory, size_t memory_bytes, struct ring_reader_state *state,
	       uint32_t pipeline, uint64_t owner)
{
	const struct ring_header *header = memory;
	struct ring_view view = {memory, (const uint8_t *)memory + RING_DATA,
				 ring_bytes(memory, memory_bytes)};
	if (view.bytes == 0 || pipeline >= RING_PIPELINES)
		return -EINVAL;
	if (ring_load(&state->version) != 0 && ring_load(&state->ring) == header->id &&
	    ring_load(&state->owner) == owner)
		return 0;
	struct ring_place place = {.position = 0};
	if (ring_find_head(&view, &place) < 0) {
		/* Damaged marks: what is missed is told as lost when the first record comes. */
		place.position = ring_load_acquire(&header->head) & ~(uint64_t)(RING_ALIGNMENT - 1);
		place.sequence = ring_sequence(memory, memory_bytes);
	}
	struct ring_account account = {
		.position = place.position,
		.sequence = place.sequence,
		.first = place.sequence,
		.batch = place.position,
		.seen = place.counts[pipeline],
	};
	ring_store(&state->stop_at, 0);
	ring_store(&state->ring, header->id);
	ring_store(&state->owner, owner);
	ring_write_account(state, &account);
	return 0;
}

void ring_begin_at(struct ring_reader_state *state, const struct ring_reader_state *stopped,
		   uint64_t owner)
{
	struct ring_account there;
	if (ring_read_account(stopped, &there) < 0)
		return;
	struct ring_account account = {
		.position = there.position,
		.sequence = there.sequence,
		.first = there.sequence,
		.batch = there.position,
		.seen = there.seen,
	};
	memset(state, 0, sizeof(*state));
	state->ring = stopped->ring;
	state->owner = owner;
	ring_copy_in(&state->accounts[1], &account, sizeof(account));
	ring_store_release(&state->version, 1);
}
