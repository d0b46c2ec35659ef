/* Copies that are larger than the MTU of their way. */
#include <errno.h>

#include "count.h"
#include "sender.h"

/* Identifications of fragmented datagrams; 16 bits of 0 would let the kernel choose them (raw(7)).
 */
static uint32_t next_identification(struct pio_sender *sender)
{
	do
		sender->next_identification++;
	while ((sender->next_identification & 0xffff) == 0);
	return sender->next_identification;
}

static void point_fragment(struct pio_sender *sender, uint32_t index, const struct msghdr *whole,
			   const struct pio_fragment *fragment)
{
	struct msghdr *header = &sender->fragment_headers[index].msg_hdr;
	header->msg_name = whole->msg_name;
	header->msg_namelen = whole->msg_namelen;
	struct iovec *parts = sender->fragments[index].parts;
	parts[0].iov_len = fragment->header_bytes;
	parts[1].iov_base = (uint8_t *)whole->msg_iov[1].iov_base + fragment->payload_offset;
	parts[1].iov_len = fragment->payload_bytes;
}

/* Sends one copy as fragments. Returns 0, or the errno of the first one that was refused. */
static int send_fragments(struct pio_sender *sender, struct pio_queue *queue, uint32_t index,
			  uint32_t mtu)
{
	const struct msghdr *whole = &queue->headers[index].msg_hdr;
	const struct pio_message *message = &queue->messages[index];
	uint32_t length = message->length + PIO_UDP_BYTES;
	uint32_t capacity = pio_fragment_capacity(queue->family, mtu);
	if (capacity == 0)
		return EMSGSIZE;
	uint32_t identification = next_identification(sender);
	uint32_t fragments = 0;
	uint32_t offset = 0;
	while (offset < length) {
		uint32_t made = 0;
		for (; made < PIO_FRAGMENT_WINDOW && offset < length; made++, offset += capacity) {
			struct pio_fragment fragment =
				pio_build_fragment(sender->fragments[made].header, message->header,
						   capacity, offset, identification);
			point_fragment(sender, made, whole, &fragment);
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
	pio_destination_of(queue, index, destination);
	uint32_t mtu = known_mtu > 0 ? known_mtu : pio_mtu_learn(&sender->mtus, destination);
	for (int attempts_left = 1;; attempts_left--) {
		if (mtu == 0 || mtu >= pio_packet_bytes(&queue->messages[index]))
			return EMSGSIZE;
		int error = send_fragments(sender, queue, index, mtu);
		if (error != EMSGSIZE || attempts_left == 0)
			return error;
		mtu = pio_mtu_learn(&sender->mtus, destination);
	}
}
