#include <errno.h>

#include <arpa/inet.h>
#include <string.h>

#include "batch.h"
#include "checksum.h"
#include "count.h"
#include "sender.h"

/*
 * With many rules, slots and collectors are not in the cache: they are asked for this many packets
 * or copies before they are needed.
 */
#define READ_AHEAD 8u

/* So often an own socket may tell of errors of before instead of sending. */
#define TOLD_MAX 16u

static void prefetch_slot(const struct pio_sender *sender, uint32_t slot)
{
	if (slot < sender->options.slot_count)
		__builtin_prefetch(&sender->options.slots[slot], 1);
}

static void prefetch_collector(const struct pio_sender *sender, uint32_t collector)
{
	if (collector >= sender->collector_count)
		return;
	__builtin_prefetch(&sender->collectors[collector]);
	if (sender->known_queues != NULL)
		__builtin_prefetch(&sender->known_queues[collector], 1);
}

static void count_sent(struct pio_sender *sender, const struct pio_message *messages,
		       uint32_t count)
{
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
}

/* A message of a queue, or the one behind it, was sent, or refused with an errno. */
static void count_outcome(struct pio_sender *sender, const struct pio_queue *queue, uint32_t index,
			  int error)
{
	if (error == 0) {
		count_sent(sender, &queue->messages[index], 1);
		return;
	}
	pio_count_error(sender->options.counters, PIO_SEND_ERRORS, error, 1);
	pio_note_message(sender, queue, index, error);
}

/* Sends what waits, in order. A message that the kernel refuses is counted, and the next one tried.
 */
static void flush(struct pio_sender *sender, struct pio_queue *queue)
{
	uint32_t next = 0;
	uint32_t told = 0;
	while (next < queue->count) {
		int sent = pio_transmit(sender, queue, &queue->headers[next], queue->count - next);
		if (sent > 0) {
			count_sent(sender, &queue->messages[next], (uint32_t)sent);
			next += (uint32_t)sent;
			continue;
		}
		if (sent == -EAGAIN)
			break;
		if (queue->is_own && told++ < TOLD_MAX && pio_take_refusals(sender, queue, -sent))
			continue;
		int error = sent == -EMSGSIZE && !queue->is_own
				    ? pio_send_oversize(sender, queue, next, 0)
				    : -sent;
		count_outcome(sender, queue, next, error);
		next++;
	}
	/* The buffer is full: there is no room for the rest either. */
	for (; next < queue->count; next++)
		count_outcome(sender, queue, next, EAGAIN);
	queue->count = 0;
}

static uint16_t payload_sum(struct pio_sender *sender, uint32_t packet, const uint8_t *payload)
{
	uint32_t *sum = &sender->payload_sums[packet];
	if (*sum == PIO_SUM_UNKNOWN)
		*sum = pio_sum(payload, sender->options.batch.packets[packet].length);
	return (uint16_t)*sum;
}

static uint16_t destination_port(const struct pio_packet *packet,
				 const struct table_collector *collector)
{
	int is_listen_port = (collector->flags & TABLE_COLLECTOR_LISTEN_PORT) != 0;
	return is_listen_port ? htons(packet->listen_port) : collector->port;
}

/* Writes the headers of a copy and points its message to destination and payload. */
static void build_message(struct pio_sender *sender, const struct pio_queue *queue,
			  struct pio_message *message, uint32_t packet_index,
			  const struct table_collector *collector)
{
	const struct pio_packet *packet = &sender->options.batch.packets[packet_index];
	const struct table_leave *leave = pio_leave_of(sender, collector);
	uint8_t *payload = pio_payload(&sender->options.batch, packet_index);
	uint8_t left = (uint8_t)(packet->hop_limit - 1);
	struct pio_datagram datagram = {
		.source_port = htons((uint16_t)packet->source_port),
		.destination_port = destination_port(packet, collector),
		.length = (uint16_t)(packet->length + PIO_UDP_BYTES),
		.hop_limit = left < PIO_HOP_LIMIT_MAX ? left : PIO_HOP_LIMIT_MAX,
	};
	message->parts[1].iov_base = payload;
	message->parts[1].iov_len = packet->length;
	message->length = packet->length;
	message->output_slot = collector->output_slot;
	if (leave != NULL)
		pio_apply_leave(leave, &datagram);
	if (queue->is_own) {
		pio_build_own(message, collector, &datagram);
		return;
	}
	datagram.payload_sum = payload_sum(sender, packet_index, payload);
	if (collector->family == 4) {
		const uint8_t *from = pio_has_other_source(leave) ? leave->source : packet->source;
		memcpy(&message->name.ipv4.sin_addr, collector->address + 12, 4);
		pio_build_ipv4(message->header, from + 12, collector->address + 12, &datagram);
		return;
	}
	uint8_t source[16];
	pio_source6(sender, packet, leave, source);
	memcpy(&message->name.ipv6.sin6_addr, collector->address, 16);
	pio_build_ipv6(message->header, source, collector->address, &datagram);
}

/* Why a pipeline can get nothing, or 0. */
static int check_pipeline(const struct pio_sender *sender, const struct table_collector *collector)
{
	if (collector->pipeline >= RING_PIPELINES)
		return EINVAL;
	return sender->options.ring == NULL ? EAFNOSUPPORT : 0;
}

/* The sockets by which copies to a collector leave. */
static struct pio_sockets *sockets_of(struct pio_sender *sender,
				      const struct table_collector *collector)
{
	const struct table_leave *leave = pio_leave_of(sender, collector);
	int is_own = leave != NULL && (leave->flags & TABLE_LEAVE_PROXY) != 0;
	if (collector->family == 4)
		return is_own ? &sender->own_ipv4 : &sender->ipv4;
	return is_own ? &sender->own_ipv6 : &sender->ipv6;
}

/* Why a copy can never be sent, or 0. */
static int check_copy(struct pio_sender *sender, const struct pio_copy *copy)
{
	if (copy->collector >= sender->collector_count)
		return EINVAL;
	const struct pio_packet *packet = &sender->options.batch.packets[copy->packet];
	const struct table_collector *collector = &sender->collectors[copy->collector];
	if (collector->output_slot >= sender->options.slot_count ||
	    packet->length > sender->options.batch.payload_bytes)
		return EINVAL;
	if (collector->family == 0)
		return check_pipeline(sender, collector);
	if (packet->hop_limit <= 1 || (collector->family != 4 && collector->family != 6))
		return EINVAL;
	int error = collector->leave == 0 ? 0 : pio_check_leave(sender, collector);
	if (error != 0)
		return error;
	int is_ipv4 = collector->family == 4;
	int keeps_ipv6 = (packet->flags & PIO_PACKET_IPV6) != 0 &&
			 !pio_has_other_source(pio_leave_of(sender, collector));
	if (sockets_of(sender, collector)->count == 0 || (is_ipv4 && keeps_ipv6))
		return EAFNOSUPPORT;
	return packet->length > (is_ipv4 ? PIO_PAYLOAD4_MAX : PIO_PAYLOAD6_MAX) ? EMSGSIZE : 0;
}

/* The socket by which copies to a collector leave. */
static struct pio_queue *queue_of(struct pio_sender *sender, uint32_t collector_index)
{
	const struct table_collector *collector = &sender->collectors[collector_index];
	struct pio_sockets *sockets = sockets_of(sender, collector);
	uint8_t *known = sender->known_queues;
	if (known == NULL)
		return &sockets->queues[pio_assign(sockets, collector->address)];
	if (known[collector_index] == 0)
		known[collector_index] = (uint8_t)(pio_assign(sockets, collector->address) + 1);
	return &sockets->queues[known[collector_index] - 1];
}

/* Makes room for one more copy. Returns 0, or why there is none. */
static int make_room(struct pio_sender *sender, struct pio_queue *queue)
{
	if (queue->count == PIO_QUEUE_MESSAGES)
		flush(sender, queue);
	if (pio_queue_prepare(queue) < 0)
		return ENOMEM;
	return 0;
}

/* The message behind those of a queue waits with them. */
static void append(struct pio_sender *sender, struct pio_queue *queue)
{
	queue->count++;
	if (queue->is_waiting)
		return;
	queue->is_waiting = 1;
	sender->waiting[sender->waiting_count++] = queue;
}

/* Puts a copy into the queue of its collector, or marks it for its pipeline. Returns 0, or why it
 * can never be sent. */
static int enqueue(struct pio_sender *sender, const struct pio_copy *copy)
{
	int error = check_copy(sender, copy);
	if (error != 0)
		return error;
	const struct table_collector *collector = &sender->collectors[copy->collector];
	if (collector->family == 0) {
		pio_mark(sender, copy->packet, collector);
		return 0;
	}
	struct pio_queue *queue = queue_of(sender, copy->collector);
	error = make_room(sender, queue);
	if (error != 0)
		return error;
	struct pio_message *message = &queue->messages[queue->count];
	build_message(sender, queue, message, copy->packet, collector);
	uint32_t mtu = 0;
	if (!queue->is_own && pio_packet_bytes(message) > sender->mtus.smallest)
		mtu = pio_mtu_find(&sender->mtus, collector->address);
	if (mtu == 0 || pio_packet_bytes(message) <= mtu) {
		append(sender, queue);
		return 0;
	}
	/* What came before leaves before it. The message stays where it is, outside the queue. */
	uint32_t index = queue->count;
	flush(sender, queue);
	count_outcome(sender, queue, index, pio_send_oversize(sender, queue, index, mtu));
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

void pio_flush(struct pio_sender *sender)
{
	for (uint32_t i = 0; i < sender->waiting_count; i++) {
		flush(sender, sender->waiting[i]);
		sender->waiting[i]->is_waiting = 0;
	}
	sender->waiting_count = 0;
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
	    check_copy(sender, copy) == 0)
		pio_spread_templates(sender, copy->packet, copy->collector);
	pio_put(sender, copy->packet, copy->collector);
}

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

/* Counts received packets at their input slots, and forgets the payload sums of the last batch. */
static void count_packets(struct pio_sender *sender, uint32_t packets)
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
	count_packets(sender, packets);
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
