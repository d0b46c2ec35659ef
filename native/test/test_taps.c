/* Captures: what of a batch the sender appends to its tap. */
#include <errno.h>

#include "fake_lab.h"
#include "ring_lab.h"
#include "tap.h"

static struct ring_lab ring;

static void open_lab(int has_tap)
{
	lab_close();
	fake_reset();
	ring_lab_open(&ring, RING_BYTES_MIN);
	struct pio_sender_options options =
		lab_sender_options((const int[]){LAB_FD4}, 1, (const int[]){LAB_FD6}, 1);
	options.tap = has_tap ? &ring.writer : NULL;
	lab_open_sender(&options);
}

static struct pio_tap tap_of(const char *source, uint16_t port, uint16_t index)
{
	struct pio_tap tap = {.source_port = port, .index = index};
	uint32_t packet = lab_packet(source, 1, 0);
	memcpy(tap.source, lab.packets[packet].source, sizeof(tap.source));
	return tap;
}

static void test_wanted(void)
{
	open_lab(1);
	struct pio_tap taps[] = {tap_of("192.0.2.1", 0, 0),
				 tap_of("192.0.2.1", 7, 3),
				 {.flags = PIO_TAP_ALL, .index = 7}};
	uint32_t first = lab.packet_count;
	check(pio_set_taps(lab.sender, taps, 3) == 0, "three captures");
	lab_packet("192.0.2.1", 7, 100);
	lab_packet("192.0.2.1", 8, 0);
	uint32_t cut = lab_packet("2001:db8::1", 7, 1400);
	lab.packets[cut].flags |= PIO_PACKET_TRUNCATED;
	lab.packets[cut].hop_limit = 1;
	lab.packets[cut].listen_port = 2055;
	ring_lab_reader(&ring, 7);
	uint16_t flags[RING_LAB_BATCH];
	ring.batch.flags = flags;
	pio_tap(lab.sender, lab.packet_count);
	uint32_t all = lab.packet_count - first;
	check_equal(ring_take(&ring.reader, &ring.batch), lab.packet_count,
		    "A50: one that wants all gets all");
	check_equal(lab.counters[PIO_PIPELINES_PACKETS], 0, "to capture is to count nothing");
	uint32_t last = lab.packet_count - 1;
	check(flags[last] == RING_RECORD_TRUNCATED && flags[last - 1] == 0,
	      "A50: what was cut is marked");
	check(ring.packets.lengths[last] == 1400 && ring.packets.listen_ports[last] == 2055 &&
		      ring.packets.ports[last] == 7 &&
		      memcmp(ring.packets.bytes + ring.packets.offsets[last], lab_payload(cut),
			     1400) == 0,
	      "A50: ports and payload are those of the packet");
	check_equal(all, 3, "three packets after those that name the exporter");
	pio_set_taps(lab.sender, taps, 2);
	ring_lab_reader(&ring, 3);
	ring.batch.flags = NULL;
	pio_tap(lab.sender, lab.packet_count);
	check_equal(ring_take(&ring.reader, &ring.batch), 1, "A50: address and port");
	pio_set_taps(lab.sender, NULL, 0);
	uint64_t before = ring_sequence(ring.memory, ring.bytes);
	pio_tap(lab.sender, lab.packet_count);
	check(ring_sequence(ring.memory, ring.bytes) == before, "nothing is wanted any more");
}

static void test_errors(void)
{
	struct pio_tap taps[PIO_TAPS_MAX + 1] = {{.flags = PIO_TAP_ALL}};
	open_lab(1);
	check(pio_set_taps(lab.sender, taps, PIO_TAPS_MAX + 1) == -EINVAL, "too many");
	taps[1].index = PIO_TAPS_MAX;
	check(pio_set_taps(lab.sender, taps, 2) == -EINVAL, "no such bit");
	open_lab(0);
	taps[1].index = 0;
	check(pio_set_taps(lab.sender, taps, 1) == -EINVAL, "without a tap");
	check(pio_set_taps(lab.sender, taps, 0) == 0, "none can be wanted always");
}

int main(void)
{
	test_wanted();
	test_errors();
	lab_close();
	ring_lab_close(&ring);
	return tap_done();
}
