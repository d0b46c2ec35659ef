/*
 * A ring whose memory says anything, between writers and readers that do nothing wrong: nobody
 * touches other memory or goes on for ever, what is handed over lies in the batch, and the account
 * adds up.
 */
#include "../test/ring_lab.h"
#include "input.h"

static struct ring_lab lab;
static struct input input;

/* Written and damaged is only what lies here, so that little has to be cleared. */
#define USED_BYTES (RING_DATA + 16384u)

static void open_reader(void)
{
	struct ring_reader_options options = {.pipeline = take_8(&input) % RING_PIPELINES,
					      .shard = take_8(&input) % 2,
					      .shard_of_slot = lab.shard_of_slot,
					      .owner = take_8(&input) % 2};
	if (ring_reader_open(&lab.reader, lab.memory, lab.bytes, &lab.state, &options) < 0)
		lab.reader.state = NULL;
}

static void write_record(void)
{
	static uint8_t payload[RING_PAYLOAD_MAX];
	struct ring_record record = {.pipelines = take_32(&input),
				     .length = take_8(&input) % 4 == 0 ? take_16(&input) % 4000
								       : take_8(&input)};
	record.source[15] = take_8(&input);
	if (lab.writer.header != NULL)
		ring_append(&lab.writer, &record, payload);
}

static void damage(void)
{
	static const uint64_t values[] = {
		0, 1, 63, 64, RING_BYTES_MIN, UINT64_MAX, UINT64_MAX - 63};
	struct ring_header *header = (void *)lab.memory;
	uint64_t value =
		take_8(&input) % 2 == 0 ? values[take_8(&input) % 7] : take_32(&input) * 64u;
	uint8_t kind = take_8(&input) % 4;
	uint64_t *word =
		(uint64_t *)(void *)(lab.memory + take_16(&input) % (USED_BYTES - 8) / 8 * 8);
	/* What tells a ring, and how large it is, readers look at once: afterwards it may be
	 * anything. */
	*(kind == 0 ? &header->head : kind == 1 ? &header->reserve : word) = value;
}

static void take_batch(void)
{
	if (lab.reader.state == NULL)
		return;
	uint32_t count = ring_take(&lab.reader, &lab.batch);
	must(count <= RING_LAB_BATCH, "no more than a batch");
	for (uint32_t i = 0; i < count; i++)
		must(lab.packets.offsets[i] <= RING_LAB_BYTES &&
			     lab.packets.lengths[i] <= RING_LAB_BYTES - lab.packets.offsets[i],
		     "payloads lie in the batch");
	struct ring_account a;
	must(ring_read_account(&lab.state, &a) == 0, "the account can be read");
	must(a.sequence - a.first == a.taken + a.other_pipelines + a.other_shards + a.lost,
	     "the account adds up");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (lab.memory == NULL)
		ring_lab_open(&lab, RING_BYTES_MIN);
	input = (struct input){data, size};
	memset(lab.memory, 0, USED_BYTES);
	memset(&lab.state, 0, sizeof(lab.state));
	memset(&lab.reader, 0, sizeof(lab.reader));
	ring_lab_must(ring_init(lab.memory, lab.bytes, 1));
	ring_lab_must(ring_writer_open(&lab.writer, lab.memory, lab.bytes));
	open_reader();
	while (input.left > 0) {
		switch (take_8(&input) % 8) {
		case 0:
		case 1:
		case 2:
			write_record();
			break;
		case 3:
			if (lab.writer.header != NULL)
				ring_publish(&lab.writer);
			break;
		case 4:
			damage();
			break;
		case 5:
			take_batch();
			break;
		case 6:
			open_reader();
			break;
		case 7:
			lab.state.stop_at = take_8(&input);
			if (ring_writer_open(&lab.writer, lab.memory, lab.bytes) < 0)
				lab.writer.header = NULL;
			break;
		}
	}
	return 0;
}
