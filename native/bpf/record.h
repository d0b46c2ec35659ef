/* What is told of a packet that was handled, for it to be counted. */
#ifndef BPF_RECORD_H
#define BPF_RECORD_H

#include "forwarders.h"
#include "send.h"

#define IPFIX_VERSION 10u

/* So many copies, or fewer, of most packets. */
#define KERNEL_FEW 2u

/* The ring of the exporter's forwarder; NULL when nobody reads any. */
INLINE struct map *ring_of(const struct kernel_work *work)
{
	uint32_t consumers = settings.consumers;
	if (consumers == 0)
		return 0;
	const uint32_t *source = work->source;
	uint32_t address = NETWORK32(source[0] ^ source[1] ^ source[2] ^ source[3]);
	uint32_t index = forwarder_of(address, work->source_port, consumers);
	return map_lookup(&rings, &index);
}

/* Whether the payload is a message of IPFIX, which is told of as a whole. */
INLINE int is_message(const struct __sk_buff *skb, const struct kernel_work *work)
{
	uint16_t version = 0;
	if (work->length <= KERNEL_HEADER_BYTES)
		return 0;
	read16(skb, udp_at(work) + UDP_BYTES, &version);
	return version == NETWORK16(IPFIX_VERSION);
}

/* The header of a long payload, as most are, without a call. Returns whether it is there. */
INLINE int copy_header(const struct __sk_buff *skb, const struct kernel_work *work, uint8_t *to)
{
	const uint8_t *payload = data_of(skb) + udp_at(work) + UDP_BYTES;
	if (payload + KERNEL_HEADER_BYTES > (const uint8_t *)end_of(skb) ||
	    work->length < KERNEL_HEADER_BYTES)
		return 0;
	const uint64_t *words = (const uint64_t *)(const void *)payload;
	for (uint32_t i = 0; i < KERNEL_HEADER_BYTES / 8; i++)
		((uint64_t *)(void *)to)[i] = words[i];
	return 1;
}

INLINE void fill_head(struct kernel_record *head, const struct kernel_work *work, uint32_t kind)
{
	uint32_t *source = (uint32_t *)(void *)head->source;
	for (uint32_t i = 0; i < 4; i++)
		source[i] = work->source[i];
	head->input_slot = work->input_slot;
	head->flags = work->flags;
	head->source_port = (uint16_t)work->source_port;
	head->length = (uint16_t)work->length;
	head->listen_port = (uint16_t)work->listening;
	head->hop_limit = work->hop_limit;
	head->listener = work->listener;
	head->kind = (uint8_t)kind;
	head->entries = 0;
	head->entry_room = 0;
	head->is_dropped = 0;
	head->payload_bytes = 0;
	head->reserved = 0;
}

/* The facts of a packet and the beginning of its payload. */
#define BEGIN_RECORD(record, skb, work, payload_max)                                               \
	do {                                                                                       \
		fill_head(&(record)->head, work, KERNEL_RECORD_PACKET);                            \
		(record)->head.is_dropped = (work)->is_dropped;                                    \
		(record)->head.entry_room = sizeof((record)->entries) / 4;                         \
		uint32_t bytes = (work)->length;                                                   \
		if ((payload_max) == KERNEL_HEADER_BYTES &&                                        \
		    copy_header(skb, work, (record)->payload)) {                                   \
			(record)->head.payload_bytes = KERNEL_HEADER_BYTES;                        \
			break;                                                                     \
		}                                                                                  \
		HIDE(bytes);                                                                       \
		if (bytes > (payload_max))                                                         \
			bytes = (payload_max);                                                     \
		if (bytes > 0 &&                                                                   \
		    load_bytes(skb, (work)->payload_at, (record)->payload, bytes) == 0)            \
			(record)->head.payload_bytes = (uint16_t)bytes;                            \
	} while (0)

INLINE uint32_t copy_entry(const struct kernel_copy *copy)
{
	return copy->slot | (uint32_t)copy->error << KERNEL_ENTRY_SHIFT;
}

INLINE uint32_t entry_of(struct kernel_work *work, uint32_t i, uint32_t copies)
{
	if (i >= copies)
		return work->left_out[(i - copies) & (KERNEL_COPIES - 1)] |
		       KERNEL_ENTRY_SAMPLED << KERNEL_ENTRY_SHIFT;
	return copy_entry(copy_at(work, i));
}

/* What became of copies, and which outputs left the packet out. Returns how many entries there are.
 */
PART int make_entries(struct kernel_cpu *cpu)
{
	if (cpu == 0)
		return 0;
	struct kernel_work *work = &cpu->work;
	uint32_t copies = work->ipv4_copies + work->ipv6_copies;
	uint32_t all = copies + work->left_out_count;
	for (uint32_t i = 0; i < KERNEL_ENTRIES; i++) {
		if (i >= all)
			break;
		work->entries[i] = entry_of(work, i, copies);
	}
	return (int)all;
}

/* The same for most packets, in line. */
INLINE int entries_of(struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	uint32_t copies = work->ipv4_copies;
	if (work->ipv6_copies + work->left_out_count != 0 || copies > KERNEL_FEW)
		return make_entries(cpu);
	for (uint32_t i = 0; i < KERNEL_FEW; i++)
		work->entries[i] = copy_entry(&work->copies[i]);
	return (int)copies;
}

/* To whom copies were lost, as far as there is room to tell; that they were, their entries say. */
PART int tell_losses(struct kernel_cpu *cpu)
{
	if (cpu == 0)
		return 0;
	struct kernel_work *work = &cpu->work;
	struct map *ring = ring_of(work);
	if (ring == 0)
		return 0;
	for (uint32_t i = 0; i < KERNEL_COPIES; i++) {
		if (i >= work->ipv4_copies + work->ipv6_copies)
			break;
		const struct kernel_copy *copy = copy_at(work, i);
		if (copy->error == 0)
			continue;
		struct kernel_small *record = ring_reserve(ring, sizeof(*record), 0);
		if (record == 0)
			break;
		fill_head(&record->head, work, KERNEL_RECORD_LOSS);
		record->head.entry_room = KERNEL_SMALL_ENTRIES;
		struct kernel_loss *loss = (void *)record->payload;
		uint32_t *address = (uint32_t *)(void *)loss->address;
		for (uint32_t k = 0; k < 4; k++)
			address[k] = copy->destination[k];
		loss->port = NETWORK16(copy->destination_port);
		loss->error = copy->error;
		record->head.payload_bytes = sizeof(*loss);
		ring_submit(record, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

/* With room for a record the packet is handled: there is nothing any more that lets it go up. */
#define HANDLE(type, skb, cpu, ring, payload_max)                                                  \
	do {                                                                                       \
		type *record = ring_reserve(ring, sizeof(*record), 0);                             \
		if (record == 0)                                                                   \
			return -KERNEL_UP_RING_FULL;                                               \
		BEGIN_RECORD(record, skb, &(cpu)->work, payload_max);                              \
		if ((cpu)->work.turn_count > 0)                                                    \
			take_turns(cpu);                                                           \
		action = send_copies(skb, cpu);                                                    \
		(record)->head.entries = (uint8_t)entries_of(cpu);                                 \
		__builtin_memcpy((record)->entries, (cpu)->work.entries,                           \
				 sizeof((record)->entries));                                       \
		ring_submit(record, BPF_RB_NO_WAKEUP);                                             \
	} while (0)

/* Returns what becomes of the packet, or the negative reason why it goes up. */
INLINE int handle(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	struct map *ring = ring_of(work);
	if (ring == 0)
		return -KERNEL_UP_RING_FULL;
	uint32_t entries = work->ipv4_copies + work->ipv6_copies + work->left_out_count;
	int action = DROP;
	if (is_message(skb, work)) {
		if (work->length > KERNEL_MESSAGE_BYTES)
			return -KERNEL_UP_TOO_LONG;
		HANDLE(struct kernel_message, skb, cpu, ring, KERNEL_MESSAGE_BYTES);
	} else if (entries > KERNEL_SMALL_ENTRIES) {
		HANDLE(struct kernel_large, skb, cpu, ring, KERNEL_HEADER_BYTES);
	} else {
		HANDLE(struct kernel_small, skb, cpu, ring, KERNEL_HEADER_BYTES);
	}
	if (work->refused > 0)
		tell_losses(cpu);
	return action;
}

#endif
