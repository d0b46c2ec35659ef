/* Copies that are larger than the MTU of their way. */
#include "fake_lab.h"
#include "tap.h"

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

static void test_several_mtus(void)
{
	reset();
	fake.mtu = 1500;
	fake.path_mtu_next = 1400;
	uint32_t wide = lab_collector("198.51.100.1", 9995);
	uint32_t narrow = lab_collector("198.51.100.2", 9995);
	uint32_t unknown = lab_collector("198.51.100.3", 9995);
	uint32_t packet = lab_packet("192.0.2.1", 2055, 1473);
	lab_copy(packet, wide);
	lab_copy(packet, narrow);
	lab_send();
	check_equal(fake.path_mtu_asked, 2, "each destination is asked for");
	fake_forget();
	packet = lab_packet("192.0.2.1", 2055, 1472);
	lab_copy(packet, wide);
	lab_copy(packet, narrow);
	lab_copy(packet, unknown);
	lab_send();
	check(fake.taken_count == 4 && fake.taken[0].bytes == 1500 && fake.taken[3].bytes == 1500,
	      "R8: only what is over its own MTU is cut");
	check_equal(count_datagrams(), 3, "R8: and all are right");
}

static void test_identifications(void)
{
	reset();
	fake.mtu = 1500;
	send_ipv6(1000, 3000);
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
	lab.sender->next_identification = 0x1fffe;
	uint32_t collector = lab_collector("198.51.100.1", 9995);
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
	send_ipv4(1, 4000);
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 1, "fragments too large: asked once more");
	check_equal(fake.path_mtu_asked, 2, "asked twice in all");
	reset();
	fake.mtu = 1400;
	send_ipv4(1, 4000);
	check(lab.counters[PIO_SEND_ERRORS + EMSGSIZE] == 1 && fake.path_mtu_asked == 2,
	      "still too large: counted as EMSGSIZE");
	reset();
	fake.mtu = 1400;
	fake.path_mtu = -ENETUNREACH;
	send_ipv4(1, 4000);
	check_equal(lab.counters[PIO_SEND_ERRORS + EMSGSIZE], 1, "no MTU known: EMSGSIZE");
	reset();
	fake.mtu = 1400;
	fake.path_mtu = 20;
	send_ipv4(1, 4000);
	check_equal(lab.counters[PIO_SEND_ERRORS + EMSGSIZE], 1, "an MTU without room: EMSGSIZE");
}

static void test_refused_fragment(void)
{
	reset();
	fake.mtu = 576;
	fake.path_mtu = 576;
	fake_script(5, (const int[]){EMSGSIZE, 0, 0, ENOBUFS, ENOBUFS});
	send_ipv4(2, 3000);
	check(lab.counters[PIO_SEND_ERRORS + ENOBUFS] == 1 && lab_send_errors() == 1 &&
		      lab.counters[PIO_FORWARDED_PACKETS] == 1 &&
		      lab.counters[PIO_FRAGMENTED] == 1 && lab.counters[PIO_FRAGMENTS] == 6,
	      "R8: a copy of which a fragment is refused is one error, and the next one goes");

	reset();
	fake.mtu = 68;
	fake.path_mtu = 68;
	fake.short_sends = 5;
	send_ipv4(1, 65507);
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
	send_ipv6(1, PIO_PAYLOAD6_MAX);
	check(count_datagrams() == 1 && wire.fragments == 2, "R8: over the MTU of loopback");
}

int main(void)
{
	test_fragments();
	test_several_mtus();
	test_identifications();
	test_shrinking_mtu();
	test_refused_fragment();
	test_limits();
	lab_close();
	fake_forget();
	return tap_done();
}
