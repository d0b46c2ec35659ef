/* What the sender notes of a batch. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "address.h"
#include "batch.h"
#include "sender.h"

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct notes_endpoint exporter_of(const struct pio_packet *packet)
{
	struct notes_endpoint exporter = {.port = (uint16_t)packet->source_port};
	memcpy(exporter.address, packet->source, 16);
	return exporter;
}

/* What was lost before there were copies. Returns how many of them. */
static uint32_t note_lost(struct pio_sender *sender, const struct pio_packet *packet)
{
	struct notes *notes = sender->options.notes;
	struct notes_endpoint exporter = exporter_of(packet);
	if ((packet->flags & PIO_PACKET_TRUNCATED) != 0)
		notes_event(notes, NOTES_LOST_TRUNCATED, &exporter, sender->noted_ms);
	if ((packet->flags & PIO_PACKET_ENDED) != 0)
		notes_event(notes, NOTES_LOST_HOP_LIMIT, &exporter, sender->noted_ms);
	uint32_t without_collector = packet->flags / PIO_PACKET_NO_COLLECTOR;
	if (without_collector > 0)
		notes_event(notes, NOTES_LOST_NO_COLLECTOR, &exporter, sender->noted_ms);
	return without_collector + ((packet->flags & PIO_PACKET_ENDED) != 0);
}

/* Of what is there of it. */
static uint32_t payload_length(const struct pio_sender *sender, uint32_t index)
{
	uint32_t length = sender->options.batch.packets[index].length;
	uint32_t payload_bytes = sender->options.batch.payload_bytes;
	return length < payload_bytes ? length : payload_bytes;
}

static void note_packet(struct pio_sender *sender, uint32_t index)
{
	const struct pio_packet *packet = &sender->options.batch.packets[index];
	int is_truncated = (packet->flags & PIO_PACKET_TRUNCATED) != 0;
	struct notes_packet noted = {
		.address = packet->source,
		.port = (uint16_t)packet->source_port,
		.payload = pio_payload(&sender->options.batch, index),
		.length = payload_length(sender, index),
		.has_rule = packet->input_slot != TABLE_SLOT_MISMATCHED,
		.is_truncated = (uint8_t)is_truncated,
	};
	if (is_truncated || packet->flags >= PIO_PACKET_ENDED)
		noted.lost = note_lost(sender, packet);
	uint32_t now_s = (uint32_t)(sender->noted_ms / 1000);
	notes_packet(sender->options.notes, &noted, sender->hashes[index], now_s);
	notes_sequence(sender->options.notes, &noted, &sender->numbers[index], now_s);
}

void pio_note_packets(struct pio_sender *sender, uint32_t packets)
{
	const struct notes *notes = sender->options.notes;
	if (notes == NULL)
		return;
	sender->noted_ms = now_ms();
	/* With many exporters each row waits for memory: here they wait together. */
	for (uint32_t i = 0; i < packets; i++) {
		const struct pio_packet *packet = &sender->options.batch.packets[i];
		int has_rule = packet->input_slot != TABLE_SLOT_MISMATCHED;
		uint32_t hash = notes_hash(notes, packet->source, (uint16_t)packet->source_port);
		sender->hashes[i] = hash;
		notes_prefetch(notes, hash, has_rule);
		notes_read_number(notes, &sender->numbers[i], hash,
				  pio_payload(&sender->options.batch, i), payload_length(sender, i),
				  has_rule);
	}
	for (uint32_t i = 0; i < packets; i++) {
		if (sender->options.batch.packets[i].input_slot != TABLE_SLOT_PROBE)
			note_packet(sender, i);
	}
}

static void note_loss(struct pio_sender *sender, const struct notes_endpoint *collector,
		      uint32_t packet_index, int error)
{
	const struct pio_packet *packet = &sender->options.batch.packets[packet_index];
	if (packet->input_slot == TABLE_SLOT_PROBE)
		return;
	struct notes_endpoint exporter = exporter_of(packet);
	notes_send_loss(sender->options.notes, collector, &exporter, (uint16_t)error,
			sender->noted_ms);
}

void pio_note_copy(struct pio_sender *sender, const struct pio_copy *copy, int error)
{
	if (sender->options.notes == NULL || copy->collector >= sender->collector_count)
		return;
	const struct table_collector *to = &sender->collectors[copy->collector];
	const struct pio_packet *packet = &sender->options.batch.packets[copy->packet];
	int is_listen_port = (to->flags & TABLE_COLLECTOR_LISTEN_PORT) != 0;
	struct notes_endpoint collector = {
		.port = is_listen_port ? packet->listen_port : ntohs(to->port),
	};
	/* A pipeline has no address. */
	if (to->family == 0)
		return;
	memcpy(collector.address, to->address, 16);
	note_loss(sender, &collector, copy->packet, error);
}

/* Where a message was to go, with the port on the wire. */
static struct notes_endpoint endpoint_of(const struct pio_queue *queue,
					 const struct pio_message *message)
{
	struct notes_endpoint endpoint;
	if (queue->kind == PIO_QUEUE_OWN) {
		int is_ipv4 = queue->family == 4;
		memcpy(endpoint.address, pio_ipv4_prefix, sizeof(pio_ipv4_prefix));
		if (is_ipv4)
			memcpy(endpoint.address + 12, &message->name.ipv4.sin_addr, 4);
		else
			memcpy(endpoint.address, &message->name.ipv6.sin6_addr, 16);
		/* At the same place in sockaddr_in6. */
		endpoint.port = ntohs(message->name.ipv4.sin_port);
		return endpoint;
	}
	uint32_t ip_bytes = queue->family == 6 ? PIO_IPV6_BYTES : PIO_IPV4_BYTES;
	uint16_t port;
	memcpy(&port, message->header + ip_bytes + sizeof(port), sizeof(port));
	pio_destination_of(message, endpoint.address);
	endpoint.port = ntohs(port);
	return endpoint;
}

void pio_note_message(struct pio_sender *sender, const struct pio_queue *queue, uint32_t index,
		      int error)
{
	if (sender->options.notes == NULL)
		return;
	const struct pio_message *message = &queue->messages[index];
	struct notes_endpoint collector = endpoint_of(queue, message);
	const struct pio_batch *batch = &sender->options.batch;
	size_t offset = (size_t)((const uint8_t *)message->parts[1].iov_base - batch->payloads);
	note_loss(sender, &collector, (uint32_t)(offset / batch->payload_stride), error);
}
