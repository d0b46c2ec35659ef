#include "fake_lab.h"
#include "tap.h"

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
	struct pio_sender_options options = lab_sender_options(NULL, 0, (const int[]){LAB_FD6}, 1);
	memcpy(options.mapped_prefix, "\x00\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
	lab_open_sender(&options);
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

static void check_hop_limit(uint8_t arrived, uint32_t leaving)
{
	reset();
	uint32_t collectors[] = {lab_collector("198.51.100.1", 9995),
				 lab_collector("2001:db8::99", 9995)};
	uint32_t packets[] = {lab_packet("192.0.2.1", 2055, 2000),
			      lab_packet("2001:db8::1", 2055, 2000)};
	lab.packets[packets[0]].hop_limit = arrived;
	lab.packets[packets[1]].hop_limit = arrived;
	fake.mtu = 1500;
	lab_copy(packets[0], collectors[0]);
	lab_copy(packets[0], collectors[1]);
	lab_copy(packets[1], collectors[1]);
	lab_send();
	uint32_t right = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++)
		right += wire_read(&wire, fake.taken[i].data, fake.taken[i].bytes) >= 0 &&
			 wire.hop_limit == leaving;
	check(leaving == 0 ? fake.taken_count == 0 : right == 6 && fake.taken_count == 6,
	      "R14: a hop limit of %u leaves as %u, in fragments too", arrived, leaving);
	check_equal(lab.counters[PIO_SEND_ERRORS + EINVAL], leaving == 0 ? 3 : 0,
		    "and what may not go is refused");
}

static void test_hop_limits(void)
{
	check_hop_limit(255, 64);
	check_hop_limit(65, 64);
	check_hop_limit(64, 63);
	check_hop_limit(2, 1);
	check_hop_limit(1, 0);
	check_hop_limit(0, 0);
}

static void test_short_sends(void)
{
	for (uint32_t short_sends = 1; short_sends <= 7; short_sends += 3) {
		reset();
		fake.short_sends = short_sends;
		send_ipv4(20, 100);
		check_counts(20, 0, "short sends");
		check_equal(fake.sends, (20 + short_sends - 1) / short_sends, "no call too many");
	}
	reset();
	send_ipv4(3000, 100);
	check_counts(3000, 0, "more copies than one call takes");
	check_equal(fake.sends, (3000 + PIO_QUEUE_MESSAGES - 1) / PIO_QUEUE_MESSAGES,
		    "in as few calls as possible");
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
			send_ipv4(5, 100);
			check_counts(4, 1, strerror(errors[i]));
			check_equal(lab.counters[PIO_SEND_ERRORS + errors[i]], 1, "by its errno");
		}
	}
	reset();
	int all[10] = {EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM, EPERM};
	fake_script(10, all);
	send_ipv4(10, 100);
	check_counts(0, 10, "every copy refused");
	reset();
	fake_script(1, (const int[]){4095});
	send_ipv4(1, 100);
	check_equal(lab.counters[PIO_SEND_ERRORS + EIO], 1, "an errno beyond the counters is EIO");
}

static void test_interruptions(void)
{
	reset();
	fake_script(3, (const int[]){EINTR, EINTR, EINTR});
	send_ipv4(2, 100);
	check_counts(2, 0, "EINTR is tried again");
	reset();
	fake_script_always(EINTR);
	send_ipv4(2, 100);
	check_counts(0, 2, "EINTR for ever ends");
}

static void test_waiting(void)
{
	reset();
	fake.poll_takes_ms = 10;
	fake_script(5, (const int[]){0, EAGAIN, EAGAIN, EAGAIN, EAGAIN});
	send_ipv4(3, 100);
	check_counts(3, 0, "EAGAIN is waited for");
	check_equal(lab.counters[PIO_SEND_RETRIES], 3, "each wait is counted");
	check_equal(fake.polls, 3, "and done");

	reset();
	fake.poll_takes_ms = 50;
	fake_script_always(EAGAIN);
	send_ipv4(10, 100);
	check_counts(0, 10, "a buffer that stays full");
	check_equal(lab.counters[PIO_SEND_ERRORS + EAGAIN], 10, "copies fail with EAGAIN");
	check(fake.now_ms - 1000 <= PIO_SEND_WAIT_MS, "after PIO_SEND_WAIT_MS in all");
	uint64_t waited_until = fake.now_ms;
	uint32_t sends = fake.sends;
	send_ipv4(10, 100);
	check(fake.now_ms == waited_until && fake.sends == sends + 1,
	      "and at once from then on, with one call");
	fake.now_ms += PIO_SEND_PERIOD_MS - 1;
	send_ipv4(1, 100);
	check_equal(lab.counters[PIO_SEND_ERRORS + EAGAIN], 21, "also a while later");
	fake.now_ms += PIO_SEND_PERIOD_MS;
	fake_script(1, (const int[]){EAGAIN});
	send_ipv4(1, 100);
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 1,
		    "one that was not full for a while is waited for again");
}

static void test_listen_port(void)
{
	reset();
	uint32_t packet = lab_packet("192.0.2.1", 2055, 10);
	lab.packets[packet].listen_port = 4739;
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	lab.collectors[collector].flags = TABLE_COLLECTOR_LISTEN_PORT;
	lab_copy(packet, collector);
	lab_copy(packet, lab_collector("198.51.100.1", 9995));
	lab_send();
	check(wire_read(&wire, fake.taken[0].data, fake.taken[0].bytes) == 1 &&
		      wire.destination_port == 4739,
	      "R5: a collector without port gets it on the port on which it arrived");
	check(wire_read(&wire, fake.taken[1].data, fake.taken[1].bytes) == 1 &&
		      wire.destination_port == 9995,
	      "one with a port on its own");
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
	lab.packets[too_long].length = 101;
	lab.sender->options.batch.payload_bytes = 100;
	uint32_t no_input = lab_packet("192.0.2.1", 2055, 10);
	lab.packets[no_input].input_slot = UINT32_MAX;
	uint32_t beyond = lab_packet("192.0.2.1", 2055, 10);
	/* What lies behind the slots. */
	lab.slots[LAB_SLOTS - 1] = (struct pio_slot){7, 70};
	lab.sender->options.slot_count = LAB_SLOTS - 1;
	lab.packets[beyond].input_slot = LAB_SLOTS - 1;
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
	check_equal(lab.counters[PIO_RECEIVE_ERRORS + EINVAL], 2, "an input slot out of range too");
	check(lab.slots[LAB_SLOTS - 1].packets == 7 && lab.slots[LAB_SLOTS - 1].bytes == 70,
	      "what is behind the slots is left alone");
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 2, "the others go");
	pio_send(lab.sender, LAB_BATCH + 3, LAB_COPIES + 5);
	check_equal(lab.counters[PIO_RECEIVE_ERRORS + EINVAL], 2 + 3 + 2, "more packets than room");
	check(lab.counters[PIO_SEND_ERRORS + EINVAL] >= 7 + 5, "more copies than room");
	pio_set_collectors(lab.sender, NULL, 0, lab.leaves, LAB_LEAVES);
	uint64_t errors = lab_send_errors();
	lab_copy(0, 0);
	pio_send(lab.sender, 1, 1);
	check_equal(lab_send_errors() - errors, 1, "without collectors nothing is sent");
}

static void test_options(void)
{
	struct pio_sender_options options = lab_sender_options(NULL, 0, NULL, 0);
	pio_sender_t *sender;
	options.batch.size = 0;
	check(pio_sender_new(&sender, &options) == -EINVAL && sender == NULL, "no batch");
	options.batch.size = PIO_BATCH_MAX + 1;
	check(pio_sender_new(&sender, &options) == -EINVAL, "a batch too large");
	options = lab_sender_options(NULL, 0, NULL, 0);
	options.batch.payload_bytes = PIO_PAYLOAD_MAX + 1;
	check(pio_sender_new(&sender, &options) == -EINVAL, "payloads too large");
	options = lab_sender_options(NULL, 0, NULL, 0);
	options.slots = NULL;
	check(pio_sender_new(&sender, &options) == -EINVAL, "slots without memory");
	options = lab_sender_options(NULL, 0, NULL, 1);
	check(pio_sender_new(&sender, &options) == -EINVAL, "sockets without descriptors");
	options = lab_sender_options((const int[]){LAB_FD4}, PIO_SOCKETS_MAX + 1, NULL, 0);
	check(pio_sender_new(&sender, &options) == -EINVAL, "too many sockets");
	pio_sender_free(NULL);
}

int main(void)
{
	test_addresses();
	test_prefix();
	test_hop_limits();
	test_short_sends();
	test_refusals();
	test_interruptions();
	test_waiting();
	test_listen_port();
	test_indexes();
	test_options();
	lab_close();
	fake_forget();
	return tap_done();
}
