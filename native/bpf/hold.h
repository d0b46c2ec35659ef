/* Packets of an exporter that go up, go up in order: none overtakes one that waits in a socket. */
#ifndef BPF_HOLD_H
#define BPF_HOLD_H

#include "settings.h"

INLINE struct kernel_hold *hold_of(const struct kernel_work *work)
{
	uint32_t index = path_hash(work->source) % KERNEL_HOLDS;
	return map_lookup(&holds, &index);
}

/* When all forwarders had found their sockets empty; 0: never, as it seems. */
INLINE uint64_t emptied_ns(void)
{
	uint64_t earliest = ~0ull;
	uint32_t forwarders = settings.forwarders;
	if (forwarders == 0)
		return 0;
	for (uint32_t i = 0; i < KERNEL_CONSUMERS; i++) {
		if (i >= forwarders)
			break;
		uint64_t at = READ_ONCE(settings.empty_ns[i]);
		if (at < earliest)
			earliest = at;
	}
	return earliest;
}

/* Whether packets of an exporter still have to go up. Ends it when it is over. */
PART int is_on_hold(struct kernel_cpu *cpu)
{
	struct kernel_hold *hold = cpu == 0 ? 0 : hold_of(&cpu->work);
	if (hold == 0)
		return 1;
	uint64_t until = READ_ONCE(hold->until_ns);
	if (until == 0)
		return 0;
	if (READ_ONCE(settings.keeps_holds) != 0 || clock_ns() <= until ||
	    emptied_ns() <= READ_ONCE(hold->last_ns) + KERNEL_SETTLE_NS)
		return 1;
	/* Another processor may have begun it anew. */
	return __sync_val_compare_and_swap(&hold->until_ns, until, 0) != until;
}

/* Whether packets of an exporter have to go up as those before them. */
INLINE int is_held(struct kernel_cpu *cpu)
{
	const struct kernel_hold *hold = hold_of(&cpu->work);
	return hold == 0 || (READ_ONCE(hold->until_ns) != 0 && is_on_hold(cpu));
}

/* A packet of an exporter goes up: others follow it. */
INLINE void hold(const struct kernel_work *work, int reason)
{
	struct kernel_hold *its = hold_of(work);
	if (its == 0)
		return;
	uint64_t now = clock_ns();
	its->last_ns = now;
	if (reason != KERNEL_UP_HOLD)
		its->until_ns = now + settings.hold_ns;
}

#endif
