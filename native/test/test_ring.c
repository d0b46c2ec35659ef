/*
 * A ring under torture: one writer as fast as it can, readers that are slower, in threads of their
 * own; and what a ring must not do when its memory says nonsense. make check also builds it with
 * the thread sanitizer.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "ring_lab.h"
#include "tap.h"

#define READERS 3u
#ifdef __SANITIZE_THREAD__
#define RECORDS 50000u
#else
#define RECORDS 400000u
#endif

static struct ring_lab lab;
static atomic_int is_over;

struct torture {
	uint32_t index;
	uint32_t pipeline;
	uint32_t shard;
	struct ring_reader_state *state;
	struct ring_lab_packets packets;
	uint64_t next; /* the smallest number that may come */
	uint64_t wrong;
	uint64_t takes;
};

static struct torture readers[READERS];
static struct ring_reader_state states[READERS];
static uint8_t shards[RING_SLOTS];

static uint32_t mix(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(number >> 40);
}

static uint32_t length_of(uint64_t number)
{
	uint32_t kind = mix(number) % 64;
	if (kind == 0)
		return mix(number + 1) % 60000;
	return kind < 8 ? 0 : 8 + mix(number + 2) % 1500;
}

static uint32_t pipelines_of(uint64_t number)
{
	return 1u + (number % 3 == 0 ? 2u : 0u);
}

static void source_of(uint64_t number, uint8_t source[16])
{
	memset(source, 0, 16);
	uint32_t host = mix(number) % 997;
	memcpy(source + 12, &host, sizeof(host));
}

/* The whole payload is made of the packet's number: a torn one does not match. */
static void fill(uint8_t *payload, uint32_t length, uint64_t number)
{
	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)((number + i / 8 * 31) >> (i % 8 * 8));
}

static void write_record(struct ring_writer *writer, uint64_t number)
{
	static uint8_t payload[65536];
	struct ring_record record = {
		.received_us = number * 1000,
		.pipelines = pipelines_of(number),
		.length = (uint16_t)length_of(number),
		.source_port = (uint16_t)number,
	};
	source_of(number, record.source);
	fill(payload, record.length, number);
	ring_append(writer, &record, payload);
}

static int is_right(const struct torture *self, uint32_t i)
{
	static _Thread_local uint8_t expected[65536];
	const struct ring_lab_packets *packets = &self->packets;
	uint64_t number = (uint64_t)(packets->received_ms[i] + 0.5);
	uint8_t source[16];
	source_of(number, source);
	uint32_t length = length_of(number);
	fill(expected, length, number);
	return number >= self->next && packets->lengths[i] == length &&
	       packets->ports[i] == (uint16_t)number &&
	       (pipelines_of(number) >> self->pipeline & 1) != 0 &&
	       shards[ring_slot(source)] == self->shard &&
	       memcmp(packets->bytes + packets->offsets[i], expected, length) == 0;
}

static void open_reader(struct torture *self, struct ring_reader *reader)
{
	struct ring_reader_options options = {.pipeline = self->pipeline,
					      .shard = self->shard,
					      .shard_of_slot = shards,
					      .owner = 1};
	ring_lab_must(ring_reader_open(reader, lab.memory, lab.bytes, self->state, &options));
}

static void *read_all(void *data)
{
	struct torture *self = data;
	struct ring_reader reader;
	struct ring_batch batch = ring_lab_batch(&self->packets);
	open_reader(self, &reader);
	for (;;) {
		int was_over = atomic_load(&is_over);
		uint32_t count = ring_take(&reader, &batch);
		for (uint32_t i = 0; i < count; i++) {
			self->wrong += !is_right(self, i);
			self->next = (uint64_t)(self->packets.received_ms[i] + 0.5) + 1;
		}
		self->takes++;
		if (count == 0 && !reader.has_more) {
			if (was_over)
				break;
			sched_yield();
		}
		/* The third one is much slower, and dies now and then. */
		if (self->index == 2 && self->takes % 7 == 0)
			for (int i = 0; i < 50; i++)
				sched_yield();
		if (self->index == 2 && self->takes % 101 == 0)
			open_reader(self, &reader);
	}
	ring_done(&reader);
	return NULL;
}

/* Looks at accounts while they change. */
static void *watch(void *data)
{
	uint64_t *wrong = data;
	while (!atomic_load(&is_over)) {
		for (uint32_t i = 0; i < READERS; i++) {
			struct ring_account a;
			if (ring_read_account(&states[i], &a) == 0)
				*wrong += a.sequence - a.first !=
					  a.taken + a.other_pipelines + a.other_shards + a.lost;
		}
		sched_yield();
	}
	return NULL;
}

static void check_account(const struct torture *self, uint64_t own_sent)
{
	struct ring_account a;
	check_equal((uint64_t)ring_read_account(self->state, &a), 0, "its account can be read");
	check_equal(self->wrong, 0, "no record is torn, doubled or out of order");
	check_equal(a.taken + a.other_pipelines + a.other_shards + a.lost, RECORDS,
		    "taken + skipped + lost = sent");
	check_equal(a.taken, a.done + a.abandoned, "each batch is done or abandoned");
	check_equal(a.resyncs, 0, "the ring was never damaged");
	if (self->index != 1)
		check_equal(a.taken + a.own_lost, own_sent,
			    "taken + lost of its own = sent to its pipeline");
	printf("# reader %u: %llu taken, %llu lost, %llu abandoned\n", self->index,
	       (unsigned long long)a.taken, (unsigned long long)a.lost,
	       (unsigned long long)a.abandoned);
}

static void torture(void)
{
	ring_lab_open(&lab, RING_BYTES_MIN);
	memset(states, 0, sizeof(states));
	for (uint32_t i = 0; i < RING_SLOTS; i++)
		shards[i] = 0;
	pthread_t threads[READERS + 1];
	uint64_t wrong_accounts = 0;
	atomic_store(&is_over, 0);
	for (uint32_t i = 0; i < READERS; i++) {
		readers[i] = (struct torture){.index = i, .pipeline = i == 1, .state = &states[i]};
		ring_lab_must(
			ring_begin(lab.memory, lab.bytes, &states[i], readers[i].pipeline, 1));
		pthread_create(&threads[i], NULL, read_all, &readers[i]);
	}
	pthread_create(&threads[READERS], NULL, watch, &wrong_accounts);
	uint64_t second = 0;
	for (uint64_t number = 0; number < RECORDS; number++) {
		write_record(&lab.writer, number);
		second += pipelines_of(number) >> 1;
		if (mix(number) % 32 == 0)
			ring_publish(&lab.writer);
		/* Another process goes on where one has died with records that it never published.
		 */
		if (number % 10007 == 0) {
			ring_publish(&lab.writer);
			for (uint64_t i = 0; i < 100; i++)
				write_record(&lab.writer, number + i);
			ring_lab_must(ring_writer_open(&lab.writer, lab.memory, lab.bytes));
		}
		if (number % 64 == 0)
			sched_yield();
	}
	ring_publish(&lab.writer);
	atomic_store(&is_over, 1);
	for (uint32_t i = 0; i <= READERS; i++)
		pthread_join(threads[i], NULL);
	check_equal(ring_sequence(lab.memory, lab.bytes), RECORDS, "all were published");
	check_equal(wrong_accounts, 0, "accounts are whole at any time");
	for (uint32_t i = 0; i < READERS; i++)
		check_account(&readers[i], i == 1 ? second : RECORDS);
	check(readers[2].takes > 0, "the slow one took some");
}

static uint32_t take_from(const struct ring_record *record)
{
	ring_lab_open(&lab, RING_BYTES_MIN);
	ring_lab_reader(&lab, 0);
	for (uint64_t i = 0; i < 10; i++)
		write_record(&lab.writer, i);
	ring_publish(&lab.writer);
	memcpy(lab.memory + RING_DATA, record, sizeof(*record));
	uint32_t count = ring_take(&lab.reader, &lab.batch);
	write_record(&lab.writer, 10);
	ring_publish(&lab.writer);
	return count + ring_take(&lab.reader, &lab.batch);
}

static void test_damage(void)
{
	struct ring_record record = {.pipelines = 1, .flags = RING_RECORD_PAD};
	check_equal(take_from(&record), 1, "a pad that jumps over what comes: goes on behind it");
	record = (struct ring_record){.sequence = UINT64_MAX, .pipelines = 1, .length = 1};
	take_from(&record);
	check(1, "a sequence of the far future");
	struct ring_header *header = (void *)lab.memory;
	static const uint64_t heads[] = {0, 1, 63, 64, UINT64_MAX, UINT64_MAX - 63, 1ull << 40};
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		header->head = heads[i];
		header->reserve = heads[i] + 1000;
		check(ring_take(&lab.reader, &lab.batch) <= RING_LAB_BATCH, "head %zu", i);
		struct ring_writer writer;
		ring_writer_open(&writer, lab.memory, lab.bytes);
	}
	memset(lab.memory, 0xff, RING_DATA);
	struct ring_writer writer;
	check(ring_writer_open(&writer, lab.memory, lab.bytes) < 0, "no ring");
	header->magic = RING_MAGIC;
	header->layout = RING_LAYOUT;
	header->bytes = RING_BYTES_MIN * 2;
	check(ring_writer_open(&writer, lab.memory, lab.bytes) < 0, "larger than its memory");
	check_equal(ring_sequence(lab.memory, lab.bytes), 0, "which has no sequence");
}

int main(void)
{
	torture();
	test_damage();
	ring_lab_close(&lab);
	return tap_done();
}
