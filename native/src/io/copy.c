/* What a copy is on the wire, and why one can never be sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "batch.h"
#include "checksum.h"
#include "sender.h"

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

void pio_build_message(struct pio_sender *sender, const struct pio_queue *queue,
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
	if (queue->kind == PIO_QUEUE_OWN) {
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

struct pio_sockets *pio_sockets_of(struct pio_sender *sender,
				   const struct table_collector *collector)
{
	const struct table_leave *leave = pio_leave_of(sender, collector);
	int is_own = leave != NULL && (leave->flags & TABLE_LEAVE_PROXY) != 0;
	if (collector->family == 4)
		return is_own ? &sender->own_ipv4 : &sender->ipv4;
	return is_own ? &sender->own_ipv6 : &sender->ipv6;
}

int pio_check_copy(struct pio_sender *sender, const struct pio_copy *copy)
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
	if (pio_sockets_of(sender, collector)->count == 0 || (is_ipv4 && keeps_ipv6))
		return EAFNOSUPPORT;
	return packet->length > (is_ipv4 ? PIO_PAYLOAD4_MAX : PIO_PAYLOAD6_MAX) ? EMSGSIZE : 0;
}
