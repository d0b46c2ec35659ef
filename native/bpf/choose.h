/* Which collector of an output gets a packet (struct table_output, table.h). */
#ifndef BPF_CHOOSE_H
#define BPF_CHOOSE_H

#include "lookup.h"
#include "settings.h"

#define COLLECTOR_WORDS (sizeof(struct table_collector) / 4)
#define COLLECTORS_MAX 64u /* of an output */

/* An output, and the packet for which one of its collectors is chosen. */
struct choice {
	struct map *table;
	uint32_t collectors; /* word of the first one */
	uint32_t eligible;
	uint32_t number; /* of the exporter */
};

/* The second 16 bytes of a collector: port, family, slot, flags, weights. */
struct collector_middle {
	uint16_t port;
	uint8_t family;
	uint8_t pipeline;
	uint32_t output_slot;
	uint32_t flags;
	uint32_t weights;
};

/* The third. */
struct collector_end {
	uint32_t leave;
	uint32_t seed;
	uint32_t group;
	uint32_t returns;
};
_Static_assert(__builtin_offsetof(struct table_collector, weights) == 28 &&
		       __builtin_offsetof(struct table_collector, leave) == 32,
	       "a collector is read in three pieces of 16 bytes");

INLINE uint32_t rotate(uint32_t word, uint32_t by)
{
	return word << by | word >> (32 - by);
}

INLINE uint32_t murmur_mix(uint32_t hash, uint32_t word)
{
	hash ^= rotate(word * 0xcc9e2d51u, 15) * 0x1b873593u;
	return rotate(hash, 13) * 5 + 0xe6546b64u;
}

INLINE uint32_t murmur_end(uint32_t bits)
{
	bits = (bits ^ bits >> 16) * 0x85ebca6bu;
	bits = (bits ^ bits >> 13) * 0xc2b2ae35u;
	return bits ^ bits >> 16;
}

/* Words of little endian, as MurmurHash3 reads them. */
INLINE uint32_t little(uint32_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return word;
#else
	return __builtin_bswap32(word);
#endif
}

/* The number by which an exporter has a collector. */
INLINE uint32_t exporter_number(const uint32_t address[4], uint32_t port)
{
	uint32_t hash = 0;
	for (uint32_t i = 0; i < 4; i++)
		hash = murmur_mix(hash, little(address[i]));
	return murmur_end(murmur_mix(hash, port) ^ 20);
}

INLINE uint32_t leading_zeros(uint32_t word)
{
	uint32_t zeros = 0;
	for (uint32_t bits = 16; bits > 0; bits /= 2) {
		if (word >> (32 - bits) != 0)
			continue;
		zeros += bits;
		word <<= bits;
	}
	return zeros;
}

/* cost(a): at most 2^30. */
PART uint32_t cost_of(uint32_t affinity)
{
	uint32_t leading = leading_zeros(affinity == 0 ? 1 : affinity);
	uint32_t fraction = (uint32_t)((uint64_t)affinity << (leading + 1));
	uint32_t step = fraction >> 24;
	uint64_t log = settings.logs[step & 255];
	uint64_t slope = settings.logs[(step & 255) + 1] - log;
	uint64_t whole = (uint64_t)(leading + 1) << 25;
	return (uint32_t)(whole - log - (slope * (fraction & 0xffffff) >> 24));
}

/*
 * By weighted rendezvous hashing. Returns which of the collectors that can take the packet. The
 * best one so far is kept in memory, of which the verifier knows nothing: else it would look at
 * each number of collectors anew.
 */
FUNCTION uint32_t choose_hashed(struct kernel_cpu *cpu, const struct choice *choice,
				uint32_t is_weighted)
{
	struct kernel_best *best = &cpu->work.best;
	best->before = 0;
	for (uint32_t i = 0; i < COLLECTORS_MAX; i++) {
		if (i >= choice->eligible)
			break;
		uint32_t at = choice->collectors + i * COLLECTOR_WORDS;
		const struct collector_end *end = piece16(choice->table, at + 8);
		const struct collector_middle *middle = piece16(choice->table, at + 4);
		if (end == 0 || middle == 0)
			break;
		uint32_t weights = READ_ONCE(middle->weights);
		uint32_t weight = is_weighted != 0 ? weights - READ_ONCE(best->before) : 1;
		uint32_t affinity = murmur_end(choice->number ^ end->seed);
		uint32_t cost = is_weighted != 0 ? cost_of(affinity) : 0;
		uint64_t mine = (uint64_t)cost * READ_ONCE(best->weight);
		uint64_t others = (uint64_t)READ_ONCE(best->cost) * weight;
		best->before = weights;
		if (i > 0 && (mine > others || (mine == others && affinity <= best->affinity)))
			continue;
		best->index = i;
		best->affinity = affinity;
		best->cost = cost;
		best->weight = weight;
	}
	return READ_ONCE(best->index);
}

/* The sum of weights of the first collectors, at least one. */
INLINE uint32_t weights_up_to(const struct choice *choice, uint32_t count)
{
	const struct collector_middle *middle =
		piece16(choice->table, choice->collectors + (count - 1) * COLLECTOR_WORDS + 4);
	return middle == 0 ? 0 : middle->weights;
}

INLINE uint32_t share_of(uint32_t turns, uint32_t weight, uint32_t weights)
{
	uint64_t both = 2ull * weights;
	return both == 0 ? 0 : (uint32_t)((2ull * turns * weight + weights) / both);
}

/* Whose of all turns this one is by weights. */
FUNCTION uint32_t collector_of_turn(const struct choice *choice, uint32_t turn, uint32_t weights)
{
	uint32_t first = 0, end = choice->eligible, before = 0;
	/* Halves of 64 collectors. */
	for (uint32_t i = 0; i < 7; i++) {
		if (end - first <= 1)
			break;
		uint32_t middle = (first + end) / 2;
		uint32_t half = weights_up_to(choice, middle) - before;
		uint32_t share = share_of(turn, half, weights);
		if (share_of(turn + 1, half, weights) > share) {
			end = middle;
			turn = share;
			weights = half;
		} else {
			first = middle;
			before += half;
			turn -= share;
			weights -= half;
		}
	}
	return first;
}

#endif
