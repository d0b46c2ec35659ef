#include <string.h>
#include <time.h>

#include "batch.h"
#include "count.h"
#include "sender.h"

uint64_t pio_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void pio_mark(struct pio_sender *sender, uint32_t packet_index,
	      const struct table_collector *collector)
{
	struct pio_slot *slot = &sender->options.slots[collector->output_slot];
	pio_count(&slot->packets, 1);
	pio_count(&slot->bytes, sender->options.batch.packets[packet_index].length);
	if (!sender->has_marks) {
		sender->has_marks = 1;
		sender->received_us = pio_now_us();
	}
	sender->marks[packet_index] |= 1u << collector->pipeline;
}

void pio_append(struct ring_writer *ring, const struct pio_batch *batch, uint32_t packet_index,
		uint32_t marks, uint64_t received_us)
{
	const struct pio_packet *packet = &batch->packets[packet_index];
	int is_cut = (packet->flags & PIO_PACKET_TRUNCATED) != 0;
	struct ring_record record = {
		.received_us = received_us,
		.pipelines = marks,
		.length = packet->length,
		.flags = is_cut ? RING_RECORD_TRUNCATED : 0,
		.source_port = (uint16_t)packet->source_port,
		.listen_port = packet->listen_port,
	};
	memcpy(record.source, packet->source, sizeof(record.source));
	ring_append(ring, &record, pio_payload(batch, packet_index));
}

void pio_hand_over(struct pio_sender *sender, uint32_t packets)
{
	uint64_t count = 0;
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < packets; i++) {
		if (sender->marks[i] == 0)
			continue;
		pio_append(sender->options.ring, &sender->options.batch, i, sender->marks[i],
			   sender->received_us);
		sender->marks[i] = 0;
		count++;
		bytes += sender->options.batch.packets[i].length;
	}
	ring_publish(sender->options.ring);
	pio_count(&sender->options.counters[PIO_PIPELINES_PACKETS], count);
	pio_count(&sender->options.counters[PIO_PIPELINES_BYTES], bytes);
	sender->has_marks = 0;
}
