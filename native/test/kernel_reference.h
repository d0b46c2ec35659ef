/* What the program has to do, in the plainest way: by the rules as they were given, not the table.
 */
#ifndef KERNEL_REFERENCE_H
#define KERNEL_REFERENCE_H

#include <math.h>

#include "kernel_lab.h"

/* A packet of a test. */
struct sample {
	uint8_t source[16], destination[16];
	uint16_t source_port, destination_port;
	uint8_t hop_limit, traffic_class;
	uint32_t length;
	uint8_t payload[KLAB_STRIDE];
	int is_partial; /* its checksum is for a device to finish */
};

/* The 16 bytes of an address as text, of either family. */
static inline void reference_address(uint8_t bytes[16], const char *text)
{
	memcpy(bytes, pio_ipv4_prefix, 12);
	if (inet_pton(AF_INET, text, bytes + 12) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
		abort();
}

/* A packet like most, with so many bytes of payload. */
static inline void reference_sample(struct sample *sample, const char *source,
				    const char *destination, uint16_t port, uint32_t length)
{
	memset(sample, 0, sizeof(*sample));
	reference_address(sample->source, source);
	reference_address(sample->destination, destination);
	sample->source_port = 5000;
	sample->destination_port = port;
	sample->hop_limit = 64;
	sample->length = length;
	for (uint32_t i = 0; i < length; i++)
		sample->payload[i] = (uint8_t)(i * 5 + 1);
}

/* What has to become of it. */
struct verdict {
	uint32_t input_slot;
	uint32_t copies;
	uint32_t collectors[KERNEL_COPIES];
	uint32_t without_collector;
	uint32_t sampled;
};

/* struct table_state of each output. */
static uint32_t reference_states[MAKER_OUTPUTS][3];

static inline int reference_is(const struct maker_rule *rule, const struct sample *sample,
			       uint32_t bits, int with_port, int with_listening)
{
	return rule->bits == bits && (rule->port != 0) == with_port &&
	       (rule->listening != 0) == with_listening &&
	       (!with_port || rule->port == sample->source_port) &&
	       (!with_listening || rule->listening == sample->destination_port) &&
	       maker_holds(rule, sample->source);
}

/* Index of the rule that fires: the longest address, and of one the most exact. */
static inline uint32_t reference_rule(const struct maker *maker, const struct sample *sample)
{
	uint32_t shortest = maker_is_ipv4(sample->source) ? 96 : 0;
	for (uint32_t bits = 128; bits + 1 > shortest; bits--) {
		for (int kind = 3; kind >= 0; kind--) {
			for (uint32_t i = 1; i < maker->rule_count; i++) {
				if (reference_is(&maker->rules[i], sample, bits, kind >> 1,
						 kind & 1))
					return i;
			}
		}
		if (bits == 0)
			break;
	}
	return 0;
}

static inline uint32_t reference_murmur_end(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

/* MurmurHash3_x86_32 (Austin Appleby, public domain) of an address and a port. */
static inline uint32_t reference_number(uint32_t seed, const uint8_t address[16], uint32_t port)
{
	uint32_t words[5], h = seed;
	memcpy(words, address, 16);
	words[4] = port;
	for (int i = 0; i < 5; i++) {
		uint32_t k = words[i] * 0xcc9e2d51u;
		k = k << 15 | k >> 17;
		h ^= k * 0x1b873593u;
		h = h << 13 | h >> 19;
		h = h * 5 + 0xe6546b64u;
	}
	return reference_murmur_end(h ^ 20);
}

static inline uint64_t reference_cost(uint32_t a)
{
	uint32_t z = a == 0 ? 31 : (uint32_t)__builtin_clz(a);
	uint32_t behind = a == 0 ? 0 : (uint32_t)((uint64_t)a << (z + 1));
	uint32_t k = behind >> 24, r = behind & 0xffffff;
	uint64_t one = 1u << 25;
	uint64_t low = (uint64_t)floor((double)one * log2(1 + k / 256.0));
	uint64_t high = (uint64_t)floor((double)one * log2(1 + (k + 1) / 256.0));
	return (z + 1) * one - low - (high - low) * r / (1u << 24);
}

static inline uint32_t reference_weight(const struct table_collector *first, uint32_t i)
{
	return first[i].weights - (i == 0 ? 0 : first[i - 1].weights);
}

static inline uint32_t reference_hashed(const struct table_collector *first, uint32_t count,
					int is_weighted, uint32_t number)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < count; i++) {
		uint32_t a = reference_murmur_end(number ^ first[i].seed);
		uint32_t b = reference_murmur_end(number ^ first[best].seed);
		uint64_t mine = reference_cost(a) * reference_weight(first, best);
		uint64_t others = reference_cost(b) * reference_weight(first, i);
		if (is_weighted ? mine < others || (mine == others && a > b) : a > b)
			best = i;
	}
	return best;
}

/* Turn t of collectors [first, end) by weights. */
static inline uint32_t reference_turn(const struct table_collector *row, uint32_t first,
				      uint32_t end, uint32_t t)
{
	if (end - first == 1)
		return first;
	uint32_t middle = (first + end) / 2;
	uint32_t before = first == 0 ? 0 : row[first - 1].weights;
	uint64_t w = row[middle - 1].weights - before, all = row[end - 1].weights - before;
	uint64_t share = (2 * t * w + all) / (2 * all);
	if ((2 * (t + 1ull) * w + all) / (2 * all) > share)
		return reference_turn(row, first, middle, (uint32_t)share);
	return reference_turn(row, middle, end, t - (uint32_t)share);
}

/* Takes a turn of so many. */
static inline uint32_t reference_next(uint32_t *state, uint32_t turns)
{
	uint32_t turn = *state < turns ? *state : 0;
	*state = turn + 1;
	return turn;
}

/* Which collector of an output gets the packet; there are some. */
static inline uint32_t reference_choose(const struct maker *maker, uint32_t index,
					const struct sample *sample, uint32_t eligible)
{
	const struct maker_output *output = &maker->outputs[index];
	const struct table_collector *first = &maker->collectors[output->first];
	int is_weighted = (output->flags & TABLE_OUTPUT_WEIGHTED) != 0;
	uint32_t member = maker_is_ipv4(sample->source) ? 0 : 1;
	if (eligible == 1)
		return 0;
	if ((output->flags & (TABLE_OUTPUT_BY_EXPORTER | TABLE_OUTPUT_BY_ENDPOINT)) != 0) {
		uint32_t port =
			(output->flags & TABLE_OUTPUT_BY_ENDPOINT) != 0 ? sample->source_port : 0;
		return reference_hashed(first, eligible, is_weighted,
					reference_number(0, sample->source, port));
	}
	uint32_t *state = &reference_states[index][member];
	if (!is_weighted)
		return reference_next(state, eligible);
	uint32_t turn = reference_next(state, first[eligible - 1].weights);
	return reference_turn(first, 0, eligible, turn);
}

static inline struct verdict reference_judge(const struct maker *maker, const struct sample *sample)
{
	uint32_t rule_index = reference_rule(maker, sample);
	const struct maker_rule *rule = &maker->rules[rule_index];
	struct verdict verdict = {.input_slot =
					  rule_index == 0 ? TABLE_SLOT_MISMATCHED : 2 + rule_index};
	for (uint32_t i = 0; i < rule->outputs; i++) {
		uint32_t index = rule->first_output + i;
		const struct maker_output *output = &maker->outputs[index];
		uint32_t eligible = maker_is_ipv4(sample->source) ? output->collectors
								  : output->ipv6_collectors;
		if (output->sample != 0 &&
		    reference_next(&reference_states[index][2], output->sample) != 0) {
			verdict.sampled++;
			continue;
		}
		if (eligible == 0) {
			verdict.without_collector++;
			continue;
		}
		verdict.collectors[verdict.copies++] =
			output->first + reference_choose(maker, index, sample, eligible);
	}
	return verdict;
}

/* The IP packet with which a sample comes, behind a frame. Returns where its UDP header is. */
static inline uint32_t reference_arrive(const struct sample *sample, struct klab_frame *frame)
{
	int is_ipv4 = maker_is_ipv4(sample->source);
	struct pio_datagram datagram = {
		.source_port = htons(sample->source_port),
		.destination_port = htons(sample->destination_port),
		.length = (uint16_t)(sample->length + PIO_UDP_BYTES),
		.payload_sum = (uint16_t)pio_sum(sample->payload, sample->length),
		.hop_limit = sample->hop_limit,
		.traffic_class = sample->traffic_class,
	};
	uint8_t *ip = frame->data + ETH_HLEN;
	uint32_t header = is_ipv4 ? PIO_IPV4_BYTES : PIO_IPV6_BYTES;
	memcpy(frame->data, links.in_mac, 6);
	memcpy(frame->data + 6, "\x02\0\0\0\0\x63", 6);
	frame->data[12] = (uint8_t)((is_ipv4 ? ETH_P_IP : ETH_P_IPV6) >> 8);
	frame->data[13] = (uint8_t)(is_ipv4 ? ETH_P_IP : ETH_P_IPV6 & 0xff);
	if (is_ipv4) {
		pio_build_ipv4(ip, sample->source + 12, sample->destination + 12, &datagram);
		uint16_t checksum = (uint16_t)~pio_sum(ip, PIO_IPV4_BYTES);
		memcpy(ip + 10, &checksum, 2);
	} else {
		pio_build_ipv6(ip, sample->source, sample->destination, &datagram);
	}
	memcpy(ip + header + PIO_UDP_BYTES, sample->payload, sample->length);
	frame->bytes = ETH_HLEN + header + PIO_UDP_BYTES + sample->length;
	if (sample->is_partial) {
		/* The sum of the pseudo header: addresses, length and protocol. */
		uint8_t pseudo[40] = {0};
		uint32_t address = is_ipv4 ? 4 : 16;
		memcpy(pseudo, sample->source + 16 - address, address);
		memcpy(pseudo + address, sample->destination + 16 - address, address);
		pseudo[2 * address + 1] = IPPROTO_UDP;
		memcpy(pseudo + 2 * address + 2, ip + header + 4, 2);
		uint16_t sum = (uint16_t)pio_sum(pseudo, 2 * address + 4);
		memcpy(ip + header + 6, &sum, 2);
	}
	return ETH_HLEN + header;
}

/* A copy as the sender of the socket engine makes it, behind the frame of its path. */
static inline void reference_leave(const struct maker *maker, const struct sample *sample,
				   uint32_t collector_index, struct klab_frame *frame)
{
	const struct table_collector *collector = &maker->collectors[collector_index];
	const struct table_leave *leave =
		collector->leave == 0 ? NULL : &maker->leaves[collector->leave - 1];
	uint32_t left = sample->hop_limit - 1u;
	struct pio_datagram datagram = {
		.source_port = htons(sample->source_port),
		.destination_port = (collector->flags & TABLE_COLLECTOR_LISTEN_PORT) != 0
					    ? htons(sample->destination_port)
					    : collector->port,
		.length = (uint16_t)(sample->length + PIO_UDP_BYTES),
		.payload_sum = (uint16_t)pio_sum(sample->payload, sample->length),
		.hop_limit = (uint8_t)(left < PIO_HOP_LIMIT_MAX ? left : PIO_HOP_LIMIT_MAX),
	};
	uint8_t source[16];
	memcpy(source, sample->source, 16);
	if (leave != NULL) {
		pio_apply_leave(leave, &datagram);
		if (pio_has_other_source(leave))
			memcpy(source, leave->source, 16);
	}
	uint32_t path = collector->flags >> TABLE_COLLECTOR_PATH_SHIFT;
	if (klab_path(path)->hops != 0) {
		uint32_t words[4];
		memcpy(words, sample->source, 16);
		path = klab_path(path)->first_hop + path_hash(words) % klab_path(path)->hops;
	}
	memcpy(frame->data, klab_path(path)->frame, ETH_HLEN);
	uint8_t *ip = frame->data + ETH_HLEN;
	uint32_t header = collector->family == 4 ? PIO_IPV4_BYTES : PIO_IPV6_BYTES;
	if (collector->family == 4) {
		pio_build_ipv4(ip, source + 12, collector->address + 12, &datagram);
	} else {
		if (pio_is_ipv4(source) && leave != NULL &&
		    (leave->flags & TABLE_LEAVE_PREFIX) != 0)
			memcpy(source, leave->prefix, 12);
		else if (pio_is_ipv4(source))
			memcpy(source, klab.engine.settings->mapped_prefix, 12);
		pio_build_ipv6(ip, source, collector->address, &datagram);
	}
	memcpy(ip + header + PIO_UDP_BYTES, sample->payload, sample->length);
	frame->bytes = ETH_HLEN + header + PIO_UDP_BYTES + sample->length;
}

/* Whether a frame is the one that has to leave, whatever its IPv4 identification. */
static inline int reference_is_same(const struct klab_frame *expected, struct klab_frame *left)
{
	uint8_t *ip = left->data + ETH_HLEN;
	if (left->bytes != expected->bytes)
		return 0;
	if (ip[0] >> 4 == 4) {
		if ((uint16_t)pio_sum(ip, PIO_IPV4_BYTES) != 0xffff)
			return 0;
		memset(ip + 4, 0, 2);
		memset(ip + 10, 0, 2);
	}
	return memcmp(expected->data, left->data, left->bytes) == 0;
}

#endif
