/* What the numbers of datagrams say of those that did not come. */
#include <stdlib.h>
#include <sys/mman.h>

#include "fake_lab.h"
#include "notes_rows.h"
#include "tap.h"

#define NOW_S 1000000u

static struct notes *notes;
static uint32_t now_s;
static uint8_t exporter_address[16];
static uint16_t exporter_port;
static uint8_t message[65535];
static uint32_t message_bytes;

static void renew(void)
{
	if (notes != NULL)
		munmap(notes, sizeof(*notes));
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (notes == MAP_FAILED)
		abort();
	now_s = NOW_S;
	lab_check(notes_open(notes, now_s), "no notes");
	lab_address(exporter_address, "192.0.2.1");
	exporter_port = 4000;
}

static void put(uint32_t value, uint32_t bytes)
{
	for (uint32_t i = bytes; i > 0; i--)
		message[message_bytes++] = (uint8_t)(i > 4 ? 0 : value >> (i - 1) * 8);
}

static void come(int has_rule)
{
	struct notes_packet packet = {
		.address = exporter_address,
		.port = exporter_port,
		.payload = message,
		.length = message_bytes,
		.has_rule = (uint8_t)has_rule,
	};
	struct notes_number number;
	uint32_t hash = notes_hash(notes, exporter_address, exporter_port);
	notes_read_number(notes, &number, hash, message, message_bytes, has_rule);
	notes_sequence(notes, &packet, &number, now_s);
}

static void begin(uint32_t version, uint32_t bytes)
{
	message_bytes = 0;
	put(version, bytes);
}

/* A datagram of NetFlow v5 with so many flows. */
static void v5(uint32_t sequence, uint32_t flows, uint32_t uptime_ms)
{
	begin(5, 2);
	put(flows, 2);
	put(uptime_ms, 4);
	put(0, 8);
	put(sequence, 4);
	put(0x0102, 2);
	put(0, 2);
	come(1);
}

static void v9(uint32_t sequence, uint32_t source_id, uint32_t uptime_ms)
{
	begin(9, 2);
	put(1, 2);
	put(uptime_ms, 4);
	put(0, 4);
	put(sequence, 4);
	put(source_id, 4);
	come(1);
}

static void sflow(uint32_t sequence, uint32_t agent, uint32_t sub_agent, uint32_t uptime_ms)
{
	begin(5, 4);
	put(1, 4);
	put(agent, 4);
	put(sub_agent, 4);
	put(sequence, 4);
	put(uptime_ms, 4);
	put(0, 4);
	come(1);
}

static void begin_ipfix(uint32_t sequence, uint32_t domain)
{
	begin(10, 2);
	put(0, 2);
	put(0, 4);
	put(sequence, 4);
	put(domain, 4);
}

static void end_ipfix(void)
{
	uint32_t bytes = message_bytes;
	message_bytes = 2;
	put(bytes, 2);
	message_bytes = bytes;
	come(1);
}

/* Fields of these lengths. */
static void put_template(uint32_t id, const uint32_t *lengths, uint32_t count)
{
	put(2, 2);
	put(8 + count * 4, 2);
	put(id, 2);
	put(count, 2);
	for (uint32_t i = 0; i < count; i++) {
		put(i + 1, 2);
		put(lengths[i], 2);
	}
}

static void put_data(uint32_t id, uint32_t bytes)
{
	put(id, 2);
	put(4 + bytes, 2);
	for (uint32_t i = 0; i < bytes; i++)
		put(0, 1);
}

/* So many records of twelve bytes. */
static void ipfix(uint32_t sequence, uint32_t records)
{
	begin_ipfix(sequence, 7);
	put_data(256, records * 12);
	end_ipfix();
}

static void ipfix_template(uint32_t sequence)
{
	static const uint32_t lengths[] = {4, 8};
	begin_ipfix(sequence, 7);
	put_template(256, lengths, 2);
	end_ipfix();
}

/* What all sequences have lost, with what may still come. */
static uint64_t lost(void)
{
	uint64_t sum = 0;
	union notes_row row;
	for (uint32_t next = NOTES_SEQUENCES_AT; next < NOTES_ROWS;) {
		if (notes_read(notes, &next, NOTES_ROWS, &row, 1) == 0)
			break;
		sum += row.sequence.lost;
	}
	return sum;
}

static uint32_t count_sequences(uint32_t from, uint32_t end)
{
	static union notes_row rows[1000];
	uint32_t count = 0;
	while (from < end)
		count += notes_read(notes, &from, end, rows, 1000);
	return count;
}

/* What is missing by now does not come any more. */
static uint64_t lost_in_the_end(void)
{
	uint64_t sum = 0;
	for (uint32_t row = NOTES_SEQUENCES_AT; row < NOTES_ROWS; row++) {
		const struct notes_sequence *sequence = &notes->rows[row].sequence;
		sum += sequence->lost + sequence->missing + sequence->missing_before;
	}
	return sum;
}

static void test_whole(void)
{
	renew();
	for (uint32_t i = 0; i < 1000; i++) {
		v5(i * 30, 30, i);
		v9(i - 5, 1, i);
		sflow(i, 1, 2, i);
		if (i % 20 == 0)
			ipfix_template(i * 3);
		ipfix(i * 3, 3);
	}
	check_equal(lost_in_the_end(), 0, "S45: nothing is missing, also where numbers wrap");
	check_equal(count_sequences(NOTES_SEQUENCES_AT, NOTES_STRANGE_SEQUENCES_AT), 4,
		    "S45: each protocol counts by itself");
}

static void test_missing(void)
{
	renew();
	for (uint32_t i = 0; i < 200; i++) {
		if (i >= 100 && i < 103)
			continue;
		v5(i * 30, 30, i);
	}
	check_equal(lost(), 90, "S45: three datagrams of thirty flows are missing");
	renew();
	for (uint32_t i = 0; i < 170; i++) {
		if (i % 50 != 10)
			v9(i, 3, i);
	}
	check_equal(lost(), 3, "S45: three of NetFlow v9 by now");
	check_equal(lost_in_the_end(), 4, "S45: and one that may still come");
	renew();
	for (uint32_t i = 0; i < 100; i++) {
		if (i != 10)
			sflow(i, 1, 2, i);
	}
	check_equal(lost(), 1, "S45: one of sFlow");
	renew();
	ipfix_template(0);
	for (uint32_t i = 0; i < 100; i++) {
		if (i != 10)
			ipfix(i * 3, 3);
	}
	check_equal(lost(), 3, "S45: three records of IPFIX");
}

static void test_domains(void)
{
	renew();
	for (uint32_t i = 0; i < 100; i++) {
		v9(i, 1, i);
		v9(i * 3 + 50, 2, i);
		sflow(i + 77, 1, 1, i);
		sflow(i + 99, 1, 2, i);
		sflow(i + 5, 2, 1, i);
	}
	check_equal(lost_in_the_end(), 198, "S45: each domain and each sub-agent counts by itself");
}

static void test_reordering(void)
{
	renew();
	for (uint32_t i = 0; i < 300; i += 3) {
		v9(i + 2, 1, i);
		v9(i, 1, i);
		v9(i + 1, 1, i);
		v5((i + 1) * 10, 10, i);
		v5(i * 10, 10, i);
		v5((i + 2) * 10, 10, i);
	}
	check_equal(lost_in_the_end(), 0, "S45: what comes in another order is not lost");
	renew();
	for (uint32_t i = 0; i < 100; i++) {
		if (i % 10 != 5) {
			v9(i, 1, i);
			v9(i, 1, i);
		}
	}
	check_equal(lost_in_the_end(), 10, "S45: a copy of a datagram is none that was missing");
}

static void test_restarts(void)
{
	renew();
	for (uint32_t i = 0; i < 100; i++)
		v9(5000 + i, 1, 100000000 + i);
	for (uint32_t i = 0; i < 100; i++)
		v9(i, 1, 1000 + i);
	check_equal(lost_in_the_end(), 0, "S45: an uptime that goes back is a restart");
	for (uint32_t i = 0; i < 100; i++)
		v9(3000000000u + i, 1, 2000 + i);
	check_equal(lost_in_the_end(), 0, "S45: and a jump beyond what can be lost");
	renew();
	ipfix_template(5000);
	for (uint32_t i = 0; i < 100; i++)
		ipfix(5000 + i, 1);
	for (uint32_t i = 0; i < 100; i++)
		ipfix(i, 1);
	check_equal(lost_in_the_end(), 0, "S45: and numbers that stay behind");
	renew();
	v9(10, 1, 10);
	now_s += 3600;
	notes_open(notes, now_s);
	v9(5000, 1, 10);
	check_equal(lost_in_the_end(), 0, "S45: what came while nobody looked is not known");
}

static void test_silence(void)
{
	renew();
	v9(1, 1, 1000);
	now_s += 60;
	v9(3, 1, 61000);
	check_equal(lost(), 0, "S45: what has just been missed may come late");
	now_s += 60;
	v9(4, 1, 121000);
	check_equal(lost(), 1, "S45: and not a minute later, though few datagrams come");
}

/* Exporters that count otherwise than the standards say. */
static void test_quirks(void)
{
	renew();
	ipfix_template(0);
	for (uint32_t i = 0; i < 200; i++)
		ipfix(i, 2 + i % 5);
	uint64_t before = lost_in_the_end();
	for (uint32_t i = 200; i < 300; i++) {
		if (i != 250)
			ipfix(i, 2 + i % 5);
	}
	check_equal(lost_in_the_end() - before, 1, "S45: IPFIX that counts datagrams");
	renew();
	ipfix_template(0);
	uint32_t sum = 0;
	for (uint32_t i = 0; i < 200; i++)
		ipfix(sum += 2 + i % 5, 2 + i % 5);
	check(lost_in_the_end() < 40, "S45: IPFIX that counts the records of the message too");
	renew();
	for (uint32_t i = 0; i < 200; i++)
		v9(77, 1, i);
	check_equal(lost_in_the_end(), 0, "S45: one that does not count");
	renew();
	for (uint32_t i = 0; i < 100; i++)
		ipfix(i * 7, 1);
	check_equal(lost_in_the_end(), 0, "S45: records without a template are not known");
}

static void test_variable(void)
{
	static const uint32_t lengths[] = {4, 65535, 2, 65535};
	renew();
	begin_ipfix(0, 7);
	put_template(300, lengths, 4);
	end_ipfix();
	for (uint32_t i = 0; i < 100; i++) {
		begin_ipfix(i * 2, 7);
		put(300, 2);
		put(4 + (4 + 1 + 3 + 2 + 3 + 300) + (4 + 1 + 0 + 2 + 1 + 1) + 2, 2);
		for (uint32_t k = 0; k < 2; k++) {
			uint32_t first = k == 0 ? 3 : 0;
			uint32_t second = k == 0 ? 300 : 1;
			put(0, 4);
			put(first, 1);
			message_bytes += first;
			put(0, 2);
			if (second > 254)
				put(255, 1);
			put(second, second > 254 ? 2 : 1);
			message_bytes += second;
		}
		put(0, 2);
		if (i != 50)
			end_ipfix();
	}
	check_equal(lost_in_the_end(), 2,
		    "S45: records whose length is in themselves, and padding");
}

static void forged(uint32_t i, int has_rule)
{
	exporter_address[14] = (uint8_t)(i >> 8);
	exporter_address[15] = (uint8_t)i;
	exporter_port = (uint16_t)(i >> 16 | 1);
	begin(9, 2);
	put(1, 2);
	put(i, 4);
	put(0, 4);
	put(i * 77, 4);
	put(i, 4);
	come(has_rule);
}

static void test_flood(void)
{
	renew();
	for (uint32_t i = 0; i < 500; i++)
		v9(i, 1, i);
	for (uint32_t i = 0; i < NOTES_STRANGE_SEQUENCES * 8; i++)
		forged(i, 0);
	check(count_sequences(NOTES_STRANGE_SEQUENCES_AT, NOTES_ROWS) <= NOTES_STRANGE_SEQUENCES,
	      "S45: strangers push out each other");
	for (uint32_t i = 0; i < NOTES_SEQUENCES * 4; i++)
		forged(i, 1);
	check(notes->forgotten_sequences > NOTES_SEQUENCES, "S45: who finds no room is counted");
	lab_address(exporter_address, "192.0.2.1");
	exporter_port = 4000;
	v9(502, 1, 501);
	check_equal(lost_in_the_end(), 2, "S45: one that has sent for a while stays");
}

static void test_absorb(void)
{
	renew();
	for (uint32_t i = 0; i < 100; i++) {
		if (i % 50 != 10)
			v9(i, 3, i);
	}
	struct notes *other = notes;
	notes = NULL;
	renew();
	notes_absorb(notes, other);
	check_equal(lost(), 2, "S25: what a forwarder that is no more missed is known");
	munmap(other, sizeof(*other));
}

int main(void)
{
	test_whole();
	test_missing();
	test_domains();
	test_reordering();
	test_restarts();
	test_silence();
	test_quirks();
	test_variable();
	test_flood();
	test_absorb();
	munmap(notes, sizeof(*notes));
	return tap_done();
}
