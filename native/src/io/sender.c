#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "batch.h"
#include "sender.h"

void pio_prepare_message(struct mmsghdr *header, struct pio_message *message)
{
	header->msg_hdr.msg_name = &message->name;
	header->msg_hdr.msg_iov = message->parts;
	header->msg_hdr.msg_iovlen = 2;
	message->parts[0].iov_base = message->header;
}

static int are_valid(const struct pio_sender_options *options)
{
	return pio_is_batch_valid(&options->batch) && options->counters != NULL &&
	       options->ipv4_count <= PIO_SOCKETS_MAX && options->ipv6_count <= PIO_SOCKETS_MAX &&
	       (options->ipv4_fds != NULL || options->ipv4_count == 0) &&
	       (options->ipv6_fds != NULL || options->ipv6_count == 0) &&
	       options->own_ipv4_count <= PIO_SOCKETS_MAX &&
	       options->own_ipv6_count <= PIO_SOCKETS_MAX &&
	       (options->own_ipv4_fds != NULL || options->own_ipv4_count == 0) &&
	       (options->own_ipv6_fds != NULL || options->own_ipv6_count == 0) &&
	       options->frame_count <= PIO_LINKS_MAX &&
	       (options->frame_fds != NULL || options->frame_count == 0) &&
	       (options->copies != NULL || options->copies_max == 0) &&
	       (options->slots != NULL || options->slot_count == 0);
}

static int init(struct pio_sender *sender, const struct pio_sender_options *options)
{
	sender->options = *options;
	pio_sockets_init(&sender->ipv4, (struct pio_socket_kind){4, PIO_QUEUE_RAW},
			 options->ipv4_fds, options->ipv4_count);
	pio_sockets_init(&sender->ipv6, (struct pio_socket_kind){6, PIO_QUEUE_RAW},
			 options->ipv6_fds, options->ipv6_count);
	pio_sockets_init(&sender->own_ipv4, (struct pio_socket_kind){4, PIO_QUEUE_OWN},
			 options->own_ipv4_fds, options->own_ipv4_count);
	pio_sockets_init(&sender->own_ipv6, (struct pio_socket_kind){6, PIO_QUEUE_OWN},
			 options->own_ipv6_fds, options->own_ipv6_count);
	pio_frames_init(&sender->frames, options);
	pio_mtu_init(&sender->mtus);
	for (uint32_t i = 0; i < PIO_FRAGMENT_WINDOW; i++)
		pio_prepare_message(&sender->fragment_headers[i], &sender->fragments[i]);
	sender->payload_sums =
		calloc(options->batch.size + PIO_SPARE, sizeof(*sender->payload_sums));
	sender->marks = calloc(options->batch.size, sizeof(*sender->marks));
	sender->hashes = calloc(options->batch.size, sizeof(*sender->hashes));
	sender->numbers = calloc(options->batch.size, sizeof(*sender->numbers));
	if (sender->payload_sums == NULL || sender->marks == NULL || sender->hashes == NULL ||
	    sender->numbers == NULL)
		return -ENOMEM;
	ssize_t bytes =
		getrandom(&sender->next_identification, sizeof(sender->next_identification), 0);
	return bytes < 0 ? -errno : 0;
}

int pio_sender_new(pio_sender_t **sender, const struct pio_sender_options *options)
{
	*sender = NULL;
	if (!are_valid(options))
		return -EINVAL;
	struct pio_sender *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return -ENOMEM;
	int error = init(made, options);
	if (error < 0) {
		pio_sender_free(made);
		return error;
	}
	*sender = made;
	return 0;
}

void pio_sender_free(pio_sender_t *sender)
{
	if (sender == NULL)
		return;
	pio_sockets_deinit(&sender->ipv4);
	pio_sockets_deinit(&sender->ipv6);
	templates_deinit(&sender->spread.templates);
	pio_sockets_deinit(&sender->own_ipv4);
	pio_sockets_deinit(&sender->own_ipv6);
	pio_frames_deinit(&sender->frames);
	free(sender->payload_sums);
	free(sender->marks);
	free(sender->hashes);
	free(sender->numbers);
	free(sender->known_queues);
	free(sender);
}

void pio_set_collectors(pio_sender_t *sender, const struct table_collector *collectors,
			uint32_t count, const struct table_leave *leaves, uint32_t leave_count)
{
	sender->collectors = collectors;
	sender->collector_count = count;
	sender->spread.generation++;
	sender->spread.generation += sender->spread.generation == 0;
	sender->leaves = leaves;
	sender->leave_count = leave_count;
	pio_make_room(&sender->ipv4);
	pio_make_room(&sender->ipv6);
	pio_make_room(&sender->own_ipv4);
	pio_make_room(&sender->own_ipv6);
	free(sender->known_queues);
	/* Without it each copy looks its socket up. */
	sender->known_queues = calloc(count, sizeof(*sender->known_queues));
}
