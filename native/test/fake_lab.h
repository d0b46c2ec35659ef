/* A sender above the replaced kernel, and a reader of what it sent. */
#ifndef FAKE_LAB_H
#define FAKE_LAB_H

#include "fake_kernel.h"
#include "lab.h"
#include "wire.h"

static struct wire wire;

static inline void reset(void)
{
	lab_close();
	fake_reset();
	lab_open_fake(1, 1);
}

/* Sends copies of one packet to one collector. */
static inline void send_copies(const char *source, const char *address, uint32_t count,
			       uint32_t length)
{
	uint32_t packet = lab_packet(source, 2055, length);
	uint32_t collector = lab_collector(address, 9995);
	for (uint32_t i = 0; i < count; i++)
		lab_copy(packet, collector);
	lab_send();
}

static inline void send_ipv4(uint32_t count, uint32_t length)
{
	send_copies("192.0.2.1", "198.51.100.1", count, length);
}

static inline void send_ipv6(uint32_t count, uint32_t length)
{
	send_copies("2001:db8::1", "2001:db8::99", count, length);
}

/* Reads what was sent since the last fake_forget; complete datagrams, 0 when one is wrong. */
static inline uint32_t count_datagrams(void)
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

#endif
