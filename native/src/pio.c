#include "pio.h"

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

void pio_count_error(struct pio *io, enum pio_counter first, int error, uint64_t by)
{
	int index = error > 0 && error < PIO_ERRNO_COUNT ? error : EIO;
	pio_count(&io->options.counters[(int)first + index], by);
}

static int are_valid(const struct pio_options *options)
{
	return options->batch >= 1 && options->batch <= PIO_BATCH_MAX &&
	       options->buffer_bytes >= 1 && options->buffer_bytes <= PIO_PAYLOAD_MAX &&
	       options->packets != NULL && options->counters != NULL &&
	       (options->copies != NULL || options->copies_max == 0) &&
	       (options->slots != NULL || options->slot_count == 0);
}

int pio_new(pio_t **io, const struct pio_options *options)
{
	*io = NULL;
	if (!are_valid(options))
		return -EINVAL;
	struct pio *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return -ENOMEM;
	made->options = *options;
	int error = pio_receiver_init(made);
	if (error == 0)
		error = pio_sender_init(made);
	if (error < 0) {
		pio_free(made);
		return error;
	}
	*io = made;
	return 0;
}

void pio_free(pio_t *io)
{
	if (io == NULL)
		return;
	pio_receiver_deinit(io);
	pio_sender_deinit(io);
	free(io);
}

void pio_set_collectors(pio_t *io, const struct table_collector *collectors, uint32_t count)
{
	io->collectors = collectors;
	io->collector_count = count;
}
