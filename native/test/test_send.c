#include "fake_kernel.h"
#include "lab.h"
#include "tap.h"
#include "wire.h"

static struct wire wire;

static void reset(void)
{
	lab_close();
	fake_reset();
	lab_open_fake();
}

/* Reads what was sent since the last fake_forget; complete datagrams, 0 when one is wrong. */
static uint32_t count_datagrams(void)
{
	uint32_t complete = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		int state = wire_read(&wire, fake.taken[i].data, fake.taken[i].bytes);
		if (state < 0) {
			printf("# packet %u: %s\n", i, wire.error);
			return 0;
		}
		complete += (uint32_t)state;
	}
	return complete;
}

/* Sends count copies of one packet of 100 bytes to one IPv4 collector. */
static void send_copies(uint32_t count)
{
	uint32_t packet = lab_packet("192.0.2.1", 2055, 100);
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	for (uint32_t i = 0; i < count; i++)
		lab_copy(packet, collector);
	lab_send();
}

static void check_counts(uint32_t sent, uint32_t errors, const char *name)
{
	check(lab.slots[1].packets == sent && lab.counters[PIO_FORWARDED_PACKETS] == sent &&
		      lab_send_errors() == errors && fake.taken_count == sent,
	      "%s: %u sent, %u errors", name, sent, errors);
}

static void test_addresses(void)
{
	reset();
	uint32_t ipv4 = lab_packet("192.0.2.1", 2055, 10);
	uint32_t ipv6 = lab_packet("2001:db8::1", 65535, 11);
	uint32_t collector4 = lab_collector("198.51.100.1", 9995);
	uint32_t collector6 = lab_collector("2001:db8::99", 9996);
	lab_copy(ipv4, collector4);
	lab_copy(ipv4, collector6);
	lab_copy(ipv6, collector6);
	lab_copy(ipv6, collector4);
	lab_send();
	check_equal(fake.taken_count, 3, "three of four copies can go");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAFNOSUPPORT], 1,
		    "R3: an IPv6 packet cannot go to an IPv4 collector");
	const struct fake_packet *sent = fake.taken;
	check(wire_read(&wire, sent[0].data, sent[0].bytes) == 1 && wire.source_port == 2055 &&
		      wire.destination_port == 9995 && wire.payload_bytes == 10 &&
		      memcmp(wire.source, "\xc0\x00\x02\x01", 4) == 0 &&
		      memcmp(wire.destination, "\xc6\x33\x64\x01", 4) == 0,
	      "R6: IPv4 to IPv4");
	struct sockaddr_in name4;
	memcpy(&name4, &sent[0].name, sizeof(name4));
	check(sent[0].fd == LAB_FD4 && name4.sin_family == AF_INET &&
		      memcmp(&name4.sin_addr, wire.destination, 4) == 0,
	      "its socket and destination");
	check(wire_read(&wire, sent[1].data, sent[1].bytes) == 1 &&
		      memcmp(wire.source, lab.packets[ipv4].source, 16) == 0 &&
		      memcmp(wire.destination, lab.collectors[collector6].address, 16) == 0,
	      "R6: IPv4 to IPv6: from the mapped address");
	check(sent[1].fd == LAB_FD6 && sent[1].name.sin6_family == AF_INET6 &&
		      sent[1].name.sin6_port == 0 &&
		      memcmp(&sent[1].name.sin6_addr, wire.destination, 16) == 0,
	      "its socket and destination, with port 0");
	check(wire_read(&wire, sent[2].data, sent[2].bytes) == 1 && wire.source_port == 65535 &&
		      memcmp(wire.source, lab.packets[ipv6].source, 16) == 0,
	      "R6: IPv6 to IPv6");
	check(lab.slots[0].packets == 2 && lab.slots[0].bytes == 21, "S1: input counted");
	check(lab.slots[1].packets == 1 && lab.slots[1].bytes == 10, "S2: IPv4 output counted");
	check(lab.slots[2].packets == 2 && lab.slots[2].bytes == 21, "S2: IPv6 output counted");
	check(lab.counters[PIO_FORWARDED_PACKETS] == 3 && lab.counters[PIO_FORWARDED_BYTES] == 31,
	      "all counted together");
}

static void test_prefix(void)
{
	lab_close();
	fake_reset();
	struct pio_options options = lab_options(-1, -1, LAB_FD6);
	memcpy(options.mapped_prefix, "\x00\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
	lab_open(&options);
	uint32_t packet = lab_packet("192.0.2.1", 2055, 0);
	lab_copy(packet, lab_collector("2001:db8::99", 9995));
	lab_copy(packet, lab_collector("198.51.100.1", 9995));
	lab_send();
	uint8_t expected[16];
	lab_address(expected, "64:ff9b::192.0.2.1");
	check(wire_read(&wire, fake.taken[0].data, fake.taken[0].bytes) == 1 &&
		      memcmp(wire.source, expected, 16) == 0,
	      "R6: another prefix for IPv4 sources");
	check_equal(wire.payload_bytes, 0, "R10: a datagram without payload");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAFNOSUPPORT], 1, "no socket of a family");
}

static void test_short_sends(void)
{
	for (uint32_t short_sends = 1; short_sends <= 7; short_sends += 3) {
		reset();
		fake.short_sends = short_sends;
		send_copies(20);
		check_counts(20, 0, "short sends");
		check_equal(fake.sends, (20 + short_sends - 1) / short_sends, "no call too many");
	}
	reset();
	send_copies(3000);
	check_counts(3000, 0, "more copies than one call takes");
	check_equal(fake.sends, 3, "in as few calls as possible");
	check_equal(count_datagrams(), 3000, "all of them right");
}

static void test_refusals(void)
{
	static const int errors[] = {ENOBUFS, ENETUNREACH, EPERM, EINVAL, EIO};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		for (int position = 0; position < 5; position += 2) {
			reset();
			int verdicts[5] = {0};
			verdicts[position] = errors[i];
			fake_script(5, verdicts);
			/* The kernel tells the error of a later message in the next call only. */
			if (position > 0) {
				verdicts[position] = errors[i];
				int again[6] = {0};
				memcpy(again, verdicts, (size_t)(position + 1) * sizeof(int));
				again[position + 1] = errors[i];
				fake_script((uint32_t)position + 2, again);
			}
			send_copies(5);
			check_counts(4, 1, strerror(errors[i]));
			check_equal(lab.counters[PIO_SEND_ERRORS + errors[i]], 1, "by its errno");
		}
	}
	reset();
	int all[10] = {EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM};
	fake_script(10, all);
	send_copies(10);
	check_counts(0, 10, "every copy refused");
	reset();
	fake_script(1, (const int[]){4095});
	send_copies(1);
	check_equal(lab.counters[PIO_SEND_ERRORS + EIO], 1, "an errno beyond the counters is EIO");
}

static void test_interruptions(void)
{
	reset();
	fake_script(3, (const int[]){EINTR, EINTR, EINTR});
	send_copies(2);
	check_counts(2, 0, "EINTR is tried again");
	reset();
	static int forever[8192];
	for (size_t i = 0; i < 8192; i++)
		forever[i] = EINTR;
	fake_script(8192, forever);
	send_copies(2);
	check_counts(0, 2, "EINTR for ever ends");
}

static void test_waiting(void)
{
	reset();
	fake.poll_takes_ms = 10;
	fake_script(5, (const int[]){0, EAGAIN, EAGAIN, EAGAIN, EAGAIN});
	send_copies(3);
	check_counts(3, 0, "EAGAIN is waited for");
	check_equal(lab.counters[PIO_SEND_RETRIES], 3, "each wait is counted");
	check_equal(fake.polls, 3, "and done");

	reset();
	fake.poll_takes_ms = 50;
	static int forever[8192];
	for (size_t i = 0; i < 8192; i++)
		forever[i] = EAGAIN;
	fake_script(8192, forever);
	send_copies(10);
	check_counts(0, 10, "a buffer that stays full");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAGAIN], 10, "copies fail with EAGAIN");
	check_equal(fake.now_ms, 1000 + PIO_SEND_WAIT_MS, "after PIO_SEND_WAIT_MS in all");
	fake.script_length = 0;
	fake_script(1, (const int[]){EAGAIN});
	send_copies(1);
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 1, "the next call may wait again");
}

static void test_fragments(void)
{
	reset();
	fake.mtu = 1500;
	uint32_t small = lab_packet("192.0.2.1", 2055, 1472);
	uint32_t large = lab_packet("192.0.2.1", 2055, 1473);
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	for (uint32_t i = 0; i < 3; i++) {
		lab_copy(small, collector);
		lab_copy(large, collector);
	}
	lab_send();
	check_equal(count_datagrams(), 6, "R8: what fits goes whole, what does not as fragments");
	check_equal(fake.taken_count, 9, "R8: two fragments for each that does not");
	check(lab.counters[PIO_FRAGMENTED] == 3 && lab.counters[PIO_FRAGMENTS] == 6 &&
		      lab.counters[PIO_FORWARDED_PACKETS] == 6 && lab_send_errors() == 0,
	      "R8: counted once each");
	check(lab.slots[1].packets == 6 && lab.slots[1].bytes == 3 * (1472 + 1473),
	      "S2: the payload is counted, not the fragments");
	static const uint32_t expected[] = {1500, 1500, 21, 1500, 1500, 21, 1500, 1500, 21};
	uint32_t in_order = 0;
	for (uint32_t i = 0; i < 9 && i < fake.taken_count; i++)
		in_order += fake.taken[i].bytes == expected[i];
	check_equal(in_order, 9, "R12: fragments and whole packets leave in order");

	fake_forget();
	uint32_t sends = fake.sends;
	fake.path_mtu_asked = 0;
	lab_copy(lab_packet("192.0.2.1", 2055, 1473), collector);
	lab_send();
	check(fake.sends - sends == 1 && fake.path_mtu_asked == 0 && count_datagrams() == 1,
	      "a known MTU costs neither a refusal nor a question");
	fake.now_ms += PIO_MTU_LIFETIME_MS;
	fake.mtu = 9000;
	fake.path_mtu = 9000;
	fake_forget();
	lab_copy(lab_packet("192.0.2.1", 2055, 1473), collector);
	lab_send();
	check(fake.path_mtu_asked == 1 && fake.taken_count == 1,
	      "an old one is asked again: an MTU that has grown is used");
}

static void test_identifications(void)
{
	reset();
	fake.mtu = 1500;
	uint32_t packet = lab_packet("2001:db8::1", 2055, 3000);
	uint32_t collector = lab_collector("2001:db8::99", 9995);
	for (uint32_t i = 0; i < 1000; i++)
		lab_copy(packet, collector);
	lab_send();
	check_equal(count_datagrams(), 1000, "R8: IPv6 fragments");
	uint32_t repeated = 0;
	uint32_t last = 0;
	for (uint32_t i = 0; i < fake.taken_count; i += 3) {
		uint32_t identification;
		memcpy(&identification, fake.taken[i].data + 44, 4);
		repeated += identification == last;
		last = identification;
	}
	check_equal(repeated, 0, "each datagram has its own identification");

	reset();
	fake.mtu = 1500;
	lab.io->next_identification = 0x1fffe;
	collector = lab_collector("198.51.100.1", 9995);
	for (uint32_t i = 0; i < 3; i++)
		lab_copy(lab_packet("192.0.2.1", 2055, 2000), collector);
	lab_send();
	check_equal(count_datagrams(), 3, "IPv4 identification 0 is left out");
}

static void test_shrinking_mtu(void)
{
	reset();
	fake.mtu = 1400;
	fake.path_mtu = 1500;
	fake.path_mtu_next = 1400;
	lab_copy(lab_packet("192.0.2.1", 2055, 4000), lab_collector("198.51.100.1", 9995));
	lab_send();
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 1, "fragments too large: asked once more");
	check_equal(fake.path_mtu_asked, 2, "asked twice in all");
	reset();
	fake.mtu = 1400;
	lab_copy(lab_packet("192.0.2.1", 2055, 4000), lab_collector("198.51.100.1", 9995));
	lab_send();
	check(lab.counters[PIO_SEND_ERRORS + EMSGSIZE] == 1 && fake.path_mtu_asked == 2,
	      "still too large: counted as EMSGSIZE");
	reset();
	fake.mtu = 1400;
	fake.path_mtu = -ENETUNREACH;
	lab_copy(lab_packet("192.0.2.1", 2055, 4000), lab_collector("198.51.100.1", 9995));
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EMSGSIZE], 1, "no MTU known: EMSGSIZE");
	reset();
	fake.mtu = 1400;
	fake.path_mtu = 20;
	lab_copy(lab_packet("192.0.2.1", 2055, 4000), lab_collector("198.51.100.1", 9995));
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EMSGSIZE], 1, "an MTU without room: EMSGSIZE");
}

static void test_refused_fragment(void)
{
	reset();
	fake.mtu = 576;
	uint32_t packet = lab_packet("192.0.2.1", 2055, 3000);
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	for (uint32_t i = 0; i < 2; i++)
		lab_copy(packet, collector);
	fake.path_mtu = 576;
	fake_script(5, (const int[]){EMSGSIZE, 0, 0, ENOBUFS, ENOBUFS});
	lab_send();
	check(lab.counters[PIO_SEND_ERRORS + ENOBUFS] == 1 && lab_send_errors() == 1 &&
		      lab.counters[PIO_FORWARDED_PACKETS] == 1 &&
		      lab.counters[PIO_FRAGMENTED] == 1 && lab.counters[PIO_FRAGMENTS] == 6,
	      "R8: a copy of which a fragment is refused is one error, and the next one goes");

	reset();
	fake.mtu = 68;
	fake.path_mtu = 68;
	fake.short_sends = 5;
	lab_copy(lab_packet("192.0.2.1", 2055, 65507), lab_collector("198.51.100.1", 9995));
	lab_send();
	check(count_datagrams() == 1 && wire.payload_bytes == 65507,
	      "R8: the largest payload at the smallest MTU");
	check_equal(lab.counters[PIO_FRAGMENTS], 1365, "in 1365 fragments");
}

static void test_limits(void)
{
	reset();
	uint32_t collector4 = lab_collector("198.51.100.1", 9995);
	uint32_t collector6 = lab_collector("2001:db8::99", 9995);
	lab_copy(lab_packet("192.0.2.1", 2055, PIO_PAYLOAD4_MAX), collector4);
	lab_copy(lab_packet("192.0.2.1", 2055, PIO_PAYLOAD4_MAX + 1), collector4);
	lab_copy(lab_packet("2001:db8::1", 2055, PIO_PAYLOAD6_MAX), collector6);
	lab_copy(lab_packet("2001:db8::1", 2055, PIO_PAYLOAD6_MAX + 1), collector6);
	lab_send();
	check(count_datagrams() == 2 && lab.counters[PIO_SEND_ERRORS + EMSGSIZE] == 2,
	      "what the length fields cannot tell is EMSGSIZE, one byte less goes");

	reset();
	fake.mtu = 65536;
	fake.path_mtu = 65536;
	lab_copy(lab_packet("2001:db8::1", 2055, PIO_PAYLOAD6_MAX),
		 lab_collector("2001:db8::99", 9995));
	lab_send();
	check(count_datagrams() == 1 && wire.fragments == 2, "R8: over the MTU of loopback");
}

static void test_indexes(void)
{
	reset();
	uint32_t packet = lab_packet("192.0.2.1", 2055, 10);
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	uint32_t no_slot = lab_collector("198.51.100.1", 9995);
	uint32_t no_family = lab_collector("198.51.100.1", 9995);
	lab.collectors[no_slot].output_slot = LAB_SLOTS;
	lab.collectors[no_family].family = 5;
	uint32_t too_long = lab_packet("192.0.2.1", 2055, 10);
	lab.packets[too_long].length = PIO_PAYLOAD_MAX + 1;
	uint32_t no_input = lab_packet("192.0.2.1", 2055, 10);
	lab.packets[no_input].input_slot = UINT32_MAX;
	lab_copy(lab.packet_count, collector);
	lab_copy(UINT32_MAX, collector);
	lab_copy(packet, lab.collector_count);
	lab_copy(packet, UINT32_MAX);
	lab_copy(packet, no_slot);
	lab_copy(packet, no_family);
	lab_copy(too_long, collector);
	lab_copy(packet, collector);
	lab_copy(no_input, collector);
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EINVAL], 7, "copies out of range are EINVAL");
	check_equal(lab.counters[PIO_RECEIVE_ERRORS + EINVAL], 1, "an input slot out of range too");
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 2, "the others go");
	pio_send(lab.io, LAB_BATCH + 3, LAB_COPIES + 5, 7, 9);
	check_equal(lab.counters[PIO_RECEIVE_ERRORS + EINVAL], 1 + 3 + 1, "more packets than room");
	check(lab.counters[PIO_SEND_ERRORS + EINVAL] >= 7 + 5, "more copies than room");
	check(lab.counters[PIO_DROPPED_BY_RULE] == 7 &&
		      lab.counters[PIO_NO_ELIGIBLE_COLLECTOR] == 9,
	      "the caller's counts are added");
	pio_set_collectors(lab.io, NULL, 0);
	uint64_t errors = lab_send_errors();
	lab_copy(0, 0);
	pio_send(lab.io, 1, 1, 0, 0);
	check_equal(lab_send_errors() - errors, 1, "without collectors nothing is sent");
}

static void test_options(void)
{
	struct pio_options options = lab_options(-1, -1, -1);
	pio_t *io;
	options.batch = 0;
	check(pio_new(&io, &options) == -EINVAL && io == NULL, "no batch");
	options.batch = PIO_BATCH_MAX + 1;
	check(pio_new(&io, &options) == -EINVAL, "a batch too large");
	options = lab_options(-1, -1, -1);
	options.buffer_bytes = PIO_PAYLOAD_MAX + 1;
	check(pio_new(&io, &options) == -EINVAL, "a buffer too large");
	options = lab_options(-1, -1, -1);
	options.slots = NULL;
	check(pio_new(&io, &options) == -EINVAL, "slots without memory");
	pio_free(NULL);
}

int main(void)
{
	test_addresses();
	test_prefix();
	test_short_sends();
	test_refusals();
	test_interruptions();
	test_waiting();
	test_fragments();
	test_identifications();
	test_shrinking_mtu();
	test_refused_fragment();
	test_limits();
	test_indexes();
	test_options();
	lab_close();
	fake_forget();
	return tap_done();
}
