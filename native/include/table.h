/*
 * The forwarding table: a rule set, compiled into one flat file of shared memory that control
 * writes and everything that moves packets reads.
 *
 *     struct table_header
 *     struct table_rule[buckets + TABLE_PROBE_MAX]  hash table by exporter, see below
 *     struct table_rule                             the default: for packets that match no rule
 *     struct table_prefix[prefix_count]             trees of prefixes, see there
 *     struct table_rule[prefix_count]               rules of prefixes, each at the index of its own
 *     struct table_output[output_count]             those of a rule lie one behind the other
 *     struct table_collector[collector_count]       those of an output lie one behind the other;
 *                                                   both may begin at the same word: then a rule's
 *                                                   outputs and all their collectors are a block,
 *                                                   near each other for who reads them
 *     struct table_leave[leave_count]
 *     struct table_filter[filter_count]
 *     uint32_t[filter_value_count]                  those of a filter lie one behind the other
 *
 * The hash table has linear probing. With the address as words a[4], each with halves lo and hi of
 * 16 bits, and key k[], all modulo 2^32:
 *
 *     hash = k[0] + (a[0].lo + k[1]) * (a[0].hi + k[2]) + (a[1].lo + k[3]) * (a[1].hi + k[4])
 *          + (a[2].lo + k[5]) * (a[2].hi + k[6]) + (a[3].lo + k[7]) * (a[3].hi + k[8])
 *          + port * k[9] + listening_port * k[10] + prefix * k[11]
 *
 * where prefix is 0 for a whole address, else the upper 15 bits of table_rule.port. A rule is in
 * bucket hash >> hash_shift or at most longest_probe buckets behind it, with no empty one before
 * it: a look-up compares longest_probe + 1 buckets and not one more. A packet's rule is the first
 * there is of
 *
 *     its address, its port, and the listening port on which it came    if listening_port_rules
 *     its address and port                                              if port_rules
 *     its address and listening port                                    if listening_address_rules
 *     its address                                                       if address_rules
 *     the same four of the longest prefix of its address, then of the next longest, and so on
 *     the default
 *
 * Each is looked up with port or listening port 0 where it names none. The first two of an address
 * (not of a prefix) only if bit hash >> 27 of port_filter is set, with the hash of the address
 * alone: most addresses have no rule with a port, also in a table that has some.
 *
 * Those collectors of an output come first that an IPv6 packet can go to: those of IPv6, and those
 * whose copies do not keep the source of their packet (struct table_leave).
 * An output that names a pipeline has one collector of family 0, which takes packets of both.
 *
 * Plain C without pointers, for packet I/O and programs in the kernel. TypeScript's constants are
 * generated from it (npm run build:layout). Whoever changes a meaning raises TABLE_LAYOUT.
 * Words are 32 bits in host order; addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef TABLE_H
#define TABLE_H

#ifdef __BPF__
#include "bpf_types.h"
#else
#include <stdint.h>
#endif

#define TABLE_MAGIC 0x464c5831u /* "FLX1" */
#define TABLE_LAYOUT 7u

/* No rule is further behind the bucket that its hash names. */
#define TABLE_PROBE_MAX 16u

#define TABLE_KEY_WORDS 16

/* table_header.port_filter: the bit of an address is its hash, shifted so far. */
#define TABLE_PORT_FILTER_SHIFT 27u

struct table_header {
	uint32_t magic;
	uint32_t layout;
	uint32_t buckets; /* a power of two, at least 2 */
	uint32_t hash_shift;
	uint32_t longest_probe; /* at most TABLE_PROBE_MAX */
	uint32_t port_rules;	/* how many rules have a port; without any, none is looked up */
	uint32_t address_rules; /* how many have none */
	/* Where they begin, in words from the start of the file. */
	uint32_t default_rule;
	uint32_t outputs;
	uint32_t collectors;
	uint32_t output_count;	  /* entries, used or not */
	uint32_t collector_count; /* entries, used or not */
	/* How many rules of whole addresses name a listening port, and with it a port, or none. */
	uint32_t listening_port_rules;
	uint32_t listening_address_rules;
	uint32_t prefixes;	    /* where they begin, in words from the start of the file */
	uint32_t prefix_count;	    /* entries, used or not; entry 0 never is */
	uint32_t prefix_port_rules; /* how many rules in the hash table are of prefixes */
	uint32_t ipv4_prefix; /* index of the shortest one of the tree of IPv4; 0: there is none */
	uint32_t ipv6_prefix;
	uint32_t leaves;      /* where they begin, in words from the start of the file */
	uint32_t leave_count; /* entries, used or not */
	uint32_t filters;     /* where they begin, as their values do */
	uint32_t filter_values;
	uint32_t filter_count; /* entries, used or not, as the next one */
	uint32_t filter_value_count;
	uint32_t port_filter; /* a bit is set for each address that has a rule with a port, or had
				 one */
	uint32_t reserved[6];
	uint32_t key[TABLE_KEY_WORDS]; /* of the hash, random */
};

/* Input slots that never move: of packets that no rule matches, and of the proxy's own test
 * datagrams. */
#define TABLE_SLOT_MISMATCHED 0u
#define TABLE_SLOT_PROBE 1u

/* table_rule.port: there is a rule here. */
#define TABLE_RULE_PRESENT 0x10000u
/* table_rule.port: it is of a prefix, whose length (see struct table_prefix) is in bits 24 to 31.
 */
#define TABLE_RULE_PREFIX 0x20000u
#define TABLE_RULE_PREFIX_LENGTH_SHIFT 24u
/* table_rule.outputs: these bits are the number of outputs, up to bit 15 the others are for flags.
 */
#define TABLE_RULE_OUTPUTS 0xffu
/* table_rule.outputs: the upper half is the port of the proxy to which the packets came, 0 for any.
 */
#define TABLE_RULE_LISTENING_SHIFT 16u

/* Half a cache line: all that a packet needs to be counted. */
struct table_rule {
	uint8_t address[16]; /* of the exporter */
	uint32_t port;	     /* of the exporter, 0 for any, with TABLE_RULE_PRESENT; else 0 */
	uint32_t input_slot; /* where its packets are counted */
	uint32_t first_output;
	uint32_t outputs; /* TABLE_RULE_OUTPUTS: how many, none: packets are dropped; flags */
};

/* table_prefix.rules: a rule names the prefix and no port. It is at the index of the prefix. */
#define TABLE_PREFIX_RULE 1u

/* A way from the shortest prefix to the longest that holds an address is never longer. */
#define TABLE_PREFIX_DEPTH_MAX 128u

/*
 * A prefix in a binary tree: one for IPv4, one for IPv6. It is there because rules name it, or
 * because two longer ones part behind it. Bits are counted from the first of the 16 bytes, so IPv4
 * prefixes have lengths of 96 and more; a prefix of 128 bits is an address. A child is longer than
 * its parent, begins with it, and goes on with the bit that its place says.
 *
 * All that hold an address are on one way: from the root, as long as the prefix holds it, to the
 * child that the bit behind the prefix names. The last one on it with a rule for the packet is the
 * longest. Rules of a prefix that name a port or a listening port are in the hash table, with the
 * address of the prefix.
 */
struct table_prefix {
	uint8_t address[16]; /* its bits, the others are zero */
	uint32_t length;     /* 0 to 127 */
	uint32_t rules; /* TABLE_PREFIX_RULE; above, how many rules of it are in the hash table */
	uint32_t children[2]; /* index of the one that goes on with this bit, 0: none */
};

/* table_output.flags */
#define TABLE_OUTPUT_WEIGHTED 1u /* its collectors have different weights */
#define TABLE_OUTPUT_PIPELINE 2u /* a pipeline takes its packets, whatever their hop limit */
/* It has no turns: an exporter's packets go to one collector, by its address, or its address and
 * port. */
#define TABLE_OUTPUT_BY_EXPORTER 4u
#define TABLE_OUTPUT_BY_ENDPOINT 8u
/* It has a filter, or takes one of so many packets: the filter is asked first, then whose turn it
 * is to be taken, and only then who can take the packet. */
#define TABLE_OUTPUT_LEAVES_OUT 16u

/*
 * With TABLE_OUTPUT_BY_EXPORTER or TABLE_OUTPUT_BY_ENDPOINT, the collector is chosen by weighted
 * rendezvous hashing. Nothing in it is random: all nodes, and programs of all versions, choose the
 * same. All is in integers; "/" rounds down.
 *
 *     number(e) = MurmurHash3_x86_32 with seed 0 of 20 bytes: the exporter's address (16 bytes, as
 *                 in struct pio_packet) and its port (little endian, 4 bytes; 0 by exporter)
 *     seed      = the same with seed 0x5eed of a collector's address and port, 0 for none
 *     a         = fmix32(number(e) xor seed), the last step of MurmurHash3: the affinity of the two
 *
 * Without weights the collector with the greatest a is chosen. With TABLE_OUTPUT_WEIGHTED it is the
 * one with the smallest cost(a) / weight (compare c1 * w2 with c2 * w1: at most 2^40), of equal
 * ones the one with the greater a. When seeds are equal, which happens to one pair of 2^32, the
 * first one is chosen: collectors of such an output are in the order of their addresses and ports.
 * cost(a) is 32 - log2(a) in units of 2^-25, and that of 1 for 0:
 *
 *     z = leading zeros of a; k = the 8 bits behind the first 1, r = the 24 bits behind them
 *         (of a shifted left by z + 1)
 *     L[k] = 2^25 * log2(1 + k / 256)
 *     cost(a) = (z + 1) * 2^25 - L[k] - (L[k + 1] - L[k]) * r / 2^24
 *
 * Between two of the 256 steps the logarithm is a straight line: shares are off by 0.2 % at most.
 * As an example, exporter 192.0.2.1 (by exporter) has the number 1901444202, collector 198.51.100.1
 * port 2055 the seed 3294229290, a is 1598888461, and cost(a) 47834483.
 *
 * Else an output has so many turns as collectors can take the packet; with TABLE_OUTPUT_WEIGHTED,
 * as many as the sum of their weights. What turn t is, and whose: without weights that of collector
 * t. With weights, collectors are halved until one is left (the first half has n / 2 of n,
 * rounded down). With w the sum of weights of the first half, and W that of both,
 *
 *     share(t) = (2 * t * w + W) / (2 * W), rounded down
 *
 * is how many of the turns before t are the first half's; t is one of them if share(t + 1) is
 * more than share(t). Then it is that half's turn share(t), else the other's turn t - share(t).
 * So all get exactly their weight in any W turns one after the other, spread evenly: of any n
 * collectors, the first t turns are off by at most log2(n) / 2 (rounded up) of its share.
 */
struct table_output {
	uint32_t first_collector;
	uint32_t collectors;	  /* that an IPv4 packet can go to: all */
	uint32_t ipv6_collectors; /* that an IPv6 packet can go to: the first ones */
	uint32_t state;		  /* index of its state of balancing (struct table_state) */
	uint32_t flags;
	uint32_t sample; /* one of so many packets is taken, 2 or more; 0: all */
	uint32_t filter; /* index + 1 of its struct table_filter; 0: it takes any packet */
	uint32_t reserved;
};

/* table_collector.flags */
#define TABLE_COLLECTOR_LISTEN_PORT 1u /* no port of its own, the listening port was filled in */
/* Templates are looked for in its packets: one that is new gets those that are known. */
#define TABLE_COLLECTOR_TEMPLATES 2u
/* All collectors of its output get them, whoever's turn it is. */
#define TABLE_COLLECTOR_TEMPLATES_ALL 4u
/* The upper half of the flags: index of the path to its address (paths.h), 0: none. */
#define TABLE_COLLECTOR_PATH_SHIFT 16u

/*
 * table_collector.group: how many collectors of its output are before it, and how many there are
 * that an IPv4 and that an IPv6 packet can go to.
 */
#define TABLE_GROUP_BITS 0xffu
#define TABLE_GROUP_IPV4_SHIFT 8u
#define TABLE_GROUP_IPV6_SHIFT 16u

struct table_collector {
	uint8_t address[16];
	uint16_t port;	/* network order, never 0 */
	uint8_t family; /* 4 or 6; 0: a pipeline, of which only the slot means something besides */
	uint8_t pipeline;     /* its bit in struct ring_record, 0 to 31 */
	uint32_t output_slot; /* where copies accepted by the kernel, or by the ring, are counted */
	uint32_t flags;
	uint32_t weights; /* the sum of its weight and of those before it in its output */
	uint32_t leave; /* index + 1 of how its copies leave, 0: as the exporter sent the packet */
	uint32_t seed;	/* of hashing, see struct table_output; 0 where there are turns */
	uint32_t group;
	uint32_t returns; /* how often it has come back after it was down */
};

/* table_leave.flags */
#define TABLE_LEAVE_PROXY 1u  /* from an address and a port of this host, by a socket of its own */
#define TABLE_LEAVE_SOURCE 2u /* from a fixed address; not together with the one above */
#define TABLE_LEAVE_PREFIX 4u /* a prefix of its own before IPv4 sources */

/* How copies to a collector leave; collectors with the same ways share them. */
struct table_leave {
	uint8_t source[16];   /* with TABLE_LEAVE_SOURCE; of IPv4 for collectors of both families */
	uint8_t prefix[12];   /* with TABLE_LEAVE_PREFIX, network order */
	uint16_t source_port; /* with TABLE_LEAVE_SOURCE: network order, 0: the exporter's */
	uint8_t hop_limit;    /* 0: that of the packet less one, at most 64 */
	uint8_t traffic_class; /* type of service of IPv4: the code point in the upper six bits */
	uint32_t flags;
	uint32_t reserved[3];
};

/*
 * What the packets of an output have to be: all that is asked for must hold, and of several values
 * one. A packet whose payload is too short for what is looked for does not match. Outputs with the
 * same filter share it. Its values are numbers of 32 bits (domains and addresses as the payload has
 * them in network order): domains, then ports, then agents.
 *
 * The protocol is what the first four bytes say, as enum notes_protocol (notes.h): the version in
 * two bytes, that of sFlow in four; with less than four bytes it is NOTES_OTHER. The domain is in
 * bytes 16 to 19 of NetFlow v9 (the source id, RFC 3954) and 12 to 15 of IPFIX (RFC 7011); other
 * protocols have none. The agent of sFlow is an IPv4 address in bytes 8 to 11 when bytes 4 to 7 say
 * 1, an IPv6 address in bytes 8 to 23 when they say 2.
 */
struct table_filter {
	uint32_t protocols;   /* those that match: 1 << enum notes_protocol */
	uint32_t first_value; /* index of its values */
	uint32_t domains;     /* observation domains and source ids; none: any, as the next ones */
	uint32_t ports;	      /* to which the packet came */
	uint32_t agents;      /* addresses of sFlow agents, of four values each: ::ffff:a.b.c.d */
	uint32_t reserved[3];
};

/*
 * The state of balancing of one output, in memory of each forwarder that it alone writes. All
 * zero at first; a version before may have left anything there, so any value must do.
 */
struct table_state {
	uint32_t next_ipv4; /* the turn to come, see struct table_output; beyond the last it is 0 */
	uint32_t next_ipv6;
	uint32_t next_sample; /* packets from the last one taken on; 0, or `sample` and more: it is
				 taken */
	uint32_t reserved;
};

/*
 * What an output left out, by the index of its state, in memory of each forwarder that it alone
 * writes: packets and bytes of their payloads.
 */
struct table_left_out {
	uint64_t sampled[2];  /* that were not the one of so many */
	uint64_t filtered[2]; /* that are none of those wanted */
};

#endif
