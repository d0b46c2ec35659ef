/* Copies that are larger than the MTU of their way. */
#include <errno.h>
#include <string.h>

#include "count.h"
#include "sender.h"

static void point_fragment(struct pio_sender *sender, uint32_t index, const struct msghdr *whole,
			   const struct pio_fragment *fragment)
{
	struct msghdr *header = &sender->fragment_headers[index].msg_hdr;
	header->msg_name = whole->msg_name;
	header->msg_namelen = whole->msg_namelen;
	struct pio_message *message = &sender->fragments[index];
	struct iovec *parts = message->parts;
	parts[0].iov_base = message->header;
	parts[0].iov_len = fragment->header_bytes;
	parts[1].iov_base = (uint8_t *)whole->msg_iov[1].iov_base + fragment->payload_offset;
	parts[1].iov_len = fragment->payload_bytes;
}

/* A fragment becomes a frame, with the Ethernet header of the whole. */
static void frame_fragment(struct pio_message *fragment, struct pio_message *whole)
{
	uint8_t *frame = pio_frame_of(fragment);
	memcpy(frame, pio_frame_of(whole), PATH_FRAME_BYTES);
	if (pio_family_of(fragment) == 4)
		pio_complete_ipv4(fragment->header);
	fragment->parts[0].iov_base = frame;
	fragment->parts[0].iov_len += PATH_FRAME_BYTES;
}

int pio_send_fragments(struct pio_sender *sender, struct pio_queue *queue, uint32_t index,
		       uint32_t mtu)
{
	const struct msghdr *whole = &queue->headers[index].msg_hdr;
	struct pio_message *message = &queue->messages[index];
	uint32_t length = message->length + PIO_UDP_BYTES;
	uint32_t capacity = pio_fragment_capacity(pio_family_of(message), mtu);
	if (capacity == 0)
		return EMSGSIZE;
	uint32_t identification = pio_next_identification(sender);
	uint32_t fragments = 0;
	uint32_t offset = 0;
	while (offset < length) {
		uint32_t made = 0;
		for (; made < PIO_FRAGMENT_WINDOW && offset < length; made++, offset += capacity) {
			struct pio_fragment fragment =
				pio_build_fragment(sender->fragments[made].header, message->header,
						   capacity, offset, identification);
			point_fragment(sender, made, whole, &fragment);
			if (queue->kind == PIO_QUEUE_FRAMES)
				frame_fragment(&sender->fragments[made], message);
		}
		for (uint32_t next = 0; next < made;) {
			int sent = pio_transmit(sender, queue, &sender->fragment_headers[next],
						made - next);
			if (sent < 0)
				return -sent;
			next += (uint32_t)sent;
		}
		fragments += made;
	}
	pio_count(&sender->options.counters[PIO_FRAGMENTED], 1);
	pio_count(&sender->options.counters[PIO_FRAGMENTS], fragments);
	return 0;
}

int pio_send_oversize(struct pio_sender *sender, struct pio_queue *queue, uint32_t index,
		      uint32_t known_mtu)
{
	uint8_t destination[16];
	pio_destination_of(&queue->messages[index], destination);
	uint32_t mtu = known_mtu > 0 ? known_mtu : pio_mtu_learn(&sender->mtus, destination);
	for (int attempts_left = 1;; attempts_left--) {
		if (mtu == 0 || mtu >= pio_packet_bytes(queue, &queue->messages[index]))
			return EMSGSIZE;
		int error = pio_send_fragments(sender, queue, index, mtu);
		if (error != EMSGSIZE || attempts_left == 0)
			return error;
		mtu = pio_mtu_learn(&sender->mtus, destination);
	}
}
