#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "shared.h"

/* Until a reader has looked at so many records of its pipeline, its share is that of its slots. */
#define SHARE_RECORDS 1024u

/* How often a reader that was overtaken is taken to a mark in one call. */
#define JUMPS_MAX 4

#define PAYLOAD_ALIGNMENT 8u

static struct ring_view view_of(const struct ring_reader *reader)
{
	return (struct ring_view){reader->header, reader->data, reader->bytes};
}

static int is_superseded(const struct ring_reader *reader)
{
	return __atomic_load_n(&reader->state->generation, __ATOMIC_ACQUIRE) != reader->generation;
}

static void commit(struct ring_reader *reader)
{
	if (reader->is_changed && !is_superseded(reader))
		ring_write_account(reader->state, &reader->account);
	reader->is_changed = 0;
}

/* What an earlier process has not finished nobody finishes any more. */
static void take_over(struct ring_reader *reader)
{
	struct ring_account *account = &reader->account;
	account->position &= ~(uint64_t)(RING_ALIGNMENT - 1);
	account->abandoned = account->taken - account->done;
	reader->is_changed = 1;
	commit(reader);
}

int ring_reader_open(struct ring_reader *reader, const void *memory, size_t memory_bytes,
		     struct ring_reader_state *state, const struct ring_reader_options *options)
{
	memset(reader, 0, sizeof(*reader));
	reader->bytes = ring_bytes(memory, memory_bytes);
	if (reader->bytes == 0 || options->pipeline >= RING_PIPELINES ||
	    options->shard >= RING_SHARDS)
		return -EINVAL;
	reader->header = memory;
	reader->data = (const uint8_t *)memory + RING_DATA;
	reader->state = state;
	reader->options = *options;
	ring_begin(memory, memory_bytes, state, options->pipeline, options->owner);
	if (ring_read_account(state, &reader->account) < 0)
		return -EINVAL;
	reader->generation = __atomic_load_n(&state->generation, __ATOMIC_RELAXED) + 1;
	__atomic_store_n(&state->pid, options->pid, __ATOMIC_RELAXED);
	__atomic_store_n(&state->generation, reader->generation, __ATOMIC_RELEASE);
	take_over(reader);
	return 0;
}

/* How many of the pipeline's records that were lost this reader would have taken. */
static uint64_t own_share(const struct ring_reader *reader, uint64_t lost)
{
	const struct ring_account *account = &reader->account;
	uint64_t own = account->taken;
	uint64_t all = own + account->other_shards;
	if (all < SHARE_RECORDS) {
		own = 0;
		all = RING_SLOTS;
		for (uint32_t i = 0; i < RING_SLOTS; i++)
			own += reader->options.shard_of_slot[i] == reader->options.shard;
	}
	return own == all ? lost : (uint64_t)((double)lost * (double)own / (double)all + 0.5);
}

/* Goes on at a mark half a ring behind head, or at head where there is none. */
static void jump(struct ring_reader *reader)
{
	struct ring_view view = view_of(reader);
	struct ring_account *account = &reader->account;
	uint64_t head = ring_load_acquire(&view.header->head);
	uint64_t part_bytes = view.bytes / RING_MARKS;
	uint64_t part = head < view.bytes / 2 ? 0 : (head - view.bytes / 2) / part_bytes;
	reader->is_changed = 1;
	for (; part <= head / part_bytes; part++) {
		struct ring_place mark;
		if (!ring_find_mark(&view, part, &mark) || mark.position > head)
			continue;
		uint64_t count = mark.counts[reader->options.pipeline];
		if (count > account->seen)
			account->own_lost += own_share(reader, count - account->seen);
		account->seen = count;
		account->position = mark.position;
		return;
	}
	account->position = head & ~(uint64_t)(RING_ALIGNMENT - 1);
}

/* The ring is damaged here: goes on at head, by whatever sequence is there. */
static void resync(struct ring_reader *reader)
{
	uint64_t head = ring_load_acquire(&reader->header->head);
	reader->account.position = head & ~(uint64_t)(RING_ALIGNMENT - 1);
	reader->account.resyncs++;
	reader->is_resynced = 1;
	reader->is_changed = 1;
}

/*
 * Counts what lies between the sequence that had to come and the one that came. Returns whether the
 * record may be looked at.
 */
static int reach(struct ring_reader *reader, uint64_t sequence, uint64_t stop_at)
{
	struct ring_account *account = &reader->account;
	if (sequence < account->sequence) {
		if (!reader->is_resynced) {
			resync(reader);
			return 0;
		}
		/* What was counted up to there stays counted. */
		account->first -= account->sequence - sequence;
		account->sequence = sequence;
	}
	reader->is_resynced = 0;
	uint64_t to = stop_at != 0 && sequence > stop_at ? stop_at : sequence;
	if (to > account->sequence) {
		account->lost += to - account->sequence;
		account->sequence = to;
		reader->is_changed = 1;
	}
	return to == sequence && (stop_at == 0 || sequence < stop_at);
}

static void describe(const struct ring_batch *batch, uint32_t index, uint32_t offset,
		     const struct ring_record *record)
{
	uint32_t words[4];
	memcpy(words, record->source, sizeof(words));
	for (uint32_t i = 0; i < 4; i++)
		batch->sources[index * 4 + i] = ntohl(words[i]);
	batch->offsets[index] = offset;
	batch->lengths[index] = record->length;
	batch->ports[index] = record->source_port;
	batch->listen_ports[index] = record->listen_port;
	batch->received_ms[index] = (double)record->received_us / 1000;
	if (batch->flags != NULL)
		batch->flags[index] = record->flags;
}

static int is_own_shard(const struct ring_reader *reader, const struct ring_record *record)
{
	uint8_t shard = reader->options.shard_of_slot[ring_slot(record->source)];
	return shard == reader->options.shard;
}

/* What the next step of ring_take is. */
enum step { NEXT, JUMP, END };

struct taking {
	const struct ring_batch *batch;
	uint32_t count;
	uint32_t bytes_used;
	uint64_t stop_at;
};

/* Copies a record out. JUMP when it was overwritten meanwhile, END when there is no room for it. */
static enum step copy_record(struct ring_reader *reader, struct taking *taking,
			     const struct ring_record *record)
{
	const struct ring_batch *batch = taking->batch;
	struct ring_account *account = &reader->account;
	if (taking->count == batch->size || record->length > batch->bytes_size - taking->bytes_used)
		return END;
	uint64_t offset = account->position & (reader->bytes - 1);
	ring_copy_out(batch->bytes + taking->bytes_used,
		      reader->data + offset + sizeof(struct ring_record), record->length);
	struct ring_view view = view_of(reader);
	if (ring_is_overtaken(&view, account->position))
		return JUMP;
	describe(batch, taking->count++, taking->bytes_used, record);
	uint32_t used = (record->length + PAYLOAD_ALIGNMENT - 1) & ~(PAYLOAD_ALIGNMENT - 1);
	uint32_t left = batch->bytes_size - taking->bytes_used;
	taking->bytes_used += used < left ? used : left;
	account->taken++;
	account->bytes += record->length;
	account->truncated += (record->flags & RING_RECORD_TRUNCATED) != 0;
	return NEXT;
}

static enum step take_record(struct ring_reader *reader, struct taking *taking)
{
	struct ring_account *account = &reader->account;
	struct ring_view view = view_of(reader);
	struct ring_record record;
	uint64_t bytes = 0;
	enum ring_look look = ring_look(&view, account->position, &record, &bytes);
	if (look == RING_LOOK_OVERTAKEN)
		return JUMP;
	if (look == RING_LOOK_DAMAGED) {
		resync(reader);
		return END;
	}
	if (look == RING_LOOK_RECORD) {
		if (!reach(reader, record.sequence, taking->stop_at))
			return END;
		uint32_t bit = record.pipelines >> reader->options.pipeline & 1;
		if (bit == 0)
			account->other_pipelines++;
		else if (!is_own_shard(reader, &record))
			account->other_shards++;
		else {
			enum step step = copy_record(reader, taking, &record);
			if (step != NEXT)
				return step;
		}
		account->seen += bit;
		account->sequence++;
	}
	account->position += bytes;
	reader->is_changed = 1;
	return NEXT;
}

static void beat(struct ring_reader_state *state)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ring_store(&state->heartbeat_ms,
		   (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static void finish_batch(struct ring_reader *reader)
{
	struct ring_account *account = &reader->account;
	uint64_t done = account->taken - account->abandoned;
	if (account->done == done)
		return;
	account->done = done;
	reader->is_changed = 1;
}

/* Whether there is anything between the position and head that can be. */
static int is_at_head(struct ring_reader *reader, uint64_t head)
{
	if (reader->account.position > head || head % RING_ALIGNMENT != 0) {
		resync(reader);
		return 1;
	}
	return reader->account.position == head;
}

uint32_t ring_take(struct ring_reader *reader, const struct ring_batch *batch)
{
	struct taking taking = {.batch = batch, .stop_at = ring_load(&reader->state->stop_at)};
	uint32_t jumps = 0;
	reader->has_more = 0;
	if (is_superseded(reader))
		return 0;
	beat(reader->state);
	finish_batch(reader);
	reader->account.batch = reader->account.position;
	for (uint32_t looks = 0;; looks++) {
		uint64_t head = ring_load_acquire(&reader->header->head);
		if (is_at_head(reader, head))
			break;
		enum step step = looks == RING_LOOKS_MAX ? END : take_record(reader, &taking);
		if (step == JUMP && jumps++ < JUMPS_MAX) {
			jump(reader);
			continue;
		}
		if (step != NEXT) {
			reader->has_more =
				taking.stop_at == 0 || reader->account.sequence < taking.stop_at;
			break;
		}
	}
	commit(reader);
	return taking.count;
}

void ring_done(struct ring_reader *reader)
{
	finish_batch(reader);
	commit(reader);
}
