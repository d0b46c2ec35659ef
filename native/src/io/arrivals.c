/* Counts what was received. */
#include <errno.h>

#include "count.h"
#include "prefetch.h"
#include "sender.h"

static void count_listener(struct pio_sender *sender, uint8_t listener,
			   const struct pio_listener *came)
{
	if (listener >= PIO_LISTENERS_MAX || came->packets == 0)
		return;
	uint64_t *counters = sender->options.counters;
	struct pio_listener *rows = (struct pio_listener *)(void *)&counters[PIO_LISTENERS];
	pio_count(&rows[listener].packets, came->packets);
	pio_count(&rows[listener].bytes, came->bytes);
}

void pio_count_packets(struct pio_sender *sender, uint32_t packets)
{
	struct pio_listener came = {0};
	uint8_t listener = 0;
	for (uint32_t i = 0; i < packets; i++) {
		const struct pio_packet *packet = &sender->options.batch.packets[i];
		if (i + READ_AHEAD < packets)
			prefetch_slot(sender, packet[READ_AHEAD].input_slot);
		sender->payload_sums[i] = PIO_SUM_UNKNOWN;
		if (packet->input_slot >= sender->options.slot_count) {
			pio_count_error(sender->options.counters, PIO_RECEIVE_ERRORS, EINVAL, 1);
			continue;
		}
		struct pio_slot *slot = &sender->options.slots[packet->input_slot];
		pio_count(&slot->packets, 1);
		pio_count(&slot->bytes, packet->length);
		if (packet->input_slot == TABLE_SLOT_PROBE)
			continue;
		if (packet->listener != listener) {
			count_listener(sender, listener, &came);
			came = (struct pio_listener){0};
			listener = packet->listener;
		}
		came.packets++;
		came.bytes += packet->length;
	}
	count_listener(sender, listener, &came);
}
