#include <errno.h>
#include <string.h>

#include "sender.h"

#define ADDRESS_BITS 128
/* Of IPv4 no more can be left out of its 16-byte form: it would not be IPv4 then. */
#define IPV4_BITS 32

int pio_set_taps(pio_sender_t *sender, const struct pio_tap *taps, uint32_t count)
{
	if (count > PIO_TAPS_MAX || (count > 0 && sender->options.tap == NULL))
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		if (taps[i].index >= PIO_TAPS_MAX || taps[i].host_bits > ADDRESS_BITS)
			return -EINVAL;
	}
	if (count > 0)
		memcpy(sender->taps, taps, count * sizeof(*taps));
	sender->tap_count = count;
	return 0;
}

static int is_source(const struct pio_tap *tap, const struct pio_packet *packet)
{
	uint32_t bits = ADDRESS_BITS - tap->host_bits;
	uint32_t whole = bits / 8, rest = bits % 8;
	if (tap->host_bits > IPV4_BITS && (packet->flags & PIO_PACKET_IPV6) == 0)
		return 0;
	if (memcmp(tap->source, packet->source, whole) != 0)
		return 0;
	return rest == 0 || ((tap->source[whole] ^ packet->source[whole]) >> (8 - rest)) == 0;
}

static int wants(const struct pio_tap *tap, const struct pio_packet *packet)
{
	if (tap->listen_port != 0 && tap->listen_port != packet->listen_port)
		return 0;
	if ((tap->flags & PIO_TAP_ALL) != 0)
		return 1;
	return is_source(tap, packet) &&
	       (tap->source_port == 0 || tap->source_port == packet->source_port);
}

static uint32_t marks_of(const struct pio_sender *sender, const struct pio_packet *packet)
{
	uint32_t marks = 0;
	for (uint32_t i = 0; i < sender->tap_count; i++) {
		if (wants(&sender->taps[i], packet))
			marks |= 1u << sender->taps[i].index;
	}
	return marks;
}

void pio_tap(pio_sender_t *sender, uint32_t packets)
{
	const struct pio_batch *batch = &sender->options.batch;
	uint64_t received_us = 0;
	if (sender->tap_count == 0 || packets > batch->size)
		return;
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t marks = marks_of(sender, &batch->packets[i]);
		if (marks == 0)
			continue;
		if (received_us == 0)
			received_us = pio_now_us();
		pio_append(sender->options.tap, batch, i, marks, received_us);
	}
	if (received_us != 0)
		ring_publish(sender->options.tap);
}
