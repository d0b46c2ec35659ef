#include <errno.h>

#include "checksum.h"
#include "internal.h"

/*
 * With many rules, slots and collectors are not in the cache: they are asked for this many packets
 * or copies before they are needed.
 */
#define READ_AHEAD 8u

static void prefetch_slot(const struct pio *io, uint32_t slot)
{
	if (slot < io->options.slot_count)
		__builtin_prefetch(&io->options.slots[slot], 1);
}

static void prefetch_collector(const struct pio *io, uint32_t collector)
{
	if (collector < io->collector_count)
		__builtin_prefetch(&io->collectors[collector]);
}

static void count_sent(struct pio *io, const struct pio_message *messages, uint32_t count)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (i + READ_AHEAD < count)
			prefetch_slot(io, messages[i + READ_AHEAD].output_slot);
		struct pio_slot *slot = &io->options.slots[messages[i].output_slot];
		pio_count(&slot->packets, 1);
		pio_count(&slot->bytes, messages[i].length);
		bytes += messages[i].length;
	}
	pio_count(&io->options.counters[PIO_FORWARDED_PACKETS], count);
	pio_count(&io->options.counters[PIO_FORWARDED_BYTES], bytes);
}

static void count_outcome(struct pio *io, const struct pio_message *message, int error)
{
	if (error == 0)
		count_sent(io, message, 1);
	else
		pio_count_error(io, PIO_SEND_ERRORS, error, 1);
}

/* Sends what waits, in order. A message that the kernel refuses is counted, and the next one tried.
 */
static void flush(struct pio *io, struct pio_queue *queue)
{
	uint32_t next = 0;
	while (next < queue->count) {
		int sent = pio_transmit(io, queue->fd, &queue->headers[next], queue->count - next);
		if (sent > 0) {
			count_sent(io, &queue->messages[next], (uint32_t)sent);
			next += (uint32_t)sent;
			continue;
		}
		int error = sent == -EMSGSIZE ? pio_send_oversize(io, queue, next, 0) : -sent;
		count_outcome(io, &queue->messages[next], error);
		next++;
	}
	queue->count = 0;
}

static uint16_t payload_sum(struct pio *io, uint32_t packet, const uint8_t *payload)
{
	uint32_t *sum = &io->payload_sums[packet];
	if (*sum == PIO_SUM_UNKNOWN)
		*sum = pio_sum(payload, io->options.packets[packet].length);
	return (uint16_t)*sum;
}

/* Writes the headers of a copy and points its message to destination and payload. */
static void build_message(struct pio *io, struct pio_message *message, uint32_t packet_index,
			  const struct table_collector *collector)
{
	const struct pio_packet *packet = &io->options.packets[packet_index];
	uint8_t *payload = io->payloads + packet_index * io->payload_stride;
	uint8_t left = (uint8_t)(packet->hop_limit - 1);
	struct pio_datagram datagram = {
		.source_port = htons((uint16_t)packet->source_port),
		.destination_port = collector->port,
		.length = (uint16_t)(packet->length + PIO_UDP_BYTES),
		.payload_sum = payload_sum(io, packet_index, payload),
		.hop_limit = left < PIO_HOP_LIMIT_MAX ? left : PIO_HOP_LIMIT_MAX,
	};
	message->parts[1].iov_base = payload;
	message->parts[1].iov_len = packet->length;
	message->length = packet->length;
	message->output_slot = collector->output_slot;
	if (collector->family == 4) {
		memcpy(&message->name.ipv4.sin_addr, collector->address + 12, 4);
		pio_build_ipv4(message->header, packet->source + 12, collector->address + 12,
			       &datagram);
		return;
	}
	uint8_t source[16];
	memcpy(source, packet->source, 16);
	if ((packet->flags & PIO_PACKET_IPV6) == 0)
		memcpy(source, io->options.mapped_prefix, 12);
	memcpy(&message->name.ipv6.sin6_addr, collector->address, 16);
	pio_build_ipv6(message->header, source, collector->address, &datagram);
}

/* Why a copy can never be sent, or 0. */
static int check_copy(const struct pio *io, const struct pio_copy *copy, uint32_t packets)
{
	if (copy->packet >= packets || copy->collector >= io->collector_count)
		return EINVAL;
	const struct pio_packet *packet = &io->options.packets[copy->packet];
	const struct table_collector *collector = &io->collectors[copy->collector];
	if (collector->output_slot >= io->options.slot_count || packet->hop_limit <= 1 ||
	    packet->length > io->options.buffer_bytes ||
	    (collector->family != 4 && collector->family != 6))
		return EINVAL;
	int is_ipv4 = collector->family == 4;
	if ((is_ipv4 ? io->queue4.fd : io->queue6.fd) < 0 ||
	    (is_ipv4 && (packet->flags & PIO_PACKET_IPV6) != 0))
		return EAFNOSUPPORT;
	return packet->length > (is_ipv4 ? PIO_PAYLOAD4_MAX : PIO_PAYLOAD6_MAX) ? EMSGSIZE : 0;
}

/* Puts a copy into the queue of its family. Returns 0, or why it can never be sent. */
static int enqueue(struct pio *io, const struct pio_copy *copy, uint32_t packets)
{
	int error = check_copy(io, copy, packets);
	if (error != 0)
		return error;
	const struct table_collector *collector = &io->collectors[copy->collector];
	struct pio_queue *queue = collector->family == 4 ? &io->queue4 : &io->queue6;
	if (queue->count == PIO_QUEUE_MESSAGES)
		flush(io, queue);
	uint32_t index = queue->count;
	build_message(io, &queue->messages[index], copy->packet, collector);
	queue->count++;
	if (pio_packet_bytes(&queue->messages[index]) <= io->mtus.smallest)
		return 0;
	uint32_t mtu = pio_mtu_find(&io->mtus, collector->address);
	if (mtu == 0 || pio_packet_bytes(&queue->messages[index]) <= mtu)
		return 0;
	/* What came before leaves before it. The message stays where it is, but outside the queue.
	 */
	queue->count--;
	flush(io, queue);
	count_outcome(io, &queue->messages[index], pio_send_oversize(io, queue, index, mtu));
	return 0;
}

/* Counts received packets at their input slots, and forgets the payload sums of the last batch. */
static void count_packets(struct pio *io, uint32_t packets)
{
	for (uint32_t i = 0; i < packets; i++) {
		const struct pio_packet *packet = &io->options.packets[i];
		if (i + READ_AHEAD < packets)
			prefetch_slot(io, packet[READ_AHEAD].input_slot);
		io->payload_sums[i] = PIO_SUM_UNKNOWN;
		if (packet->input_slot >= io->options.slot_count) {
			pio_count_error(io, PIO_RECEIVE_ERRORS, EINVAL, 1);
			continue;
		}
		struct pio_slot *slot = &io->options.slots[packet->input_slot];
		pio_count(&slot->packets, 1);
		pio_count(&slot->bytes, packet->length);
	}
}

void pio_send(pio_t *io, uint32_t packets, uint32_t copies)
{
	const struct pio_options *options = &io->options;
	if (packets > options->batch) {
		pio_count_error(io, PIO_RECEIVE_ERRORS, EINVAL, packets - options->batch);
		packets = options->batch;
	}
	if (copies > options->copies_max) {
		pio_count_error(io, PIO_SEND_ERRORS, EINVAL, copies - options->copies_max);
		copies = options->copies_max;
	}
	io->wait_until_ms = 0;
	count_packets(io, packets);
	for (uint32_t i = 0; i < copies; i++) {
		if (i + READ_AHEAD < copies)
			prefetch_collector(io, options->copies[i + READ_AHEAD].collector);
		int error = enqueue(io, &options->copies[i], packets);
		if (error != 0)
			pio_count_error(io, PIO_SEND_ERRORS, error, 1);
	}
	flush(io, &io->queue4);
	flush(io, &io->queue6);
}
