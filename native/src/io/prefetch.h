/* With many rules, slots and collectors are not in the cache: they are asked for ahead. */
#ifndef PIO_PREFETCH_H
#define PIO_PREFETCH_H

#include "sender.h"

/* So many packets or copies before they are needed. */
#define READ_AHEAD 8u

static inline void prefetch_slot(const struct pio_sender *sender, uint32_t slot)
{
	if (slot < sender->options.slot_count)
		__builtin_prefetch(&sender->options.slots[slot], 1);
}

static inline void prefetch_collector(const struct pio_sender *sender, uint32_t collector)
{
	if (collector >= sender->collector_count)
		return;
	__builtin_prefetch(&sender->collectors[collector]);
	if (sender->known_queues != NULL)
		__builtin_prefetch(&sender->known_queues[collector], 1);
}

#endif
