/* The messages that sendmmsg takes: made once, filled in for each copy or fragment. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "internal.h"

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
