/* Copies to pipelines: what the sender appends to its ring, and what readers make of it. */
#include "fake_lab.h"
#include "ring_lab.h"
#include "tap.h"

static struct ring_lab ring;

static void open_lab(int has_ring)
{
	lab_close();
	fake_reset();
	ring_lab_open(&ring, RING_BYTES_MIN);
	struct pio_sender_options options =
		lab_sender_options((const int[]){LAB_FD4}, 1, (const int[]){LAB_FD6}, 1);
	options.ring = has_ring ? &ring.writer : NULL;
	lab_open_sender(&options);
}

static uint32_t pipeline(uint8_t index)
{
	uint32_t collector = lab_collector("::", 0);
	lab.collectors[collector].family = 0;
	lab.collectors[collector].pipeline = index;
	return collector;
}

static void test_once(void)
{
	open_lab(1);
	uint32_t one = pipeline(0);
	uint32_t other = pipeline(31);
	uint32_t collector = lab_collector("198.51.100.1", 9995);
	ring_lab_reader(&ring, 0);
	uint32_t packets[] = {lab_packet("192.0.2.1", 65535, 100), lab_packet("192.0.2.2", 1, 0),
			      lab_packet("2001:db8::1", 2055, PIO_PAYLOAD_MAX)};
	lab.packets[packets[0]].listen_port = 2055;
	lab.packets[packets[0]].flags |= PIO_PACKET_TRUNCATED;
	lab_copy(packets[0], one);
	lab_copy(packets[0], collector);
	lab_copy(packets[0], other);
	lab_copy(packets[1], collector);
	lab_copy(packets[2], other);
	lab_copy(packets[2], one);
	lab_send();
	check_equal(fake.taken_count, 2, "R17: collectors get their copies as ever");
	check(lab.slots[1].packets == 2 && lab.slots[1].bytes == 100 + PIO_PAYLOAD_MAX &&
		      lab.slots[2].packets == 2,
	      "S7: each output counts what its pipeline was given");
	check_equal(lab.counters[PIO_PIPELINES_PACKETS], 2, "each packet is handed over once");
	check_equal(lab.counters[PIO_FORWARDED_PACKETS], 2, "and is no copy that was sent");
	check_equal(ring_sequence(ring.memory, ring.bytes), 2, "two records in the ring");

	check_equal(ring_take(&ring.reader, &ring.batch), 2, "R17: the pipeline finds both");
	struct ring_lab_packets *got = &ring.packets;
	check(got->lengths[0] == 100 && got->lengths[1] == PIO_PAYLOAD_MAX &&
		      memcmp(got->bytes + got->offsets[0], lab_payload(packets[0]), 100) == 0 &&
		      memcmp(got->bytes + got->offsets[1], lab_payload(packets[2]),
			     PIO_PAYLOAD_MAX) == 0,
	      "with their payloads");
	check(got->sources[2] == 0xffff && got->sources[3] == 0xc0000201 &&
		      got->sources[4] == 0x20010db8 && got->ports[0] == 65535 &&
		      got->listen_ports[0] == 2055,
	      "their sources and ports");
	check(got->received_ms[0] > 1.7e12 && got->received_ms[0] == got->received_ms[1],
	      "and the time of the batch");
	check_equal(ring.reader.account.truncated, 1, "R17: what was cut is marked");
}

static void test_expired(void)
{
	open_lab(1);
	uint32_t packet = lab_packet("192.0.2.1", 1, 10);
	lab.packets[packet].hop_limit = 1;
	lab_copy(packet, pipeline(3));
	lab_copy(packet, lab_collector("198.51.100.1", 9995));
	lab_send();
	check_equal(lab.counters[PIO_PIPELINES_PACKETS], 1, "R17: whatever its hop limit");
	check_equal(lab.counters[PIO_SEND_ERRORS + EINVAL], 1, "R14: but no collector gets it");
}

static void test_errors(void)
{
	open_lab(0);
	lab_copy(lab_packet("192.0.2.1", 1, 10), pipeline(3));
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EAFNOSUPPORT], 1, "without a ring: an error");
	open_lab(1);
	uint32_t packet = lab_packet("192.0.2.1", 1, 10);
	lab_copy(packet, pipeline(RING_PIPELINES));
	uint32_t no_slot = pipeline(1);
	lab.collectors[no_slot].output_slot = LAB_SLOTS;
	lab_copy(packet, no_slot);
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EINVAL], 2, "pipeline or slot out of range");
	check_equal(lab.counters[PIO_PIPELINES_PACKETS], 0, "nothing is handed over");
	lab_copy(lab_packet("192.0.2.1", 1, 10), pipeline(1));
	lab_send();
	lab_copy(lab_packet("192.0.2.1", 1, 10), lab_collector("198.51.100.1", 1));
	lab_send();
	check_equal(lab.counters[PIO_PIPELINES_PACKETS], 1, "a mark is of one batch only");
}

int main(void)
{
	test_once();
	test_expired();
	test_errors();
	lab_close();
	ring_lab_close(&ring);
	return tap_done();
}
