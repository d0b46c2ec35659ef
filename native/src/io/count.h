/* Counters that other processes read at any time. */
#ifndef PIO_COUNT_H
#define PIO_COUNT_H

#include <errno.h>
#include <stdint.h>

#include "pio.h"

/* Adds so that nobody ever sees half of a change. The caller is the only writer. */
static inline void pio_count(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/* Counts an errno from PIO_SEND_ERRORS or PIO_RECEIVE_ERRORS on; one that has no place is EIO. */
static inline void pio_count_error(uint64_t *counters, enum pio_counter first, int error,
				   uint64_t by)
{
	int index = error > 0 && error < PIO_ERRNO_COUNT ? error : EIO;
	pio_count(&counters[(int)first + index], by);
}

#endif
