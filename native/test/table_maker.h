/* Forwarding tables for tests, made in the plainest way that table.h allows. */
#ifndef TABLE_MAKER_H
#define TABLE_MAKER_H

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define MAKER_RULES 256u
#define MAKER_OUTPUTS 1024u
#define MAKER_COLLECTORS 8192u
#define MAKER_LEAVES 8u
#define MAKER_BYTES (1u << 20)

struct maker_output {
	uint32_t first, collectors, ipv6_collectors; /* of maker.collectors */
	uint32_t flags, sample, filter;
};

struct maker_rule {
	uint8_t address[16];
	uint32_t bits; /* 128: the whole address */
	uint16_t port, listening;
	uint32_t first_output, outputs;
};

/* A rule set; rule 0 has the default outputs. */
struct maker {
	struct maker_rule rules[MAKER_RULES];
	struct maker_output outputs[MAKER_OUTPUTS];
	struct table_collector collectors[MAKER_COLLECTORS];
	struct table_leave leaves[MAKER_LEAVES];
	uint32_t rule_count, output_count, collector_count, leave_count;
	/* The table. */
	uint32_t words[MAKER_BYTES / 4];
	size_t bytes;
	uint32_t next_prefix;
};

static inline uint32_t maker_bit(const uint8_t address[16], uint32_t bit)
{
	return (uint32_t)address[bit / 8] >> (7 - bit % 8) & 1u;
}

static inline int maker_holds(const struct maker_rule *rule, const uint8_t address[16])
{
	for (uint32_t bit = 0; bit < rule->bits; bit++) {
		if (maker_bit(rule->address, bit) != maker_bit(address, bit))
			return 0;
	}
	return 1;
}

static inline struct table_header *maker_header(struct maker *maker)
{
	return (struct table_header *)(void *)maker->words;
}

static inline uint32_t maker_product(uint32_t word, uint32_t low, uint32_t high)
{
	return ((word & 0xffff) + low) * ((word >> 16) + high);
}

static inline uint32_t maker_hash(const uint32_t *k, const struct table_rule *rule)
{
	uint32_t a[4];
	memcpy(a, rule->address, 16);
	return k[0] + maker_product(a[0], k[1], k[2]) + maker_product(a[1], k[3], k[4]) +
	       maker_product(a[2], k[5], k[6]) + maker_product(a[3], k[7], k[8]) +
	       (rule->port & 0xffff) * k[9] + (rule->outputs >> 16) * k[10] +
	       (rule->port >> 17) * k[11];
}

static inline struct table_rule maker_row(const struct maker_rule *rule, uint32_t index)
{
	struct table_rule row = {
		.port = rule->port | TABLE_RULE_PRESENT,
		.input_slot = 2 + index,
		.first_output = rule->first_output,
		.outputs = rule->outputs | (uint32_t)rule->listening << TABLE_RULE_LISTENING_SHIFT,
	};
	if (rule->bits < 128)
		row.port |= TABLE_RULE_PREFIX | rule->bits << TABLE_RULE_PREFIX_LENGTH_SHIFT;
	memcpy(row.address, rule->address, 16);
	return row;
}

static inline int maker_is_hashed(const struct maker_rule *rule)
{
	return rule->bits == 128 || rule->port != 0 || rule->listening != 0;
}

/* Puts a rule into the hash table. Returns whether it is near enough to its place. */
static inline int maker_place(struct maker *maker, uint32_t index)
{
	struct table_header *header = maker_header(maker);
	struct table_rule row = maker_row(&maker->rules[index], index);
	struct table_rule *buckets = (struct table_rule *)(void *)(header + 1);
	uint32_t home = maker_hash(header->key, &row) >> header->hash_shift;
	for (uint32_t i = 0; i < TABLE_PROBE_MAX; i++) {
		if (buckets[home + i].port != 0)
			continue;
		buckets[home + i] = row;
		if (i > header->longest_probe)
			header->longest_probe = i;
		return 1;
	}
	return 0;
}

static inline void maker_count(struct table_header *header, const struct maker_rule *rule)
{
	struct table_rule address = {0};
	memcpy(address.address, rule->address, 16);
	if (rule->bits == 128 && rule->port != 0)
		header->port_filter |=
			1u << (maker_hash(header->key, &address) >> TABLE_PORT_FILTER_SHIFT);
	if (rule->bits < 128)
		header->prefix_port_rules++;
	else if (rule->listening != 0)
		*(rule->port != 0 ? &header->listening_port_rules
				  : &header->listening_address_rules) += 1;
	else
		*(rule->port != 0 ? &header->port_rules : &header->address_rules) += 1;
}

static inline void maker_hash_all(struct maker *maker)
{
	struct table_header *header = maker_header(maker);
	int is_done = 0;
	while (!is_done) {
		is_done = 1;
		memset(header + 1, 0,
		       (header->buckets + TABLE_PROBE_MAX) * sizeof(struct table_rule));
		header->longest_probe = 0;
		for (uint32_t i = 0; i < TABLE_KEY_WORDS; i++)
			header->key[i] = (uint32_t)rand() << 16 ^ (uint32_t)rand();
		for (uint32_t i = 1; i < maker->rule_count; i++) {
			if (maker_is_hashed(&maker->rules[i]) && !maker_place(maker, i))
				is_done = 0;
		}
	}
	for (uint32_t i = 1; i < maker->rule_count; i++) {
		if (maker_is_hashed(&maker->rules[i]))
			maker_count(header, &maker->rules[i]);
	}
}

/* How many bits two rules have in common. */
static inline uint32_t maker_common(const struct maker_rule *a, const struct maker_rule *b)
{
	uint32_t most = a->bits < b->bits ? a->bits : b->bits;
	uint32_t bit = 0;
	while (bit < most && maker_bit(a->address, bit) == maker_bit(b->address, bit))
		bit++;
	return bit;
}

/* Makes the tree of some rules of prefixes. Returns its root, 0 of none. */
static inline uint32_t maker_tree(struct maker *maker, const uint32_t *rules, uint32_t count)
{
	if (count == 0)
		return 0;
	struct table_header *header = maker_header(maker);
	struct table_prefix *prefixes = (void *)(maker->words + header->prefixes);
	struct table_rule *beside = (void *)(prefixes + header->prefix_count);
	const struct maker_rule *first = &maker->rules[rules[0]];
	uint32_t length = first->bits;
	for (uint32_t i = 1; i < count; i++) {
		uint32_t common = maker_common(first, &maker->rules[rules[i]]);
		if (common < length)
			length = common;
	}
	uint32_t index = maker->next_prefix++;
	struct table_prefix *prefix = &prefixes[index];
	prefix->length = length;
	for (uint32_t bit = 0; bit < length; bit++)
		prefix->address[bit / 8] |=
			(uint8_t)(maker_bit(first->address, bit) << (7 - bit % 8));
	uint32_t parts[2][MAKER_RULES], counts[2] = {0, 0};
	for (uint32_t i = 0; i < count; i++) {
		const struct maker_rule *rule = &maker->rules[rules[i]];
		if (rule->bits > length) {
			uint32_t bit = maker_bit(rule->address, length);
			parts[bit][counts[bit]++] = rules[i];
		} else if (maker_is_hashed(rule)) {
			prefix->rules += 2;
		} else {
			prefix->rules |= TABLE_PREFIX_RULE;
			beside[index] = maker_row(rule, rules[i]);
		}
	}
	for (uint32_t bit = 0; bit < 2; bit++) {
		uint32_t child = maker_tree(maker, parts[bit], counts[bit]);
		prefixes[index].children[bit] = child;
	}
	return index;
}

static inline int maker_is_ipv4(const uint8_t address[16])
{
	static const uint8_t mark[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(address, mark, 12) == 0;
}

static inline void maker_prefixes(struct maker *maker)
{
	uint32_t parts[2][MAKER_RULES], counts[2] = {0, 0};
	for (uint32_t i = 1; i < maker->rule_count; i++) {
		const struct maker_rule *rule = &maker->rules[i];
		if (rule->bits == 128)
			continue;
		int is_ipv4 = rule->bits >= 96 && maker_is_ipv4(rule->address);
		parts[is_ipv4][counts[is_ipv4]++] = i;
	}
	maker->next_prefix = 1;
	maker_header(maker)->ipv4_prefix = maker_tree(maker, parts[1], counts[1]);
	maker_header(maker)->ipv6_prefix = maker_tree(maker, parts[0], counts[0]);
}

static inline struct table_output *maker_output_row(struct maker *maker, uint32_t index)
{
	return (struct table_output *)(void *)(maker->words + maker_header(maker)->outputs) + index;
}

static inline void maker_outputs(struct maker *maker)
{
	struct table_header *header = maker_header(maker);
	struct table_output *outputs = maker_output_row(maker, 0);
	for (uint32_t i = 0; i < maker->output_count; i++) {
		const struct maker_output *output = &maker->outputs[i];
		outputs[i] = (struct table_output){
			.first_collector = output->first,
			.collectors = output->collectors,
			.ipv6_collectors = output->ipv6_collectors,
			.state = i,
			.flags = output->flags,
			.sample = output->sample,
			.filter = output->filter,
		};
	}
	memcpy(maker->words + header->collectors, maker->collectors,
	       maker->collector_count * sizeof(struct table_collector));
	memcpy(maker->words + header->leaves, maker->leaves,
	       maker->leave_count * sizeof(struct table_leave));
}

/* Makes the table of the rules. */
static inline void maker_make(struct maker *maker)
{
	struct table_header *header = maker_header(maker);
	memset(maker->words, 0, sizeof(maker->words));
	*header = (struct table_header){.magic = TABLE_MAGIC, .layout = TABLE_LAYOUT};
	header->buckets = 2;
	header->hash_shift = 31;
	while (header->buckets < 2 * maker->rule_count) {
		header->buckets *= 2;
		header->hash_shift--;
	}
	uint32_t row = 8, at = sizeof(*header) / 4 + (header->buckets + TABLE_PROBE_MAX) * row;
	header->default_rule = at;
	header->prefixes = at + row;
	header->prefix_count = 2 * maker->rule_count + 1;
	header->outputs = header->prefixes + 2 * header->prefix_count * row;
	header->output_count = maker->output_count;
	header->collectors = header->outputs + header->output_count * row;
	header->collector_count = maker->collector_count;
	header->leaves = header->collectors +
			 header->collector_count * (uint32_t)sizeof(struct table_collector) / 4;
	header->leave_count = maker->leave_count;
	maker->bytes = header->leaves * 4 + maker->leave_count * sizeof(struct table_leave);
	if (maker->bytes > MAKER_BYTES)
		abort();
	maker_hash_all(maker);
	maker_prefixes(maker);
	maker_outputs(maker);
	struct table_rule *rule = (void *)(maker->words + header->default_rule);
	*rule = maker_row(&maker->rules[0], 0);
	rule->input_slot = TABLE_SLOT_MISMATCHED;
	rule->port = 0;
	memset(rule->address, 0, 16);
}

/* Begins a rule set without rules and default outputs. */
static inline void maker_reset(struct maker *maker)
{
	maker->rule_count = 1;
	maker->output_count = maker->collector_count = maker->leave_count = 0;
	memset(&maker->rules[0], 0, sizeof(maker->rules[0]));
}

/* Begins a rule; its outputs come next. */
static inline struct maker_rule *maker_rule(struct maker *maker, const uint8_t address[16],
					    uint32_t bits)
{
	struct maker_rule *rule = &maker->rules[maker->rule_count++];
	memset(rule, 0, sizeof(*rule));
	for (uint32_t bit = 0; bit < bits; bit++)
		rule->address[bit / 8] |= (uint8_t)(maker_bit(address, bit) << (7 - bit % 8));
	rule->bits = bits;
	rule->first_output = maker->output_count;
	return rule;
}

/* Begins an output of a rule; its collectors come next. */
static inline struct maker_output *maker_output(struct maker *maker, struct maker_rule *rule)
{
	struct maker_output *output = &maker->outputs[maker->output_count++];
	memset(output, 0, sizeof(*output));
	output->first = maker->collector_count;
	if (rule->outputs++ == 0)
		rule->first_output = maker->output_count - 1;
	return output;
}

static inline struct table_collector *maker_collector(struct maker *maker,
						      struct maker_output *output,
						      const uint8_t address[16], uint16_t port,
						      uint32_t path, uint32_t weight)
{
	uint32_t index = maker->collector_count++;
	struct table_collector *collector = &maker->collectors[index];
	uint32_t before = output->collectors == 0 ? 0 : collector[-1].weights;
	memset(collector, 0, sizeof(*collector));
	memcpy(collector->address, address, 16);
	collector->port = htons(port);
	collector->family = maker_is_ipv4(address) ? 4 : 6;
	collector->output_slot = 300 + index;
	collector->flags = path << TABLE_COLLECTOR_PATH_SHIFT;
	collector->weights = before + weight;
	output->collectors++;
	if (collector->family == 6)
		output->ipv6_collectors = output->collectors;
	return collector;
}

#endif
