/* Notes of any packets: memory stays what it is, and what is told of numbers is possible. */
#include <sys/mman.h>

#include "input.h"
#include "notes_rows.h"

static struct notes *notes;
static uint8_t payload[65535];

static void check_sequences(uint32_t packets)
{
	static union notes_row rows[256];
	uint32_t sequences = 0;
	for (uint32_t next = NOTES_SEQUENCES_AT; next < NOTES_ROWS;) {
		uint32_t count = notes_read(notes, &next, NOTES_ROWS, rows, 256);
		for (uint32_t i = 0; i < count; i++) {
			const struct notes_sequence *row = &rows[i].sequence;
			must(row->protocol == NOTES_NETFLOW_V5 ||
				     row->protocol == NOTES_NETFLOW_V9 ||
				     row->protocol == NOTES_IPFIX ||
				     row->protocol == NOTES_SFLOW_V5,
			     "only these have numbers");
			must(row->age < 32 && row->late <= 32, "counts stay in their bounds");
			must(row->lost <= (uint64_t)packets << 31, "a jump is bounded");
		}
		sequences += count;
	}
	must(sequences <= packets, "a packet makes one sequence at most");
}

/* Its first byte says whose it is and how long; the protocols that are looked into come often. */
static void take_packet(struct input *input, uint32_t now_s)
{
	static const uint8_t versions[][4] = {{0, 5}, {0, 9}, {0, 10}, {0, 0, 0, 5}};
	uint8_t kind = take_8(input);
	uint8_t address[16] = {[15] = kind & 3};
	uint32_t length = kind & 128 ? take_16(input) : take_8(input);
	take_bytes(input, payload, length);
	if (kind & 64)
		memcpy(payload, versions[kind / 4 % 4], kind / 4 % 4 == 3 ? 4 : 2);
	struct notes_packet packet = {
		.address = address,
		.payload = payload,
		.length = length,
		.has_rule = kind & 32 ? 1 : 0,
		.is_truncated = kind & 16 ? 1 : 0,
	};
	struct notes_number number;
	uint32_t hash = notes_hash(notes, address, 0);
	notes_read_number(notes, &number, hash, payload, length, packet.has_rule);
	notes_packet(notes, &packet, hash, now_s);
	notes_sequence(notes, &packet, &number, now_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(notes != MAP_FAILED && notes_open(notes, 1000) == 0, "there are notes");
	uint32_t now_s = 1000;
	uint32_t packets = 0;
	for (; input.left > 0; packets++) {
		now_s += take_8(&input) & 7;
		take_packet(&input, now_s);
	}
	check_sequences(packets);
	munmap(notes, sizeof(*notes));
	return 0;
}
