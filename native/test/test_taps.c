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

/* How many packets a capture of a prefix gets of IPv4 and IPv6 ones, to two ports. */
static uint64_t captured(struct pio_tap tap)
{
	open_lab(1);
	check(pio_set_taps(lab.sender, &tap, 1) == 0, "a prefix");
	uint32_t first = lab.packet_count;
	static const char *const sources[] = {"192.0.2.1", "192.0.3.255", "2001:db8::1",
					      "2001:db9::1"};
	for (size_t i = 0; i < 4; i++) {
		uint32_t packet = lab_packet(sources[i], 7, 0);
		lab.packets[packet].listen_port = i % 2 == 0 ? 2055 : 9995;
	}
	/* Those that tap_of() made are of other addresses. */
	check(lab.packet_count >= first + 4, "four packets");
	ring_lab_reader(&ring, tap.index);
	pio_tap(lab.sender, lab.packet_count);
	return ring_take(&ring.reader, &ring.batch);
}

static struct pio_tap prefix_of(uint8_t first, uint16_t host_bits, uint16_t listen_port)
{
	struct pio_tap tap = {.host_bits = host_bits, .listen_port = listen_port, .index = 2};
	if (first == 192) {
		tap.source[10] = tap.source[11] = 0xff;
		tap.source[12] = 192;
		tap.source[14] = 2;
	} else if (first == 0x20) {
		static const uint8_t network[] = {0x20, 0x01, 0x0d, 0xb8};
		memcpy(tap.source, network, sizeof(network));
	}
	return tap;
}

static void test_prefixes(void)
{
	check_equal(captured(prefix_of(192, 9, 0)), 2, "A50: IPv4, with bits that end in a byte");
	check_equal(captured(prefix_of(192, 8, 0)), 1, "A50: IPv4, with whole bytes");
	check_equal(captured(prefix_of(192, 9, 9995)), 1, "A50: of one listening port");
	check_equal(captured(prefix_of(0x20, 96, 0)), 1, "A50: IPv6");
	check_equal(captured(prefix_of(0x20, 97, 0)), 2, "A50: IPv6, with one bit less");
	check_equal(captured(prefix_of(0, 128, 0)), 2, "A50: all of IPv6, and nothing of IPv4");
	struct pio_tap wide = prefix_of(0, 129, 0);
	check(pio_set_taps(lab.sender, &wide, 1) == -EINVAL, "more bits than there are");
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
	test_prefixes();
	test_errors();
	lab_close();
	ring_lab_close(&ring);
	return tap_done();
}
