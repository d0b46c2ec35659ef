/* Counting of records, with a ring that the test writes, and a consumer that is killed. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kernel_engine.h"
#include "lab.h"
#include "tap.h"

#define RING_BYTES (1u << 23)
#define SLOTS 64u
#define STATES 16u

/* What outlives a consumer. */
static struct column {
	uint64_t counters[PIO_COUNTERS];
	struct pio_slot slots[SLOTS];
	struct table_left_out left_out[STATES];
	struct kernel_journal journal;
} * column;
static uint8_t *ring_memory;
static int ring_fd;
static uint64_t written;
static struct pio_packet packets[LAB_BATCH + PIO_SPARE];
static struct notes *notes;

static void *memory_of(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	return memory;
}

static void reset(void)
{
	memset(column, 0, sizeof(*column));
	memset(ring_memory, 0, 2 * 4096 + 2 * RING_BYTES);
	written = 0;
}

/* Appends a record as the kernel does. Returns it. */
static uint8_t *append(const void *record, uint32_t bytes)
{
	uint8_t *header = ring_memory + 2 * 4096 + written;
	memcpy(header + 8, record, bytes);
	memcpy(header, &bytes, sizeof(bytes));
	written += (bytes + 8 + 7) / 8 * 8;
	if (written > RING_BYTES)
		abort();
	__atomic_store_n((uint64_t *)(void *)(ring_memory + 4096), written, __ATOMIC_RELEASE);
	return header;
}

static struct kernel_small small(uint32_t number, uint32_t entries)
{
	struct kernel_small record = {
		.head = {.kind = KERNEL_RECORD_PACKET,
			 .entry_room = KERNEL_SMALL_ENTRIES,
			 .entries = (uint8_t)entries,
			 .input_slot = 2 + number % 5,
			 .source_port = 5000,
			 .length = (uint16_t)(number % 1000),
			 .listen_port = 2055,
			 .hop_limit = 64,
			 .listener = 1},
	};
	lab_address(record.head.source, "203.0.113.1");
	for (uint32_t i = 0; i < entries; i++)
		record.entries[i] = 10 + (number + i) % 7;
	return record;
}

static kernel_consumer_t *open_consumer(pio_sender_t **sender)
{
	struct pio_sender_options options = lab_sender_options(NULL, 0, NULL, 0);
	options.batch.packets = packets;
	options.counters = column->counters;
	options.slots = column->slots;
	options.slot_count = SLOTS;
	options.notes = notes;
	struct kernel_consumer_options wanted = {
		.ring = ring_fd,
		.ring_bytes = RING_BYTES,
		.journal = &column->journal,
		.left_out = column->left_out,
		.left_out_count = STATES,
		/* What is called 1 in the kernel is counted in row 3. */
		.listener_rows = {PIO_LISTENER_NONE, 3},
	};
	kernel_consumer_t *consumer = NULL;
	lab_check(pio_sender_new(sender, &options), "a sender");
	wanted.sender = *sender;
	lab_check(kernel_consumer_new(&consumer, &wanted), "a consumer");
	return consumer;
}

static uint32_t consume_all(void)
{
	pio_sender_t *sender = NULL;
	kernel_consumer_t *consumer = open_consumer(&sender);
	uint32_t all = 0;
	int count;
	while ((count = kernel_consume(consumer)) > 0)
		all += (uint32_t)count;
	kernel_consumer_free(consumer);
	pio_sender_free(sender);
	return all;
}

static void test_counts(void)
{
	reset();
	struct kernel_small record = small(500, 3);
	record.entries[1] = 3 | KERNEL_ENTRY_SAMPLED << KERNEL_ENTRY_SHIFT;
	record.entries[2] = 12 | (uint32_t)ENOBUFS << KERNEL_ENTRY_SHIFT;
	record.head.flags = 2 * PIO_PACKET_NO_COLLECTOR;
	append(&record, sizeof(record));
	record.head.entries = 0;
	record.head.flags = 0;
	record.head.is_dropped = 1;
	append(&record, sizeof(record));
	check_equal(consume_all(), 2, "two records");
	const uint64_t *counters = column->counters;
	check(column->slots[2].packets == 2 && column->slots[2].bytes == 1000, "S1: inputs");
	check(column->slots[13].packets == 1 && column->slots[13].bytes == 500 &&
		      counters[PIO_FORWARDED_PACKETS] == 1 && counters[PIO_FORWARDED_BYTES] == 500,
	      "S2: a copy");
	check(counters[PIO_SEND_ERRORS + ENOBUFS] == 1 && column->slots[12].packets == 0,
	      "S2: one that was refused");
	check(column->left_out[3].sampled[0] == 1 && column->left_out[3].sampled[1] == 500,
	      "R21: one that was left out");
	check(counters[PIO_RECEIVED_PACKETS] == 2 && counters[PIO_RECEIVED_BYTES] == 1000 &&
		      counters[PIO_NO_ELIGIBLE_COLLECTOR] == 2 &&
		      counters[PIO_DROPPED_BY_RULE] == 1,
	      "what the forwarder counts itself");
	const struct pio_listener *listener = (const void *)&counters[PIO_LISTENERS];
	check(listener[3].packets == 2 && listener[3].bytes == 1000 && listener[1].packets == 0,
	      "R27: at the row of its listener");
	check_equal(consume_all(), 0, "they are counted once");
}

static void test_odd_records(void)
{
	reset();
	struct kernel_small record = small(7, 2);
	record.entries[0] = SLOTS;
	record.entries[1] = STATES | KERNEL_ENTRY_SAMPLED << KERNEL_ENTRY_SHIFT;
	record.head.input_slot = SLOTS;
	append(&record, sizeof(record));
	record = small(7, 2);
	record.head.entries = 200;
	append(&record, sizeof(record));
	uint8_t *discarded = append(&record, sizeof(record));
	discarded[3] |= 0x40;
	record = small(7, 1);
	uint8_t *busy = append(&record, sizeof(record));
	busy[3] |= 0x80;
	consume_all();
	const uint64_t *counters = column->counters;
	check(counters[PIO_SEND_ERRORS + EINVAL] == 1 && counters[PIO_RECEIVE_ERRORS + EINVAL] == 1,
	      "slots out of range are errors");
	check_equal(counters[PIO_RECEIVE_ERRORS + EBADMSG], 1, "a record that is none");
	check_equal(counters[PIO_RECEIVED_PACKETS], 1, "one that is being written is waited for");
	busy[3] &= 0x7f;
	check_equal(consume_all(), 1, "until it is there");
}

/* More than a batch, and one that is being written. */
static void test_all(void)
{
	reset();
	struct kernel_small record = small(7, 1);
	pio_sender_t *sender = NULL;
	kernel_consumer_t *consumer = open_consumer(&sender);
	for (uint32_t i = 0; i < 2 * LAB_BATCH; i++)
		append(&record, sizeof(record));
	uint8_t *busy = append(&record, sizeof(record));
	busy[3] |= 0x80;
	append(&record, sizeof(record));
	const uint64_t *received = &column->counters[PIO_RECEIVED_PACKETS];
	check(kernel_consume_all(consumer) == 0 && *received == 2 * LAB_BATCH,
	      "S1: all batches are counted, up to what is being written");
	busy[3] &= 0x7f;
	check(kernel_consume_all(consumer) == 1 && *received == 2 * LAB_BATCH + 2, "then the rest");
	check(kernel_consume_all(consumer) == 1 && *received == 2 * LAB_BATCH + 2, "and no more");
	kernel_consumer_free(consumer);
	pio_sender_free(sender);
}

static void test_notes(void)
{
	reset();
	struct kernel_small record = small(100, 1);
	record.head.payload_bytes = KERNEL_HEADER_BYTES;
	memcpy(record.payload, "\0\5\0\1", 4);
	append(&record, sizeof(record));
	record.payload[19] = 9; /* numbers 1 to 8 are missing */
	append(&record, sizeof(record));
	struct kernel_loss loss = {.port = 2055, .error = ENETDOWN};
	lab_address(loss.address, "198.51.100.7");
	record.head.kind = KERNEL_RECORD_LOSS;
	record.head.entries = 0;
	record.head.payload_bytes = sizeof(loss);
	memcpy(record.payload, &loss, sizeof(loss));
	append(&record, sizeof(record));
	check_equal(consume_all(), 3, "two packets and a loss");
	static union notes_row rows[16];
	struct notes_event events[NOTES_EVENTS];
	uint32_t next = 0;
	uint32_t count = notes_read(notes, &next, NOTES_EXPORTERS, rows, 16);
	check(count == 1 && rows[0].exporter.packets >= 2, "S24: its exporter is known");
	uint32_t told = notes_read_events(notes, 0, events);
	check(told > 0 && events[told - 1].error == ENETDOWN &&
		      events[told - 1].collector_port == 2055 &&
		      memcmp(events[told - 1].collector, loss.address, 16) == 0,
	      "S23: the loss is told with its collector");
}

#define RECORDS 60000u
#define ROUNDS 8
#define STRETCH 1024u /* records: every other has some that were refused */

struct sums {
	uint64_t bytes, copies, sampled, refused;
};

static struct sums append_many(void)
{
	struct sums sums = {0, 0, 0, 0};
	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t copies = i % 4;
		struct kernel_small record = small(i, copies);
		if (copies == 3) {
			record.entries[2] = i % STATES | KERNEL_ENTRY_SAMPLED << KERNEL_ENTRY_SHIFT;
			sums.sampled++;
			copies--;
		} else if (i / STRETCH % 2 == 0 && i % 12 == 2) {
			record.entries[1] |= ENOBUFS << KERNEL_ENTRY_SHIFT;
			sums.refused++;
			copies--;
		}
		sums.copies += copies;
		sums.bytes += i % 1000;
		append(&record, sizeof(record));
	}
	return sums;
}

/* Has consumers count until all is counted, and kills them. Returns how many died. */
static uint32_t kill_consumers(void)
{
	for (uint32_t deaths = 0;; deaths++) {
		pid_t child = fork();
		if (child == 0) {
			consume_all();
			_exit(0);
		}
		usleep((useconds_t)(rand() % 3000));
		/* On a machine that is too slow for that, one gets all the time it needs. */
		if (deaths < 100)
			kill(child, SIGKILL);
		int status = 0;
		waitpid(child, &status, 0);
		if (WIFEXITED(status))
			return deaths;
	}
}

static int are_right(const struct sums *sums)
{
	const uint64_t *counters = column->counters;
	uint64_t slots[2] = {0, 0}, left_out = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		slots[i >= 10] += column->slots[i].packets;
	for (uint32_t i = 0; i < STATES; i++)
		left_out += column->left_out[i].sampled[0];
	return slots[0] == RECORDS && slots[1] == sums->copies && left_out == sums->sampled &&
	       counters[PIO_RECEIVED_PACKETS] == RECORDS &&
	       counters[PIO_RECEIVED_BYTES] == sums->bytes &&
	       counters[PIO_FORWARDED_PACKETS] == sums->copies &&
	       counters[PIO_SEND_ERRORS + ENOBUFS] == sums->refused;
}

/* A consumer that is killed at any moment costs nothing and counts nothing twice. */
static void test_deaths(void)
{
	uint32_t deaths = 0, right = 0;
	for (int round = 0; round < ROUNDS; round++) {
		reset();
		struct sums sums = append_many();
		deaths += kill_consumers();
		right += (uint32_t)are_right(&sums);
	}
	check(right == ROUNDS && deaths > 0, "S6: counts are exact after %u deaths", deaths);
}

/* As if it had died in the middle of a batch. */
static void test_unfinished(void)
{
	reset();
	struct kernel_small record = small(5, 1);
	append(&record, sizeof(record));
	column->slots[2].packets = 40;
	column->counters[PIO_RECEIVED_PACKETS] = 40;
	column->journal.position = 1;
	column->journal.slots = 1;
	column->journal.slot[0].index = 2;
	column->journal.slot[0].before.packets = 39;
	column->journal.counters[PIO_RECEIVED_PACKETS] = 39;
	consume_all();
	check(column->slots[2].packets == 40 && column->counters[PIO_RECEIVED_PACKETS] == 40,
	      "a batch that was not finished is made undone, and counted");
	column->journal.position = 1;
	column->journal.counters[PIO_RECEIVED_PACKETS] = 7;
	consume_all();
	check(column->counters[PIO_RECEIVED_PACKETS] == 40 && column->journal.position == 0,
	      "one of which the ring knows is not");
}

int main(void)
{
	column = memory_of(sizeof(*column));
	notes = memory_of(sizeof(*notes));
	lab_check(notes_open(notes, 1), "notes");
	ring_fd = memfd_create("ring", MFD_CLOEXEC);
	lab_check(ftruncate(ring_fd, 2 * 4096 + 2 * RING_BYTES) < 0 ? -errno : 0, "a ring");
	ring_memory = mmap(NULL, 2 * 4096 + 2 * RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring_fd, 0);
	test_counts();
	test_odd_records();
	test_all();
	test_notes();
	test_deaths();
	test_unfinished();
	return tap_done();
}
