#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>

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

/* No signal handler runs often enough to interrupt one message more often than this. */
#define INTERRUPTIONS_MAX 16

static void prepare_message(struct mmsghdr *header, struct pio_message *message)
{
	header->msg_hdr.msg_name = &message->name;
	header->msg_hdr.msg_iov = message->parts;
	header->msg_hdr.msg_iovlen = 2;
	message->parts[0].iov_base = message->header;
}

/* Fills in what is the same in every message of a queue. */
static int init_queue(struct pio_queue *queue, int fd, int family)
{
	queue->fd = fd;
	queue->headers = calloc(PIO_QUEUE_MESSAGES, sizeof(*queue->headers));
	queue->messages = calloc(PIO_QUEUE_MESSAGES, sizeof(*queue->messages));
	if (queue->headers == NULL || queue->messages == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < PIO_QUEUE_MESSAGES; i++) {
		struct pio_message *message = &queue->messages[i];
		struct msghdr *header = &queue->headers[i].msg_hdr;
		prepare_message(&queue->headers[i], message);
		if (family == 4) {
			header->msg_namelen = sizeof(message->name.ipv4);
			message->name.ipv4.sin_family = AF_INET;
			message->parts[0].iov_len = PIO_WHOLE4_BYTES;
		} else {
			header->msg_namelen = sizeof(message->name.ipv6);
			message->name.ipv6.sin6_family = AF_INET6;
			message->parts[0].iov_len = PIO_WHOLE6_BYTES;
		}
	}
	return 0;
}

static void deinit_queue(struct pio_queue *queue)
{
	free(queue->headers);
	free(queue->messages);
}

int pio_sender_init(struct pio *io)
{
	pio_mtu_init(&io->mtus);
	for (uint32_t i = 0; i < PIO_FRAGMENT_WINDOW; i++)
		prepare_message(&io->fragment_headers[i], &io->fragments[i]);
	if (getrandom(&io->next_identification, sizeof(io->next_identification), 0) < 0)
		return -errno;
	io->payload_sums = calloc(io->options.batch, sizeof(*io->payload_sums));
	if (io->payload_sums == NULL)
		return -ENOMEM;
	int error = init_queue(&io->queue4, io->options.send4_fd, 4);
	return error < 0 ? error : init_queue(&io->queue6, io->options.send6_fd, 6);
}

void pio_sender_deinit(struct pio *io)
{
	free(io->payload_sums);
	deinit_queue(&io->queue4);
	deinit_queue(&io->queue6);
}

/* Waits until the socket takes more. Returns 0 when the time for that is used up. */
static int wait_writable(struct pio *io, int fd)
{
	uint64_t now = pio_clock_ms();
	if (io->wait_until_ms == 0)
		io->wait_until_ms = now + PIO_SEND_WAIT_MS;
	if (now >= io->wait_until_ms)
		return 0;
	struct pollfd socket = {.fd = fd, .events = POLLOUT};
	(void)poll(&socket, 1, (int)(io->wait_until_ms - now));
	pio_count(&io->options.counters[PIO_SEND_RETRIES], 1);
	return 1;
}

/*
 * Hands messages to the kernel. Returns how many of the first ones it took, at least 1, or the
 * negative errno with which it refused the first.
 */
static int transmit(struct pio *io, int fd, struct mmsghdr *headers, uint32_t count)
{
	int interruptions = 0;
	for (;;) {
		int sent = sendmmsg(fd, headers, count, MSG_DONTWAIT);
		if (sent > 0)
			return sent;
		int error = sent < 0 ? errno : EIO;
		if (error == EINTR && interruptions++ < INTERRUPTIONS_MAX)
			continue;
		if (error == EAGAIN && wait_writable(io, fd))
			continue;
		return -error;
	}
}

/* Identifications of fragmented datagrams; 16 bits of 0 would let the kernel choose them (raw(7)).
 */
static uint32_t next_identification(struct pio *io)
{
	do
		io->next_identification++;
	while ((io->next_identification & 0xffff) == 0);
	return io->next_identification;
}

static void point_fragment(struct pio *io, uint32_t index, const struct msghdr *whole,
			   const struct pio_fragment *fragment)
{
	struct msghdr *header = &io->fragment_headers[index].msg_hdr;
	header->msg_name = whole->msg_name;
	header->msg_namelen = whole->msg_namelen;
	struct iovec *parts = io->fragments[index].parts;
	parts[0].iov_len = fragment->header_bytes;
	parts[1].iov_base = (uint8_t *)whole->msg_iov[1].iov_base + fragment->payload_offset;
	parts[1].iov_len = fragment->payload_bytes;
}

/* Sends one copy as fragments. Returns 0, or the errno of the first one that was refused. */
static int send_fragments(struct pio *io, const struct pio_queue *queue, uint32_t index,
			  uint32_t mtu)
{
	const struct msghdr *whole = &queue->headers[index].msg_hdr;
	const struct pio_message *message = &queue->messages[index];
	uint32_t length = message->length + PIO_UDP_BYTES;
	uint32_t capacity = pio_fragment_capacity(queue == &io->queue4 ? 4 : 6, mtu);
	if (capacity == 0)
		return EMSGSIZE;
	uint32_t identification = next_identification(io);
	uint32_t fragments = 0;
	uint32_t offset = 0;
	while (offset < length) {
		uint32_t made = 0;
		for (; made < PIO_FRAGMENT_WINDOW && offset < length; made++, offset += capacity) {
			struct pio_fragment fragment =
				pio_build_fragment(io->fragments[made].header, message->header,
						   capacity, offset, identification);
			point_fragment(io, made, whole, &fragment);
		}
		for (uint32_t next = 0; next < made;) {
			int sent =
				transmit(io, queue->fd, &io->fragment_headers[next], made - next);
			if (sent < 0)
				return -sent;
			next += (uint32_t)sent;
		}
		fragments += made;
	}
	pio_count(&io->options.counters[PIO_FRAGMENTED], 1);
	pio_count(&io->options.counters[PIO_FRAGMENTS], fragments);
	return 0;
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

static uint32_t packet_bytes(const struct pio_queue *queue, uint32_t index)
{
	return (uint32_t)queue->messages[index].parts[0].iov_len + queue->messages[index].length;
}

static void destination_of(const struct pio_queue *queue, uint32_t index, uint8_t address[16])
{
	const struct pio_message *message = &queue->messages[index];
	if (queue->headers[index].msg_hdr.msg_namelen == sizeof(message->name.ipv6)) {
		memcpy(address, &message->name.ipv6.sin6_addr, 16);
		return;
	}
	memcpy(address, pio_ipv4_prefix, 12);
	memcpy(address + 12, &message->name.ipv4.sin_addr, 4);
}

/*
 * Sends a copy that is larger than the MTU of its way: known, or 0 when the kernel has just refused
 * it whole. Should the fragments be refused too, the MTU has shrunk, and is asked once more.
 */
static int send_oversize(struct pio *io, const struct pio_queue *queue, uint32_t index,
			 uint32_t known_mtu)
{
	uint8_t destination[16];
	destination_of(queue, index, destination);
	uint32_t mtu = known_mtu > 0 ? known_mtu : pio_mtu_learn(&io->mtus, destination);
	for (int attempts_left = 1;; attempts_left--) {
		if (mtu == 0 || mtu >= packet_bytes(queue, index))
			return EMSGSIZE;
		int error = send_fragments(io, queue, index, mtu);
		if (error != EMSGSIZE || attempts_left == 0)
			return error;
		mtu = pio_mtu_learn(&io->mtus, destination);
	}
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
		int sent = transmit(io, queue->fd, &queue->headers[next], queue->count - next);
		if (sent > 0) {
			count_sent(io, &queue->messages[next], (uint32_t)sent);
			next += (uint32_t)sent;
			continue;
		}
		int error = sent == -EMSGSIZE ? send_oversize(io, queue, next, 0) : -sent;
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
			  const struct pio_collector *collector)
{
	const struct pio_packet *packet = &io->options.packets[packet_index];
	uint8_t *payload = io->payloads + packet_index * io->payload_stride;
	struct pio_udp udp = {
		.source_port = htons((uint16_t)packet->source_port),
		.destination_port = collector->port,
		.length = (uint16_t)(packet->length + PIO_UDP_BYTES),
		.payload_sum = payload_sum(io, packet_index, payload),
	};
	message->parts[1].iov_base = payload;
	message->parts[1].iov_len = packet->length;
	message->length = packet->length;
	message->output_slot = collector->output_slot;
	if (collector->family == 4) {
		memcpy(&message->name.ipv4.sin_addr, collector->address + 12, 4);
		pio_build_ipv4(message->header, packet->source + 12, collector->address + 12, &udp);
		return;
	}
	uint8_t source[16];
	memcpy(source, packet->source, 16);
	if ((packet->flags & PIO_PACKET_IPV6) == 0)
		memcpy(source, io->options.mapped_prefix, 12);
	memcpy(&message->name.ipv6.sin6_addr, collector->address, 16);
	pio_build_ipv6(message->header, source, collector->address, &udp);
}

/* Why a copy can never be sent, or 0. */
static int check_copy(const struct pio *io, const struct pio_copy *copy, uint32_t packets)
{
	if (copy->packet >= packets || copy->collector >= io->collector_count)
		return EINVAL;
	const struct pio_packet *packet = &io->options.packets[copy->packet];
	const struct pio_collector *collector = &io->collectors[copy->collector];
	if (collector->output_slot >= io->options.slot_count ||
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
	const struct pio_collector *collector = &io->collectors[copy->collector];
	struct pio_queue *queue = collector->family == 4 ? &io->queue4 : &io->queue6;
	if (queue->count == PIO_QUEUE_MESSAGES)
		flush(io, queue);
	uint32_t index = queue->count;
	build_message(io, &queue->messages[index], copy->packet, collector);
	queue->count++;
	if (packet_bytes(queue, index) <= io->mtus.smallest)
		return 0;
	uint32_t mtu = pio_mtu_find(&io->mtus, collector->address);
	if (mtu == 0 || packet_bytes(queue, index) <= mtu)
		return 0;
	/* What came before leaves before it. The message stays where it is, but outside the queue.
	 */
	queue->count--;
	flush(io, queue);
	count_outcome(io, &queue->messages[index], send_oversize(io, queue, index, mtu));
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

void pio_send(pio_t *io, uint32_t packets, uint32_t copies, uint32_t dropped_by_rule,
	      uint32_t no_eligible_collector)
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
	pio_count(&options->counters[PIO_DROPPED_BY_RULE], dropped_by_rule);
	pio_count(&options->counters[PIO_NO_ELIGIBLE_COLLECTOR], no_eligible_collector);
}
