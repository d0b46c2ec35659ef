/* The rule of a packet, in the forwarding table (table.h). */
#ifndef BPF_LOOKUP_H
#define BPF_LOOKUP_H

#include "helpers.h"
#include "kernel_program.h"

#define ELEMENT_WORDS (KERNEL_ELEMENT_BYTES / 4)
#define ROW_WORDS 8u /* of what has rows of 32 bytes */
#define PIECE_WORDS 4u

/* What a rule is looked for by, and where. */
struct query {
	struct map *table;
	const struct table_header *header;
	uint32_t hash; /* of the address */
	uint32_t longest;
	uint32_t address[4];
	uint32_t port;
	uint32_t listening;
	uint32_t kind; /* TABLE_RULE_PREFIX and its length, or 0 */
};

/* The table of the packet in hand; NULL when there is none yet. */
INLINE struct map *table_of(const struct kernel_work *work)
{
	return map_lookup(&tables, &work->table);
}

/* So many words, a power of two, at a word of the table, of which there is a whole number before.
 */
INLINE void *words_at(struct map *table, uint32_t word, uint32_t words)
{
	uint32_t index = word / ELEMENT_WORDS;
	uint8_t *element = map_lookup(table, &index);
	if (element == 0)
		return 0;
	return element + (word & (ELEMENT_WORDS - words)) * 4;
}

/* A row of 32 bytes. */
INLINE void *row32(struct map *table, uint32_t word)
{
	return words_at(table, word, ROW_WORDS);
}

/* 16 bytes. */
INLINE void *piece16(struct map *table, uint32_t word)
{
	return words_at(table, word, PIECE_WORDS);
}

/* Puts a row of 48 bytes together. */
PART int join_row(struct kernel_cpu *cpu, uint32_t word)
{
	if (cpu == 0)
		return 0;
	struct map *table = table_of(&cpu->work);
	for (uint32_t i = 0; table != 0 && i < KERNEL_ROW_WORDS; i += PIECE_WORDS) {
		const uint32_t *piece = piece16(table, word + i);
		if (piece == 0)
			return 0;
		for (uint32_t k = 0; k < PIECE_WORDS; k++)
			cpu->work.row[i + k] = piece[k];
	}
	return table != 0;
}

/* The row of 48 bytes at a word of the table. */
INLINE const void *row48(struct kernel_cpu *cpu, struct map *table, uint32_t word)
{
	uint32_t index = word / ELEMENT_WORDS, at = word % ELEMENT_WORDS;
	if (at > ELEMENT_WORDS - KERNEL_ROW_WORDS)
		return join_row(cpu, word) ? cpu->work.row : 0;
	const uint8_t *element = map_lookup(table, &index);
	return element == 0 ? 0 : element + at * 4;
}

INLINE uint32_t half_product(uint32_t word, uint32_t low, uint32_t high)
{
	return ((word & 0xffff) + low) * ((word >> 16) + high);
}

INLINE uint32_t hash_address(const uint32_t *key, const uint32_t address[4])
{
	return key[0] + half_product(address[0], key[1], key[2]) +
	       half_product(address[1], key[3], key[4]) + half_product(address[2], key[5], key[6]) +
	       half_product(address[3], key[7], key[8]);
}

/* The rule of exactly these. Returns the word where it begins, or 0. */
FUNCTION uint32_t find_exact(const struct query *query, uint32_t port, uint32_t listening)
{
	const uint32_t *key = query->header->key;
	uint32_t wanted = port | TABLE_RULE_PRESENT | query->kind;
	uint32_t hash =
		query->hash + key[9] * port + key[10] * listening + key[11] * (wanted >> 17);
	uint32_t word = sizeof(struct table_header) / 4 +
			(hash >> (query->header->hash_shift & 31)) * ROW_WORDS;
	for (uint32_t i = 0; i <= TABLE_PROBE_MAX; i++, word += ROW_WORDS) {
		if (i > query->longest)
			break;
		const struct table_rule *rule = row32(query->table, word);
		if (rule == 0 || rule->port == 0)
			break;
		const uint32_t *address = (const uint32_t *)(const void *)rule->address;
		if (rule->port == wanted && address[3] == query->address[3] &&
		    address[2] == query->address[2] && address[1] == query->address[1] &&
		    address[0] == query->address[0] &&
		    rule->outputs >> TABLE_RULE_LISTENING_SHIFT == listening)
			return word;
	}
	return 0;
}

/* Those of an address, the most exact one first. */
INLINE uint32_t find_address(const struct query *query)
{
	const struct table_header *header = query->header;
	uint32_t rule = 0;
	uint32_t has_port = header->port_filter >> (query->hash >> TABLE_PORT_FILTER_SHIFT) & 1;
	if (query->port != 0 && has_port != 0) {
		if (header->listening_port_rules != 0)
			rule = find_exact(query, query->port, query->listening);
		if (rule == 0 && header->port_rules != 0)
			rule = find_exact(query, query->port, 0);
	}
	if (rule == 0 && header->listening_address_rules != 0)
		rule = find_exact(query, 0, query->listening);
	if (rule == 0 && header->address_rules != 0)
		rule = find_exact(query, 0, 0);
	return rule;
}

/* What rules of an address are looked for by. */
INLINE int begin_query(struct query *query, const struct kernel_work *work)
{
	uint32_t first = 0;
	query->table = table_of(work);
	if (query->table == 0)
		return 0;
	query->header = map_lookup(query->table, &first);
	if (query->header == 0)
		return 0;
	query->longest = query->header->longest_probe;
	query->port = work->source_port;
	query->listening = work->listening;
	return 1;
}

/* The rule of the hash table that names a prefix and is for the packet, or 0. */
PART uint32_t find_of_prefix(struct kernel_cpu *cpu, uint32_t index)
{
	struct query query;
	if (cpu == 0 || !begin_query(&query, &cpu->work))
		return 0;
	const struct table_prefix *prefix =
		row32(query.table, query.header->prefixes + index * ROW_WORDS);
	if (prefix == 0)
		return 0;
	const uint32_t *address = (const uint32_t *)(const void *)prefix->address;
	for (uint32_t i = 0; i < 4; i++)
		query.address[i] = address[i];
	query.hash = hash_address(query.header->key, address);
	query.kind = TABLE_RULE_PREFIX | prefix->length << TABLE_RULE_PREFIX_LENGTH_SHIFT;
	uint32_t rule = 0;
	if (query.port != 0) {
		rule = find_exact(&query, query.port, query.listening);
		if (rule == 0)
			rule = find_exact(&query, query.port, 0);
	}
	return rule == 0 ? find_exact(&query, 0, query.listening) : rule;
}

/* Words as numbers of 64 bits, the first bit of the address as the highest. */
INLINE uint64_t join_bits(uint32_t first, uint32_t second)
{
	return (uint64_t)first << 32 | second;
}

/* Whether the first `length` bits of both are the same, of 64; 0 and less: of none. */
INLINE uint64_t difference_in(uint64_t different, int length)
{
	if (length <= 0)
		return 0;
	return length >= 64 ? different : different >> (64 - length);
}

/* bits: of an address, the first bit of each word as the highest. */
INLINE int holds_address(const struct table_prefix *prefix, const uint32_t bits[4])
{
	const uint32_t *address = (const uint32_t *)(const void *)prefix->address;
	uint64_t first =
		join_bits(NETWORK32(address[0]) ^ bits[0], NETWORK32(address[1]) ^ bits[1]);
	uint64_t last = join_bits(NETWORK32(address[2]) ^ bits[2], NETWORK32(address[3]) ^ bits[3]);
	int length = (int)(prefix->length & 127);
	return (difference_in(first, length) | difference_in(last, length - 64)) == 0;
}

/* The rule of the longest prefix of an address that has one for the packet, or 0. */
INLINE uint32_t find_prefix(struct kernel_cpu *cpu, const struct query *query, uint32_t index)
{
	uint32_t found = 0;
	const uint32_t *bits = cpu->work.bits;
	uint32_t first = query->header->prefixes;
	uint32_t first_rule = first + query->header->prefix_count * ROW_WORDS;
	for (uint32_t depth = 0; depth < TABLE_PREFIX_DEPTH_MAX; depth++) {
		if (index == 0)
			break;
		const struct table_prefix *prefix = row32(query->table, first + index * ROW_WORDS);
		if (prefix == 0 || !holds_address(prefix, bits))
			break;
		uint32_t rules = prefix->rules, length = prefix->length;
		uint32_t word = bits[(length >> 5) & 3];
		uint32_t next = prefix->children[word >> (31 - (length & 31)) & 1];
		uint32_t rule = rules > TABLE_PREFIX_RULE ? find_of_prefix(cpu, index) : 0;
		if (rule != 0)
			found = rule;
		else if ((rules & TABLE_PREFIX_RULE) != 0)
			found = first_rule + index * ROW_WORDS;
		index = next;
	}
	return found;
}

/* The word where the rule of a packet begins. root: of the prefixes of its family. */
INLINE uint32_t find_rule(struct kernel_cpu *cpu, const struct query *query, uint32_t root)
{
	uint32_t rule = find_address(query);
	if (rule == 0 && root != 0)
		rule = find_prefix(cpu, query, root);
	return rule == 0 ? query->header->default_rule : rule;
}

#endif
