#include <errno.h>

#include "count.h"
#include "prefetch.h"
#include "sender.h"

/* The socket by which copies to a collector leave. */
static struct pio_queue *queue_of(struct pio_sender *sender, uint32_t collector_index)
{
	const struct table_collector *collector = &sender->collectors[collector_index];
	struct pio_sockets *sockets = pio_sockets_of(sender, collector);
	uint8_t *known = sender->known_queues;
	if (known == NULL)
		return &sockets->queues[pio_assign(sockets, collector->address)];
	if (known[collector_index] == 0)
		known[collector_index] = (uint8_t)(pio_assign(sockets, collector->address) + 1);
	return &sockets->queues[known[collector_index] - 1];
}

/* Puts a copy into the queue of its collector, or marks it for its pipeline. Returns 0, or why it
 * can never be sent. */
static int enqueue(struct pio_sender *sender, const struct pio_copy *copy)
{
	int error = pio_check_copy(sender, copy);
	if (error != 0)
		return error;
	const struct table_collector *collector = &sender->collectors[copy->collector];
	if (collector->family == 0) {
		pio_mark(sender, copy->packet, collector);
		return 0;
	}
	struct pio_queue *queue = queue_of(sender, copy->collector);
	if (sender->frames.is_on && queue->kind == PIO_QUEUE_RAW &&
	    pio_put_frame(sender, copy, queue))
		return 0;
	error = pio_queue_room(sender, queue);
	if (error != 0)
		return error;
	struct pio_message *message = &queue->messages[queue->count];
	pio_build_message(sender, queue, message, copy->packet, collector);
	uint32_t mtu = 0;
	if (queue->kind == PIO_QUEUE_RAW &&
	    pio_packet_bytes(queue, message) > sender->mtus.smallest)
		mtu = pio_mtu_find(&sender->mtus, collector->address);
	if (mtu == 0 || pio_packet_bytes(queue, message) <= mtu) {
		pio_append_message(sender, queue);
		return 0;
	}
	/* What came before leaves before it. The message stays where it is, outside the queue. */
	uint32_t index = queue->count;
	pio_flush_queue(sender, queue);
	pio_count_outcome(sender, queue, index, pio_send_oversize(sender, queue, index, mtu));
	return 0;
}

void pio_put(struct pio_sender *sender, uint32_t packet_index, uint32_t collector_index)
{
	struct pio_copy copy = {packet_index, collector_index};
	int error = enqueue(sender, &copy);
	if (error == 0)
		return;
	pio_count_error(sender->options.counters, PIO_SEND_ERRORS, error, 1);
	pio_note_copy(sender, &copy, error);
}

/* A copy that the caller wants. */
static void send_copy(struct pio_sender *sender, const struct pio_copy *copy, uint32_t packets)
{
	if (copy->packet >= packets) {
		pio_count_error(sender->options.counters, PIO_SEND_ERRORS, EINVAL, 1);
		return;
	}
	if (copy->collector < sender->collector_count &&
	    (sender->collectors[copy->collector].flags & TABLE_COLLECTOR_TEMPLATES) != 0 &&
	    pio_check_copy(sender, copy) == 0)
		pio_spread_templates(sender, copy->packet, copy->collector);
	pio_put(sender, copy->packet, copy->collector);
}

void pio_send(pio_sender_t *sender, uint32_t packets, uint32_t copies)
{
	const struct pio_sender_options *options = &sender->options;
	if (packets > options->batch.size) {
		pio_count_error(options->counters, PIO_RECEIVE_ERRORS, EINVAL,
				packets - options->batch.size);
		packets = options->batch.size;
	}
	if (copies > options->copies_max) {
		pio_count_error(options->counters, PIO_SEND_ERRORS, EINVAL,
				copies - options->copies_max);
		copies = options->copies_max;
	}
	pio_count_packets(sender, packets);
	pio_frames_begin(&sender->frames);
	pio_note_packets(sender, packets);
	for (uint32_t i = 0; i < copies; i++) {
		if (i + READ_AHEAD < copies)
			prefetch_collector(sender, options->copies[i + READ_AHEAD].collector);
		send_copy(sender, &options->copies[i], packets);
	}
	if (sender->has_marks)
		pio_hand_over(sender, packets);
	pio_flush(sender);
	pio_spread_reset(sender);
}
