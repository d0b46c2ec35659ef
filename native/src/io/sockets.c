/* The sender's raw sockets, and which of them a collector's address has. */
#include <errno.h>
#include <stdlib.h>

#include "address.h"
#include "sender.h"

/* An address is looked for in this many entries from where its hash points. */
#define PROBES 16u

void pio_sockets_init(struct pio_sockets *sockets, struct pio_socket_kind kind, const int *fds,
		      uint32_t count)
{
	sockets->count = count;
	for (uint32_t i = 0; i < count; i++)
		sockets->queues[i] =
			(struct pio_queue){.fd = fds[i], .family = kind.family, .kind = kind.kind};
}

void pio_sockets_deinit(struct pio_sockets *sockets)
{
	for (uint32_t i = 0; i < sockets->count; i++)
		pio_queue_free(&sockets->queues[i]);
}

static uint32_t least_used(const struct pio_sockets *sockets, uint32_t hash)
{
	uint32_t best = hash % sockets->count;
	for (uint32_t i = 1; i < sockets->count && sockets->queues[best].addresses > 0; i++) {
		uint32_t index = (hash + i) % sockets->count;
		if (sockets->queues[index].addresses < sockets->queues[best].addresses)
			best = index;
	}
	return best;
}

uint32_t pio_assign(struct pio_sockets *sockets, const uint8_t address[16])
{
	uint32_t hash = pio_hash_address(address);
	/* Each has a port: an address has the same one after an upgrade, whoever came before it. */
	if (sockets->queues[0].kind == PIO_QUEUE_OWN)
		return hash % sockets->count;
	for (uint32_t i = 0; i < PROBES; i++) {
		struct pio_assignment *entry = &sockets->assignments[(hash + i) % PIO_ASSIGNMENTS];
		if (entry->queue == 0) {
			uint32_t queue = least_used(sockets, hash);
			memcpy(entry->address, address, 16);
			entry->queue = queue + 1;
			sockets->queues[queue].addresses++;
			sockets->assigned++;
			return queue;
		}
		if (memcmp(entry->address, address, 16) == 0)
			return entry->queue - 1;
	}
	return hash % sockets->count;
}

void pio_make_room(struct pio_sockets *sockets)
{
	if (sockets->assigned < PIO_ASSIGNMENTS / 2)
		return;
	sockets->assigned = 0;
	memset(sockets->assignments, 0, sizeof(sockets->assignments));
	for (uint32_t i = 0; i < sockets->count; i++)
		sockets->queues[i].addresses = 0;
}

/* Fills in what is the same in every message of a queue. */
static void init_messages(struct pio_queue *queue)
{
	for (uint32_t i = 0; i < PIO_QUEUE_MESSAGES; i++) {
		struct pio_message *message = &queue->messages[i];
		struct msghdr *header = &queue->headers[i].msg_hdr;
		pio_prepare_message(&queue->headers[i], message);
		if (queue->kind == PIO_QUEUE_FRAMES)
			continue;
		if (queue->family == 4) {
			header->msg_namelen = sizeof(message->name.ipv4);
			message->name.ipv4.sin_family = AF_INET;
			message->parts[0].iov_len = PIO_WHOLE4_BYTES;
		} else {
			header->msg_namelen = sizeof(message->name.ipv6);
			message->name.ipv6.sin6_family = AF_INET6;
			message->parts[0].iov_len = PIO_WHOLE6_BYTES;
		}
		if (queue->kind == PIO_QUEUE_OWN) {
			message->parts[0].iov_len = 0;
			header->msg_iov = &message->parts[1];
			header->msg_iovlen = 1;
			header->msg_control = pio_control_of(message);
			header->msg_controllen = PIO_CONTROL_BYTES;
		}
	}
}

int pio_queue_prepare(struct pio_queue *queue)
{
	if (queue->headers != NULL)
		return 0;
	struct mmsghdr *headers = calloc(PIO_QUEUE_MESSAGES, sizeof(*headers));
	struct pio_message *messages = calloc(PIO_QUEUE_MESSAGES, sizeof(*messages));
	if (headers == NULL || messages == NULL) {
		free(headers);
		free(messages);
		return -ENOMEM;
	}
	queue->headers = headers;
	queue->messages = messages;
	init_messages(queue);
	return 0;
}

void pio_queue_free(struct pio_queue *queue)
{
	free(queue->headers);
	free(queue->messages);
}

void pio_destination_of(const struct pio_message *message, uint8_t address[16])
{
	if (pio_family_of(message) == 6) {
		memcpy(address, message->header + PIO_IPV6_DESTINATION, 16);
		return;
	}
	memcpy(address, pio_ipv4_prefix, sizeof(pio_ipv4_prefix));
	memcpy(address + 12, message->header + PIO_IPV4_DESTINATION, 4);
}

void pio_name_destination(struct pio_message *message)
{
	if (pio_family_of(message) == 6)
		memcpy(&message->name.ipv6.sin6_addr, message->header + PIO_IPV6_DESTINATION, 16);
	else
		memcpy(&message->name.ipv4.sin_addr, message->header + PIO_IPV4_DESTINATION, 4);
}
