/* Which copies of a packet there are, decided before anything becomes of it. */
#ifndef BPF_PLAN_H
#define BPF_PLAN_H

#include "choose.h"

#define PACKET_NO_COLLECTOR 256u /* PIO_PACKET_NO_COLLECTOR */
#define HOP_LIMIT_MAX 64u	 /* PIO_HOP_LIMIT_MAX */
#define IPV4_BYTES 20u
#define IPV6_BYTES 40u
#define UDP_BYTES 8u

/* A word of the state of an output; NULL when there is none. */
INLINE uint32_t *state_word(const struct kernel_cpu *cpu, uint32_t state, uint32_t member)
{
	uint32_t chunk = state / KERNEL_CHUNK;
	struct map *map = map_lookup(&states, &chunk);
	if (map == 0)
		return 0;
	uint32_t index = cpu->number * KERNEL_CHUNK + state % KERNEL_CHUNK;
	uint8_t *row = map_lookup(map, &index);
	if (row == 0)
		return 0;
	return (uint32_t *)(void *)(row + (member & 3) * 4);
}

/* Whose turn it is; the next one is for it to be when the packet is handled. */
FUNCTION int take_turn(struct kernel_cpu *cpu, uint32_t state, uint32_t member, uint32_t turns,
		       uint32_t *turn)
{
	const uint32_t *next = state_word(cpu, state, member);
	uint32_t at = cpu->work.turn_count;
	if (next == 0 || at >= KERNEL_TURNS)
		return KERNEL_UP_NO_STATE;
	*turn = *next < turns ? *next : 0;
	cpu->work.turns[at].state = state;
	cpu->work.turns[at].member = (uint16_t)member;
	cpu->work.turns[at].next = *turn + 1;
	cpu->work.turn_count = at + 1;
	return KERNEL_UP_NONE;
}

INLINE uint32_t member_of(uint32_t is_ipv6)
{
	return is_ipv6 != 0 ? __builtin_offsetof(struct table_state, next_ipv6) / 4
			    : __builtin_offsetof(struct table_state, next_ipv4) / 4;
}

/* Which of the collectors of an output gets the packet. */
INLINE int choose(struct kernel_cpu *cpu, struct choice *choice, const struct table_output *output,
		  uint32_t *chosen)
{
	struct kernel_work *work = &cpu->work;
	uint32_t is_weighted = output->flags & TABLE_OUTPUT_WEIGHTED;
	if ((output->flags & (TABLE_OUTPUT_BY_EXPORTER | TABLE_OUTPUT_BY_ENDPOINT)) != 0) {
		uint32_t has_port = output->flags & TABLE_OUTPUT_BY_ENDPOINT;
		choice->number =
			exporter_number(work->source, has_port != 0 ? work->source_port : 0);
		*chosen = choose_hashed(cpu, choice, is_weighted);
		return KERNEL_UP_NONE;
	}
	uint32_t turns =
		is_weighted != 0 ? weights_up_to(choice, choice->eligible) : choice->eligible;
	int reason = take_turn(cpu, output->state, member_of(work->is_ipv6), turns, chosen);
	if (reason == KERNEL_UP_NONE && is_weighted != 0)
		*chosen = collector_of_turn(choice, *chosen, turns);
	return reason;
}

/* A path as it was at one moment. Returns its MTU, 0: there is none. */
INLINE uint32_t read_path(uint32_t index, struct kernel_work *work, struct kernel_copy *copy,
			  uint32_t *hops, uint32_t *first_hop)
{
	const struct path *path = map_lookup(&paths, &index);
	if (index == 0 || path == 0)
		return 0;
	uint32_t changes = READ_ONCE(path->changes);
	READ_BARRIER(work->barrier);
	*hops = READ_ONCE(path->hops);
	*first_hop = READ_ONCE(path->first_hop);
	uint32_t link = READ_ONCE(path->link);
	const uint32_t *words = (const uint32_t *)(const void *)path;
	uint32_t *frame = (uint32_t *)(void *)copy->frame;
	frame[0] = READ_ONCE(words[2]);
	frame[1] = READ_ONCE(words[3]);
	frame[2] = READ_ONCE(words[4]);
	frame[3] = READ_ONCE(words[5]);
	uint32_t mtu = READ_ONCE(path->mtu);
	copy->link = link;
	READ_BARRIER(work->barrier);
	int is_whole = changes % 2 == 0 && READ_ONCE(path->changes) == changes;
	return is_whole && link != 0 ? mtu : 0;
}
_Static_assert(__builtin_offsetof(struct path, frame) == 8, "the frame is read as words");

/* The place of the next copy of a family: those of IPv6 are behind the others. */
INLINE struct kernel_copy *next_copy(struct kernel_work *work, uint32_t family)
{
	uint32_t ipv4 = work->ipv4_copies, ipv6 = work->ipv6_copies;
	if (ipv4 + ipv6 >= KERNEL_COPIES)
		return 0;
	uint32_t at = family == 4 ? ipv4 : KERNEL_COPIES - 1 - ipv6;
	return &work->copies[at & (KERNEL_COPIES - 1)];
}

/* The way of copies to an address. Returns its MTU, 0: there is none. */
INLINE uint32_t find_path(uint32_t index, struct kernel_work *work, struct kernel_copy *copy)
{
	uint32_t hops = 0, first_hop = 0;
	uint32_t mtu = read_path(index, work, copy, &hops, &first_hop);
	if (hops == 0)
		return mtu;
	uint32_t hop = first_hop + path_hash(work->source) % hops;
	return read_path(hop, work, copy, &hops, &first_hop);
}

INLINE int has_ipv4_mark(const uint32_t address[4])
{
	return address[0] == 0 && address[1] == 0 && address[2] == NETWORK32(0xffffu);
}

/* What a packet's copies leave with, unless a row says otherwise (R6, R14). */
INLINE void set_defaults(const struct kernel_work *work, struct kernel_copy *copy)
{
	uint32_t left = work->hop_limit - 1u;
	copy->hop_limit = (uint8_t)(left < HOP_LIMIT_MAX ? left : HOP_LIMIT_MAX);
	copy->traffic_class = 0;
	copy->source_port = (uint16_t)NETWORK16(work->source_port);
	for (uint32_t i = 0; i < 4; i++)
		copy->source[i] = work->source[i];
}

/* As struct table_leave says. Returns why the packet has to go up. */
INLINE int apply_leave(const struct table_leave *leave, struct kernel_copy *copy, uint32_t *prefix)
{
	const uint32_t *source = (const uint32_t *)(const void *)leave->source;
	const uint32_t *words = (const uint32_t *)(const void *)leave->prefix;
	if ((leave->flags & TABLE_LEAVE_PROXY) != 0)
		return KERNEL_UP_LEAVE;
	copy->traffic_class = leave->traffic_class;
	if (leave->hop_limit != 0)
		copy->hop_limit = leave->hop_limit;
	for (uint32_t i = 0; i < 3 && (leave->flags & TABLE_LEAVE_PREFIX) != 0; i++)
		prefix[i] = words[i];
	if ((leave->flags & TABLE_LEAVE_SOURCE) == 0)
		return KERNEL_UP_NONE;
	for (uint32_t i = 0; i < 4; i++)
		copy->source[i] = source[i];
	if (leave->source_port != 0)
		copy->source_port = leave->source_port;
	return KERNEL_UP_NONE;
}

/* The source of a copy in the family of its collector. */
INLINE int fit_source(struct kernel_copy *copy, uint32_t family, const uint32_t prefix[3])
{
	int is_ipv4 = has_ipv4_mark(copy->source);
	if (family == 4)
		return is_ipv4 ? KERNEL_UP_NONE : KERNEL_UP_LEAVE;
	if (is_ipv4) {
		for (uint32_t i = 0; i < 3; i++)
			copy->source[i] = prefix[i];
	}
	return KERNEL_UP_NONE;
}

/* With which source and which hop limit the next copy of a family leaves, as a row says. Returns
 * why the packet has to go up. */
PART int dress_copy(struct kernel_cpu *cpu, uint32_t family, uint32_t leave_index)
{
	uint32_t prefix[3];
	if (cpu == 0)
		return KERNEL_UP_NO_TABLE;
	struct kernel_copy *copy = next_copy(&cpu->work, family);
	struct map *table = table_of(&cpu->work);
	if (copy == 0 || table == 0)
		return KERNEL_UP_NO_TABLE;
	for (uint32_t i = 0; i < 3; i++)
		prefix[i] = ((const uint32_t *)(const void *)settings.mapped_prefix)[i];
	uint32_t word = cpu->work.leaves_at + (leave_index - 1) * KERNEL_ROW_WORDS;
	const struct table_leave *leave = row48(cpu, table, word);
	int reason = leave == 0 ? KERNEL_UP_NO_TABLE : apply_leave(leave, copy, prefix);
	return reason == KERNEL_UP_NONE ? fit_source(copy, family, prefix) : reason;
}

/* A collector gets a copy. Returns why the packet has to go up. */
INLINE int add_copy(struct kernel_cpu *cpu, struct map *table, uint32_t index)
{
	struct kernel_work *work = &cpu->work;
	const struct table_collector *collector =
		row48(cpu, table, work->collectors_at + index * COLLECTOR_WORDS);
	if (collector == 0)
		return KERNEL_UP_NO_TABLE;
	uint32_t flags = collector->flags, family = collector->family;
	if ((flags & (TABLE_COLLECTOR_TEMPLATES | TABLE_COLLECTOR_TEMPLATES_ALL)) != 0)
		return KERNEL_UP_TEMPLATES;
	if ((family != 4 && family != 6) || (family == 4 && work->is_ipv6 != 0))
		return KERNEL_UP_LEAVE;
	struct kernel_copy *copy = next_copy(work, family);
	if (copy == 0)
		return KERNEL_UP_LEAVE;
	const uint32_t *address = (const uint32_t *)(const void *)collector->address;
	for (uint32_t i = 0; i < 4; i++)
		copy->destination[i] = address[i];
	copy->destination_port = (flags & TABLE_COLLECTOR_LISTEN_PORT) != 0
					 ? (uint16_t)NETWORK16(work->listening)
					 : collector->port;
	copy->slot = collector->output_slot;
	/* The row may not be there any more after this. */
	uint32_t leave = collector->leave;
	const uint32_t *prefix = (const uint32_t *)(const void *)settings.mapped_prefix;
	set_defaults(work, copy);
	int reason = leave == 0 ? fit_source(copy, family, prefix) : dress_copy(cpu, family, leave);
	if (reason != KERNEL_UP_NONE)
		return reason;
	uint32_t mtu = find_path(flags >> TABLE_COLLECTOR_PATH_SHIFT, work, copy);
	if (mtu == 0)
		return KERNEL_UP_NO_PATH;
	if (family == 4)
		work->ipv4_copies++;
	else
		work->ipv6_copies++;
	uint32_t bytes = work->length + UDP_BYTES + (family == 4 ? IPV4_BYTES : IPV6_BYTES);
	return bytes > mtu ? KERNEL_UP_MTU : KERNEL_UP_NONE;
}
_Static_assert(sizeof(struct table_leave) == KERNEL_ROW_WORDS * 4 &&
		       sizeof(struct table_collector) == KERNEL_ROW_WORDS * 4,
	       "rows of 48 bytes");

/* One of so many packets is taken, and this is not the one. Returns why it has to go up. */
INLINE int sample(struct kernel_cpu *cpu, const struct table_output *output, int *is_left_out)
{
	if (output->filter != 0)
		return KERNEL_UP_FILTER;
	if (output->sample == 0)
		return KERNEL_UP_NONE;
	uint32_t turn = 0;
	uint32_t member = __builtin_offsetof(struct table_state, next_sample) / 4;
	int reason = take_turn(cpu, output->state, member, output->sample, &turn);
	if (reason != KERNEL_UP_NONE || turn == 0)
		return reason;
	uint32_t at = cpu->work.left_out_count;
	if (at >= KERNEL_COPIES)
		return KERNEL_UP_NO_STATE;
	cpu->work.left_out[at] = output->state;
	cpu->work.left_out_count = at + 1;
	*is_left_out = 1;
	return KERNEL_UP_NONE;
}

INLINE const struct table_output *output_row(const struct kernel_work *work, struct map *table,
					     uint32_t index)
{
	return table == 0 ? 0 : row32(table, work->outputs_at + index * ROW_WORDS);
}

/* How many collectors of an output can take the packet. */
INLINE uint32_t eligible_of(const struct kernel_work *work, const struct table_output *output)
{
	return work->is_ipv6 != 0 ? output->ipv6_collectors : output->collectors;
}

/*
 * Which collector of an output gets the packet, in work->chosen. Returns why the packet has to go
 * up.
 */
PART int find_collector(struct kernel_cpu *cpu, uint32_t index)
{
	if (cpu == 0)
		return KERNEL_UP_NO_TABLE;
	struct map *table = table_of(&cpu->work);
	const struct table_output *output = output_row(&cpu->work, table, index);
	if (output == 0)
		return KERNEL_UP_NO_TABLE;
	cpu->work.chosen = KERNEL_NOBODY;
	if ((output->flags & TABLE_OUTPUT_PIPELINE) != 0)
		return KERNEL_UP_PIPELINE;
	int is_left_out = 0;
	int reason = KERNEL_UP_NONE;
	if ((output->flags & TABLE_OUTPUT_LEAVES_OUT) != 0)
		reason = sample(cpu, output, &is_left_out);
	if (reason != KERNEL_UP_NONE || is_left_out)
		return reason;
	struct choice choice = {
		.table = table,
		.collectors = cpu->work.collectors_at + output->first_collector * COLLECTOR_WORDS,
		.eligible = eligible_of(&cpu->work, output),
	};
	if (choice.eligible == 0) {
		cpu->work.flags += PACKET_NO_COLLECTOR;
		return KERNEL_UP_NONE;
	}
	uint32_t chosen = 0;
	if (choice.eligible > 1)
		reason = choose(cpu, &choice, output, &chosen);
	cpu->work.chosen = output->first_collector + chosen;
	return reason;
}

/* What an output makes of the packet. Returns why the packet has to go up. */
INLINE int plan_output(struct kernel_cpu *cpu, uint32_t index)
{
	struct kernel_work *work = &cpu->work;
	struct map *table = table_of(work);
	const struct table_output *output = output_row(work, table, index);
	if (output == 0)
		return KERNEL_UP_NO_TABLE;
	uint32_t chosen = output->first_collector;
	/* Most have one collector, and nothing to decide. */
	if (output->flags != 0 || eligible_of(work, output) != 1) {
		int reason = find_collector(cpu, index);
		chosen = work->chosen;
		if (reason != KERNEL_UP_NONE || chosen == KERNEL_NOBODY)
			return reason;
	}
	return add_copy(cpu, table, chosen);
}

/* The states of outputs become what was decided. */
PART int take_turns(struct kernel_cpu *cpu)
{
	if (cpu == 0)
		return 0;
	for (uint32_t i = 0; i < KERNEL_TURNS; i++) {
		if (i >= cpu->work.turn_count)
			break;
		const struct kernel_turn *turn = &cpu->work.turns[i];
		uint32_t *word = state_word(cpu, turn->state, turn->member);
		if (word != 0)
			*word = turn->next;
	}
	return 0;
}

#endif
