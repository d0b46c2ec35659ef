/* What waits in queues goes to the kernel, and what becomes of it is counted. */
#include <errno.h>

#include "count.h"
#include "prefetch.h"
#include "sender.h"

/* So often an own socket may tell of errors of before instead of sending. */
#define TOLD_MAX 16u

static void count_sent(struct pio_sender *sender, const struct pio_queue *queue, uint32_t first,
		       uint32_t count)
{
	const struct pio_message *messages = &queue->messages[first];
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (i + READ_AHEAD < count)
			prefetch_slot(sender, messages[i + READ_AHEAD].output_slot);
		struct pio_slot *slot = &sender->options.slots[messages[i].output_slot];
		pio_count(&slot->packets, 1);
		pio_count(&slot->bytes, messages[i].length);
		bytes += messages[i].length;
	}
	pio_count(&sender->options.counters[PIO_FORWARDED_PACKETS], count);
	pio_count(&sender->options.counters[PIO_FORWARDED_BYTES], bytes);
	if (queue->kind == PIO_QUEUE_FRAMES)
		pio_count(&sender->options.counters[PIO_FRAMES], count);
}

void pio_count_outcome(struct pio_sender *sender, const struct pio_queue *queue, uint32_t index,
		       int error)
{
	if (error == 0) {
		count_sent(sender, queue, index, 1);
		return;
	}
	pio_count_error(sender->options.counters, PIO_SEND_ERRORS, error, 1);
	pio_note_message(sender, queue, index, error);
}

void pio_flush_queue(struct pio_sender *sender, struct pio_queue *queue)
{
	uint32_t next = 0;
	uint32_t told = 0;
	while (next < queue->count) {
		int sent = pio_transmit(sender, queue, &queue->headers[next], queue->count - next);
		if (sent > 0) {
			count_sent(sender, queue, next, (uint32_t)sent);
			next += (uint32_t)sent;
			continue;
		}
		if (queue->kind == PIO_QUEUE_FRAMES) {
			pio_frames_refused(sender, queue, next);
			return;
		}
		if (sent == -EAGAIN)
			break;
		if (queue->kind == PIO_QUEUE_OWN && told++ < TOLD_MAX &&
		    pio_take_refusals(sender, queue, -sent))
			continue;
		int error = sent == -EMSGSIZE && queue->kind == PIO_QUEUE_RAW
				    ? pio_send_oversize(sender, queue, next, 0)
				    : -sent;
		pio_count_outcome(sender, queue, next, error);
		next++;
	}
	/* The buffer is full: there is no room for the rest either. */
	for (; next < queue->count; next++)
		pio_count_outcome(sender, queue, next, EAGAIN);
	queue->count = 0;
}

int pio_queue_room(struct pio_sender *sender, struct pio_queue *queue)
{
	if (queue->count == PIO_QUEUE_MESSAGES)
		pio_flush_queue(sender, queue);
	if (pio_queue_prepare(queue) < 0)
		return ENOMEM;
	return 0;
}

void pio_append_message(struct pio_sender *sender, struct pio_queue *queue)
{
	queue->count++;
	if (queue->is_waiting)
		return;
	queue->is_waiting = 1;
	sender->waiting[sender->waiting_count++] = queue;
}

void pio_flush(struct pio_sender *sender)
{
	for (uint32_t i = 0; i < sender->waiting_count; i++) {
		pio_flush_queue(sender, sender->waiting[i]);
		sender->waiting[i]->is_waiting = 0;
	}
	sender->waiting_count = 0;
}
