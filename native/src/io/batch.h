/* The memory of a batch, which receiver and sender share. */
#ifndef PIO_BATCH_H
#define PIO_BATCH_H

#include <stddef.h>

#include "pio.h"

static inline int pio_is_batch_valid(const struct pio_batch *batch)
{
	return batch->size >= 1 && batch->size <= PIO_BATCH_MAX && batch->payload_bytes >= 1 &&
	       batch->payload_bytes <= PIO_PAYLOAD_MAX &&
	       batch->payload_stride >= batch->payload_bytes && batch->packets != NULL &&
	       batch->payloads != NULL;
}

static inline uint8_t *pio_payload(const struct pio_batch *batch, uint32_t packet)
{
	return batch->payloads + (size_t)packet * batch->payload_stride;
}

#endif
