#include <errno.h>

#include "shared.h"

#define TRIES 16

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
