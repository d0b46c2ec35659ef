#include <stdlib.h>
#include <sys/mman.h>

#include "fake_lab.h"
#include "notes_rows.h"
#include "tap.h"

#define NOW_S 1000000u

static struct notes *notes;

/* Notes of which nothing is known; only what is touched takes memory. */
static struct notes *new_notes(void)
{
	void *memory = mmap(NULL, sizeof(struct notes), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	lab_check(notes_open(memory, NOW_S), "no notes");
	return memory;
}

static void free_notes(struct notes *some)
{
	munmap(some, sizeof(*some));
}

static void renew(void)
{
	if (notes != NULL)
		free_notes(notes);
	notes = new_notes();
}

static struct notes_endpoint endpoint(const char *address, uint16_t port)
{
	struct notes_endpoint made = {.port = port};
	lab_address(made.address, address);
	return made;
}

static struct notes_endpoint numbered(uint32_t number)
{
	struct notes_endpoint made = endpoint("10.0.0.0", (uint16_t)(number >> 16 | 1));
	made.address[13] = (uint8_t)(number >> 16);
	made.address[14] = (uint8_t)(number >> 8);
	made.address[15] = (uint8_t)number;
	return made;
}

static void see(const struct notes_endpoint *exporter, int has_rule, const char *payload,
		uint32_t length, uint32_t now_s)
{
	struct notes_packet packet = {
		.address = exporter->address,
		.port = exporter->port,
		.payload = (const uint8_t *)payload,
		.length = length,
		.has_rule = (uint8_t)has_rule,
	};
	notes_packet(notes, &packet, notes_hash(notes, exporter->address, exporter->port), now_s);
}

/* Reads the row of an exporter. Returns how many rows it has. */
static uint32_t read_exporter(const struct notes *some, const struct notes_endpoint *exporter,
			      struct notes_exporter *row)
{
	uint32_t found = 0;
	union notes_row one;
	for (uint32_t next = 0; next < NOTES_LOSSES_AT;) {
		if (notes_read(some, &next, NOTES_LOSSES_AT, &one, 1) == 0)
			break;
		if (one.exporter.port != exporter->port ||
		    memcmp(one.exporter.address, exporter->address, 16) != 0)
			continue;
		*row = one.exporter;
		found++;
	}
	return found;
}

static uint32_t count_rows(uint32_t from, uint32_t end)
{
	static union notes_row rows[1000];
	uint32_t count = 0;
	while (from < end)
		count += notes_read(notes, &from, end, rows, 1000);
	return count;
}

static void test_exporters(void)
{
	renew();
	struct notes_endpoint one = endpoint("192.0.2.1", 2055);
	struct notes_endpoint other = endpoint("2001:db8::1", 0);
	see(&one, 1, "\0\5..", 4, NOW_S);
	see(&one, 1, "\0\x0a.....", 7, NOW_S + 9);
	see(&other, 0, "", 0, NOW_S);
	struct notes_exporter row;
	check(read_exporter(notes, &one, &row) == 1 && row.packets == 2 && row.bytes == 11 &&
		      row.first_s == NOW_S && row.last_s == NOW_S + 9 &&
		      row.protocol == NOTES_IPFIX,
	      "S24: an exporter with its packets and the protocol of the last one");
	check(read_exporter(notes, &other, &row) == 1 && row.packets == 1 && row.bytes == 0 &&
		      row.protocol == NOTES_OTHER,
	      "S24: one that no rule matches, with source port 0 and no payload");
	check_equal(count_rows(0, NOTES_LOSSES_AT), 2, "and no other");
}

static void check_protocol(const char *payload, uint32_t length, uint8_t protocol)
{
	renew();
	struct notes_endpoint exporter = endpoint("192.0.2.1", 1);
	see(&exporter, 1, payload, length, NOW_S);
	struct notes_exporter row = {.protocol = 255};
	read_exporter(notes, &exporter, &row);
	check_equal(row.protocol, protocol, "S24: the protocol by its version word");
}

static void test_protocols(void)
{
	check_protocol("\0\1..", 4, NOTES_NETFLOW_V1);
	check_protocol("\0\5..", 4, NOTES_NETFLOW_V5);
	check_protocol("\0\7..", 4, NOTES_NETFLOW_V7);
	check_protocol("\0\x09..", 4, NOTES_NETFLOW_V9);
	check_protocol("\0\x0a..", 4, NOTES_IPFIX);
	check_protocol("\0\0\0\5", 4, NOTES_SFLOW_V5);
	check_protocol("\0\0\0\4", 4, NOTES_OTHER);
	check_protocol("\0\x08..", 4, NOTES_OTHER);
	check_protocol("\0\5.", 3, NOTES_OTHER);
}

/* More strangers than there is room for, beside one who sends all the time and one with a rule. */
static void test_flood(void)
{
	renew();
	struct notes_endpoint steady = endpoint("203.0.113.1", 9);
	struct notes_endpoint ruled = endpoint("203.0.113.2", 9);
	see(&ruled, 1, "\0\5..", 4, NOW_S);
	uint32_t flood = NOTES_STRANGERS * 4;
	for (uint32_t i = 0; i < flood; i++) {
		struct notes_endpoint forged = numbered(i);
		see(&forged, 0, "....", 4, NOW_S + i / 20000);
		if (i % 1000 < 2)
			see(&steady, 0, "\0\x09..", 4, NOW_S + i / 20000);
	}
	uint32_t kept = count_rows(NOTES_STRANGERS_AT, NOTES_LOSSES_AT);
	check(kept <= NOTES_STRANGERS && kept > NOTES_STRANGERS / 2, "S24: %u strangers are known",
	      kept);
	check_equal(notes->forgotten_strangers + kept, flood + 1,
		    "S24: each that had to make room is counted");
	struct notes_exporter row;
	check(read_exporter(notes, &steady, &row) == 1 && row.packets == (flood + 999) / 1000 * 2,
	      "S24: one who sends is not pushed out");
	check(read_exporter(notes, &ruled, &row) == 1 && notes->forgotten_exporters == 0,
	      "S24: nor one with a rule");
}

/* Those near each other in the table: who has been silent makes room before who has sent less. */
static void test_silent_make_room(void)
{
	renew();
	struct notes_endpoint silent = endpoint("203.0.113.1", 9);
	for (uint32_t i = 0; i < 50; i++)
		see(&silent, 0, "....", 4, NOW_S);
	uint32_t later_s = NOW_S + NOTES_SILENT_S + 1;
	for (uint32_t i = 0; i < NOTES_STRANGERS * 4; i++) {
		struct notes_endpoint newcomer = numbered(i);
		see(&newcomer, 0, "....", 4, later_s);
	}
	struct notes_exporter row;
	check_equal(read_exporter(notes, &silent, &row), 0, "S24: who was silent has made room");
}

static const struct notes_loss *loss_of(const struct notes_endpoint *collector, uint16_t error)
{
	static union notes_row one;
	for (uint32_t next = NOTES_LOSSES_AT; next < NOTES_SEQUENCES_AT;) {
		if (notes_read(notes, &next, NOTES_SEQUENCES_AT, &one, 1) == 0)
			break;
		if (one.loss.port == collector->port && one.loss.error == error &&
		    memcmp(one.loss.collector, collector->address, 16) == 0)
			return &one.loss;
	}
	return NULL;
}

static void check_loss(const char *address, uint16_t port, uint16_t error, uint64_t copies,
		       const char *exporter, const char *name)
{
	struct notes_endpoint collector = endpoint(address, port);
	struct notes_endpoint last = endpoint(exporter, 7);
	const struct notes_loss *row = loss_of(&collector, error);
	check(row != NULL && row->copies == copies && row->exporter_port == last.port &&
		      memcmp(row->exporter, last.address, 16) == 0,
	      "S23: %s", name);
}

/* Opens a sender with notes whose sockets refuse everything so. */
static void open_refusing(int error)
{
	lab_close();
	fake_reset();
	static const int fds4[] = {LAB_FD4};
	static const int fds6[] = {LAB_FD6};
	struct pio_sender_options options = lab_sender_options(fds4, 1, fds6, 1);
	renew();
	options.notes = notes;
	lab_open_sender(&options);
	if (error != 0)
		fake_script_always(error);
}

static uint32_t ruled_packet(const char *source, uint32_t length)
{
	uint32_t packet = lab_packet(source, 7, length);
	lab.packets[packet].input_slot = 5;
	lab.packets[packet].listen_port = 2055;
	return packet;
}

static void test_send_losses(void)
{
	open_refusing(ENETUNREACH);
	uint32_t first = ruled_packet("192.0.2.1", 100);
	uint32_t second = ruled_packet("192.0.2.2", 200);
	uint32_t ipv6 = ruled_packet("2001:db8::1", 10);
	uint32_t collector4 = lab_collector("198.51.100.1", 9995);
	uint32_t collector6 = lab_collector("2001:db8::99", 2055);
	lab.collectors[collector6].flags = TABLE_COLLECTOR_LISTEN_PORT;
	lab_copy(first, collector4);
	lab_copy(second, collector4);
	lab_copy(first, collector6);
	lab_copy(ipv6, collector4);
	lab_send();
	check_loss("198.51.100.1", 9995, ENETUNREACH, 2, "192.0.2.2", "two to one collector");
	check_loss("2001:db8::99", 2055, ENETUNREACH, 1, "192.0.2.1",
		   "an IPv4 exporter on the way to an IPv6 collector is itself");
	check_loss("198.51.100.1", 9995, EAFNOSUPPORT, 1, "2001:db8::1",
		   "a copy that cannot be sent at all");
	check_equal(lab_send_errors(), 4, "all are counted as before");
	struct notes_exporter row;
	struct notes_endpoint exporter = endpoint("192.0.2.1", 7);
	check(read_exporter(notes, &exporter, &row) == 1 && row.lost == 2 && row.packets == 1,
	      "S24: the exporter has lost two copies of one packet");
	struct notes_event events[NOTES_EVENTS];
	check_equal(notes_read_events(notes, 0, events), 4, "S23: the latest losses, one by one");
	check(events[3].kind == NOTES_LOST_SEND && events[3].number == 4 && events[3].at_ms > 0,
	      "each with its kind, number and time");
	check_equal(notes_read_events(notes, 3, events), 1, "those after a number");
	check_equal(events[0].number, 4, "and no others");
}

/* Which table a packet is noted in, by the slot where it is counted. */
static void test_tables(void)
{
	open_refusing(0);
	lab.packets[ruled_packet("192.0.2.1", 10)].input_slot = TABLE_SLOT_MISMATCHED;
	ruled_packet("192.0.2.2", 10);
	lab_send();
	check_equal(count_rows(NOTES_EXPORTERS_AT, NOTES_STRANGERS_AT), 1,
		    "S24: one of them has a rule");
	check_equal(count_rows(NOTES_STRANGERS_AT, NOTES_LOSSES_AT), 1, "S24: and one has none");
}

static void test_full_buffers(void)
{
	open_refusing(0);
	fake.full_fd = LAB_FD4;
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	for (uint32_t i = 0; i < 60; i++)
		lab_copy(ruled_packet("192.0.2.1", 10), collector);
	lab_send();
	check_loss("198.51.100.1", 9995, EAGAIN, 60, "192.0.2.1", "all that a full buffer refused");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAGAIN], 60, "as many as before");
}

static void test_oversize(void)
{
	open_refusing(0);
	fake.mtu = 1500;
	fake.path_mtu = -ENETUNREACH;
	lab_copy(ruled_packet("192.0.2.1", 3000), lab_collector("198.51.100.1", 9995));
	lab_send();
	check_loss("198.51.100.1", 9995, EMSGSIZE, 1, "192.0.2.1", "a copy that is too large");
}

static void test_lost_packets(void)
{
	open_refusing(0);
	uint32_t cut = ruled_packet("192.0.2.1", 10);
	uint32_t ended = ruled_packet("192.0.2.2", 10);
	uint32_t stranded = ruled_packet("192.0.2.3", 10);
	uint32_t probe = ruled_packet("127.0.0.1", 10);
	lab.packets[cut].flags |= PIO_PACKET_TRUNCATED;
	lab.packets[ended].flags |= PIO_PACKET_EXPIRED | PIO_PACKET_ENDED;
	lab.packets[stranded].flags += 2 * PIO_PACKET_NO_COLLECTOR;
	lab.packets[probe].input_slot = TABLE_SLOT_PROBE;
	fake_script_always(EPERM);
	lab_copy(probe, lab_collector("127.0.0.1", 9));
	lab_send();
	struct notes_event events[NOTES_EVENTS];
	uint32_t count = notes_read_events(notes, 0, events);
	check(count == 3 && events[0].kind == NOTES_LOST_TRUNCATED &&
		      events[1].kind == NOTES_LOST_HOP_LIMIT &&
		      events[2].kind == NOTES_LOST_NO_COLLECTOR &&
		      memcmp(events[2].exporter, lab.packets[stranded].source, 16) == 0,
	      "S23: what is lost before it is sent is known by its exporter");
	struct notes_exporter row;
	struct notes_endpoint exporter = endpoint("192.0.2.3", 7);
	check(read_exporter(notes, &exporter, &row) == 1 && row.lost == 2,
	      "S24: two outputs that had no collector for it");
	exporter = endpoint("192.0.2.1", 7);
	check(read_exporter(notes, &exporter, &row) == 1 && row.truncated == 1 && row.lost == 0,
	      "S24: a packet that was cut is not lost");
	exporter = endpoint("127.0.0.1", 7);
	check(read_exporter(notes, &exporter, &row) == 0 &&
		      count_rows(NOTES_LOSSES_AT, NOTES_SEQUENCES_AT) == 0,
	      "our own test datagrams are no exporter, nor losses of a collector");
}

static void test_many_losses(void)
{
	renew();
	struct notes_endpoint exporter = endpoint("192.0.2.1", 7);
	uint32_t pairs = NOTES_LOSSES * 2;
	for (uint32_t i = 0; i < pairs; i++) {
		struct notes_endpoint collector = numbered(i);
		notes_send_loss(notes, &collector, &exporter, EPERM, (uint64_t)(NOW_S + i) * 1000);
	}
	uint64_t copies = 0;
	uint32_t kept = 0;
	union notes_row row;
	for (uint32_t next = NOTES_LOSSES_AT; next < NOTES_SEQUENCES_AT; kept++) {
		if (notes_read(notes, &next, NOTES_SEQUENCES_AT, &row, 1) == 0)
			break;
		copies += row.loss.copies;
	}
	check_equal(copies + notes->forgotten_copies, pairs, "S23: no copy is without an account");
	check_equal(kept + notes->forgotten_losses, pairs, "S23: nor a pair");
	struct notes_endpoint last = numbered(pairs - 1);
	check(loss_of(&last, EPERM) != NULL, "S23: the last one is there");
	struct notes_event events[NOTES_EVENTS];
	check(notes_read_events(notes, 0, events) == NOTES_EVENTS &&
		      events[NOTES_EVENTS - 1].number == pairs,
	      "S23: the latest ones are kept");
}

/* A process that died in the midst of a change, and memory of another layout. */
static void test_after_death(void)
{
	renew();
	struct notes_endpoint exporter = endpoint("192.0.2.1", 7);
	see(&exporter, 1, "....", 4, NOW_S);
	uint32_t hash = notes_hash(notes, exporter.address, exporter.port);
	struct notes_exporter *row = notes_take_exporter(notes, 1, &exporter, hash, NOW_S);
	notes_begin_change(&row->changes);
	check_equal(count_rows(0, NOTES_ROWS), 0, "a row that changes for ever is not read");
	see(&exporter, 1, "....", 4, NOW_S);
	struct notes_exporter seen;
	check(read_exporter(notes, &exporter, &seen) == 1 && seen.packets == 1 &&
		      notes->forgotten_exporters == 0,
	      "and used again by who comes next");
	uint64_t key = notes->key[0];
	lab_check(notes_open(notes, NOW_S + 5), "open");
	check(notes->key[0] == key && notes->since_s == NOW_S, "what is open goes on");
	notes->layout = NOTES_LAYOUT + 1;
	check_equal(count_rows(0, NOTES_ROWS), 0, "what another layout noted is not read");
	struct notes_event events[NOTES_EVENTS];
	check_equal(notes_read_events(notes, 0, events), 0, "nor its events");
	lab_check(notes_open(notes, NOW_S + 5), "open");
	check(count_rows(0, NOTES_ROWS) == 0 && notes->since_s == NOW_S + 5, "it begins anew");
}

static void test_absorb(void)
{
	renew();
	struct notes *sums = new_notes();
	struct notes_endpoint exporter = endpoint("192.0.2.1", 7);
	struct notes_endpoint stranger = endpoint("192.0.2.9", 7);
	struct notes_endpoint collector = endpoint("198.51.100.1", 9);
	for (uint32_t i = 0; i < 2; i++) {
		see(&exporter, 1, "\0\5..", 4, NOW_S + i);
		see(&stranger, 0, "\0\5..", 4, NOW_S + i);
		notes_send_loss(notes, &collector, &exporter, EPERM, (uint64_t)NOW_S * 1000);
		notes_absorb(sums, notes);
		if (i == 0)
			renew();
	}
	struct notes_exporter row;
	check(read_exporter(sums, &exporter, &row) == 1 && row.packets == 2 && row.lost == 2 &&
		      row.first_s == NOW_S && row.last_s == NOW_S + 1 &&
		      row.protocol == NOTES_NETFLOW_V5,
	      "S25: what two forwarders saw of one exporter is added up");
	check(read_exporter(sums, &stranger, &row) == 1 && row.packets == 2, "and of a stranger");
	struct notes *before = notes;
	notes = sums;
	check_loss("198.51.100.1", 9, EPERM, 2, "192.0.2.1", "and of losses");
	check_equal(count_rows(0, NOTES_ROWS), 3, "S25: and no more");
	free_notes(before);
}

int main(void)
{
	test_exporters();
	test_protocols();
	test_flood();
	test_silent_make_room();
	test_send_losses();
	test_tables();
	test_full_buffers();
	test_oversize();
	test_lost_packets();
	test_many_losses();
	test_after_death();
	test_absorb();
	lab_close();
	free_notes(notes);
	fake_forget();
	return tap_done();
}
