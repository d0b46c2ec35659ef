/*
 * The program at tc ingress: it takes packets of exporters before the sockets do, and sends copies
 * as the forwarding table says. kernel_program.h tells how it is told what to do, and what it
 * tells.
 *
 * It has no licence of the GPL, so it calls only what the kernel lets any program call.
 */
#include "hold.h"
#include "record.h"

/* Finds the rule of the packet: its slot, and its outputs. Returns why the packet has to go up. */
INLINE int find(struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	struct query query;
	work->table = READ_ONCE(settings.table);
	if (!begin_query(&query, work))
		return KERNEL_UP_NO_TABLE;
	const struct table_header *header = query.header;
	if (header->magic != TABLE_MAGIC || header->layout != TABLE_LAYOUT)
		return KERNEL_UP_NO_TABLE;
	for (uint32_t i = 0; i < 4; i++)
		query.address[i] = work->source[i];
	query.hash = hash_address(header->key, query.address);
	query.kind = 0;
	uint32_t root = work->is_ipv6 != 0 ? header->ipv6_prefix : header->ipv4_prefix;
	const struct table_rule *rule = row32(query.table, find_rule(cpu, &query, root));
	if (rule == 0)
		return KERNEL_UP_NO_TABLE;
	work->outputs_at = header->outputs;
	work->collectors_at = header->collectors;
	work->leaves_at = header->leaves;
	work->input_slot = rule->input_slot;
	work->first_output = rule->first_output;
	work->outputs = rule->outputs & TABLE_RULE_OUTPUTS;
	return work->outputs > KERNEL_COPIES ? KERNEL_UP_LEAVE : KERNEL_UP_NONE;
}

/* Decides what becomes of a packet. Returns why it has to go up. */
INLINE int decide(struct kernel_cpu *cpu)
{
	struct kernel_work *work = &cpu->work;
	int reason = find(cpu);
	work->ipv4_copies = work->ipv6_copies = 0;
	work->turn_count = work->left_out_count = 0;
	work->refused = 0;
	work->is_dropped = work->outputs == 0;
	for (uint32_t i = 0; i < KERNEL_COPIES; i++) {
		if (reason != KERNEL_UP_NONE || i >= work->outputs)
			break;
		reason = plan_output(cpu, work->first_output + i);
	}
	return reason;
}

/* The time, as it was when jiffies changed last: which are read without a call. */
INLINE uint64_t about_now_ns(struct kernel_cpu *cpu)
{
	uint64_t tick = jiffies();
	if (tick != cpu->tick) {
		cpu->tick = tick;
		cpu->tick_ns = coarse_clock_ns();
	}
	return cpu->tick_ns;
}

/* Whether control says that frames may be made, and still looks after their paths. */
INLINE int has_paths(struct kernel_cpu *cpu)
{
	uint32_t none = 0;
	const struct paths_header *header = map_lookup(&paths, &none);
	if (header == 0 || header->magic != PATHS_MAGIC || header->layout != PATHS_LAYOUT)
		return 0;
	uint64_t stale_ns = (READ_ONCE(header->looked_ms) + PATHS_STALE_MS) * 1000000;
	return (READ_ONCE(header->users) & PATHS_KERNEL) != 0 && about_now_ns(cpu) < stale_ns;
}

INLINE int parse(struct __sk_buff *skb, struct kernel_cpu *cpu)
{
	if (skb->protocol == NETWORK16(ETH_P_IP))
		return parse4(skb, cpu);
	return skb->protocol == NETWORK16(ETH_P_IPV6) ? parse6(skb, cpu) : NOT_UDP;
}

/* Why a packet for a listener has to go up before its rule is looked up, or NONE. */
INLINE int check(struct kernel_cpu *cpu)
{
	if ((READ_ONCE(settings.flags) & KERNEL_ON) == 0 && cpu->is_test == 0)
		return KERNEL_UP_OFF;
	if (is_held(cpu) && cpu->is_test == 0)
		return KERNEL_UP_HOLD;
	return has_paths(cpu) ? KERNEL_UP_NONE : KERNEL_UP_PATHS_OLD;
}

INLINE int go_up(struct kernel_cpu *cpu, int reason)
{
	cpu->counters.up[reason & (KERNEL_REASONS - 1)]++;
	if (reason != KERNEL_UP_NOT_LISTENER && cpu->is_test == 0)
		hold(&cpu->work, reason);
	return NEXT;
}

/* Memory for the packet in hand. Only those of tests come by loopback: it has no program. */
INLINE struct kernel_cpu *memory_of(const struct __sk_buff *skb, uint32_t number)
{
	uint32_t index = number;
	if (skb->ifindex == KERNEL_LOOPBACK)
		index += settings.processors;
	return map_lookup(&cpus, &index);
}

__attribute__((section("tc"), used)) int floxy(struct __sk_buff *skb)
{
	uint32_t number = processor();
	struct kernel_cpu *cpu = memory_of(skb, number);
	if (cpu == 0)
		return NEXT;
	int reason = parse(skb, cpu);
	if (reason == NOT_UDP)
		return NEXT;
	cpu->number = number;
	if (reason == KERNEL_UP_NONE)
		reason = check(cpu);
	if (reason == KERNEL_UP_NONE)
		reason = decide(cpu);
	if (reason == KERNEL_UP_NONE)
		reason = check_sum(skb, cpu);
	int action = reason == KERNEL_UP_NONE ? handle(skb, cpu) : -reason;
	if (action < 0)
		return go_up(cpu, -action);
	cpu->counters.handled++;
	cpu->counters.handled_bytes += cpu->work.length;
	return action;
}
