/*
 * What the program in the kernel (bpf/), its loader and the readers of its records share.
 *
 * The program runs at tc ingress for each packet of an interface. It handles a packet wholly, or
 * lets it go up to the sockets unchanged, and counts why (enum kernel_reason). What it handled is
 * told by records in a BPF ring buffer, which a forwarder counts in its own column as it counts
 * what it has sent itself: a packet for whose record there is no room goes up.
 *
 * Maps of the program (BPF_MAP_TYPE_*):
 *
 *     settings   ARRAY, mmapable: one struct kernel_settings, written by who loads it
 *     cpus       ARRAY, mmapable: a struct kernel_cpu for each processor, which it alone writes;
 *                behind them one more for each, for packets of tests (kernel_try): between one
 *                of them and its end others may come
 *     holds      ARRAY: struct kernel_hold by path_hash of the exporter's address
 *     addresses  HASH: addresses of this host (16 bytes), for listeners at a wildcard
 *     paths      ARRAY, mmapable: the path table (paths.h), one element a row
 *     tables     ARRAY_OF_MAPS: two forwarding tables that take turns (table.h), each an mmapable
 *                ARRAY of KERNEL_ELEMENT_BYTES; settings tell which one is in force
 *     states     ARRAY_OF_MAPS: struct table_state of KERNEL_CHUNK outputs each, for each processor
 *                a block of its own
 *     rings      ARRAY_OF_MAPS: ring buffers, one a consumer: records are in that of the exporter's
 *                forwarder (forwarders.h)
 *
 * Plain C without pointers. Words are in host order but where network order is said.
 */
#ifndef KERNEL_PROGRAM_H
#define KERNEL_PROGRAM_H

#include "paths.h"
#include "table.h"

/* As large as it is, most rows are in one element: each look-up of one is a call. */
#define KERNEL_ELEMENT_BYTES 4096u
#define KERNEL_ROW_WORDS 12u /* of the longest rows, which may be in two elements */
#define KERNEL_TABLES 2u     /* that take turns */

#define KERNEL_CHUNK 4096u /* states of one map, for each processor */
#define KERNEL_CHUNKS 1024u

#define KERNEL_HOLDS 65536u /* a power of two */
#define KERNEL_ADDRESSES 4096u
#define KERNEL_LISTENERS 32u
#define KERNEL_CONSUMERS 64u
#define KERNEL_COPIES 32u /* of a packet: one an output */

/* Why packets went up. The first ones are not for a listener, as far as that is known. */
#define KERNEL_REASON_LIST(REASON)                                                                 \
	REASON(NOT_LISTENER, 1) /* UDP to another port, or another address */                      \
	REASON(ADDRESS, 2)	/* to a wildcard, by an address not known to be of this host */    \
	REASON(GROUP, 3)	/* broadcast or multicast */                                       \
	REASON(FRAGMENT, 4)	/* IP fragments, of any UDP datagram */                            \
	REASON(OPTIONS, 5)	/* IPv4 options, IPv6 extension headers before UDP */              \
	REASON(OFF, 6)		/* all do, by the settings */                                      \
	REASON(HOLD, 7)		/* another packet of the exporter went up shortly before */        \
	REASON(NO_CHECKSUM, 8)	/* a UDP checksum of 0 */                                          \
	REASON(EXPIRED, 9)	/* a hop limit of 1 or less */                                     \
	REASON(SOURCE, 10)	/* the source is no address to answer to */                        \
	REASON(OFFLOAD, 11)	/* several datagrams in one (GRO) */                               \
	REASON(VLAN, 12)	/* with a VLAN tag: its interface has no device for it */          \
	REASON(LENGTH, 13)	/* lengths that do not fit together; a wrong header checksum */    \
	REASON(TOO_LONG, 14)	/* longer than the packet buffer, or than a record can be */       \
	REASON(MTU, 15)		/* a copy would have to be fragmented */                           \
	REASON(NO_TABLE, 16)	/* no forwarding table, or one of another layout */                \
	REASON(PIPELINE, 17)	/* an output names a pipeline */                                   \
	REASON(FILTER, 18)	/* an output has a filter */                                       \
	REASON(TEMPLATES, 19)	/* a collector's templates are looked after */                     \
	REASON(LEAVE, 20)	/* a copy leaves by a socket of this host, or as another family */ \
	REASON(NO_PATH, 21)	/* a collector has no path now */                                  \
	REASON(PATHS_OLD, 22)	/* nobody may make frames now (paths.h) */                         \
	REASON(NO_STATE, 23)	/* no room for the state of an output */                           \
	REASON(RING_FULL, 24)	/* no room for a record, or no ring */                             \
	REASON(MEMORY, 25)	/* the kernel could not make headers writable */                   \
	REASON(CHECKSUM, 26)	/* a wrong UDP checksum: the socket's business */

enum kernel_reason {
	KERNEL_UP_NONE = 0,
#define KERNEL_REASON(name, number) KERNEL_UP_##name = number,
	KERNEL_REASON_LIST(KERNEL_REASON)
#undef KERNEL_REASON
		KERNEL_REASONS = 32, /* room */
};

/* kernel_listener.kind */
#define KERNEL_LISTENER_EXACT 1u /* an address */
#define KERNEL_LISTENER_ANY 2u	 /* any address of this host, of both families */
#define KERNEL_LISTENER_ANY4 3u	 /* any IPv4 address of this host */

struct kernel_listener {
	uint8_t address[16]; /* as in the table; with KERNEL_LISTENER_EXACT */
	uint16_t port;
	uint8_t kind;
	uint8_t row;  /* of struct pio_listener, as in struct pio_packet */
	uint8_t next; /* index + 1 of another one of the port, whose turn is after this one */
	uint8_t reserved[3];
};

/* Index of the loopback interface, in each network namespace (LOOPBACK_IFINDEX of the kernel). */
#define KERNEL_LOOPBACK 1u

/* kernel_settings.flags */
#define KERNEL_ON 1u /* else all packets go up */

#define KERNEL_LOG_STEPS 257u

/* Links are told apart by the lower bits of their indices. */
#define KERNEL_LINK_WORDS 32u

struct kernel_settings {
	uint32_t flags;
	uint32_t consumers; /* 1 to KERNEL_CONSUMERS; 0: all packets go up */
	uint32_t payload_bytes;
	uint32_t processors; /* half of the entries of cpus */
	/* All packets of an exporter go up for so long after one went up, */
	uint64_t hold_ns;
	/* and until each forwarder has found its sockets empty: when it looked, CLOCK_MONOTONIC. */
	uint32_t forwarders; /* at most KERNEL_CONSUMERS; 0: they go up forever */
	uint32_t table;	     /* which entry of tables is in force */
	uint64_t empty_ns[KERNEL_CONSUMERS];
	uint8_t mapped_prefix[16]; /* 12 bytes before IPv4 sources on their way to IPv6 */
	struct kernel_listener listeners[KERNEL_LISTENERS];
	uint32_t logs[KERNEL_LOG_STEPS]; /* L[] of struct table_output */
	/* At least 1, and another number when one of addresses has gone. */
	uint32_t address_changes;
	/*
	 * Not 0: what goes up may be handled by a later table than here, so no hold ends, that of
	 * an exporter would be handled by the former one again.
	 */
	uint32_t keeps_holds;
	/*
	 * A bit for each interface without a queue: what is handed to it cannot be dropped before
	 * it, so its last copy needs no clone to know.
	 */
	uint32_t direct[KERNEL_LINK_WORDS];
	uint8_t ports[65536]; /* index + 1 of the first listener of a port; 0: none */
};

/*
 * A packet that went up is in the receive buffer of a socket this long after at the latest, unless
 * its processor does something else meanwhile: then it handles no packet of that exporter either.
 */
#define KERNEL_SETTLE_NS 250000u

struct kernel_hold {
	uint64_t until_ns; /* CLOCK_MONOTONIC; 0: no packet is held */
	uint64_t last_ns;  /* when the last one went up */
};

/* What a processor counts. Packets that are not UDP are not counted. */
struct kernel_counters {
	uint64_t handled;
	uint64_t handled_bytes;
	uint64_t up[KERNEL_REASONS];
};

/* One copy of a packet, as it will leave. */
struct kernel_copy {
	uint32_t link; /* by which interface */
	uint32_t slot; /* table_collector.output_slot */
	uint8_t frame[16];
	uint32_t source[4];	 /* network order, IPv4 in the last word */
	uint32_t destination[4]; /* likewise */
	uint16_t source_port;	 /* network order */
	uint16_t destination_port;
	uint8_t hop_limit;
	uint8_t traffic_class;
	uint8_t error; /* the errno with which it was refused, 0: it was taken */
	uint8_t reserved;
};

/* A state that an output will have when the packet is handled. */
struct kernel_turn {
	uint32_t state;
	uint16_t member; /* index of the word in struct table_state */
	uint16_t reserved;
	uint32_t next;
};

/* The best collector so far, while one is chosen by hashing. */
struct kernel_best {
	uint32_t index;
	uint32_t affinity;
	uint32_t cost;
	uint32_t weight;
	uint32_t before; /* the sum of weights of those before the next one */
};

#define KERNEL_TURNS (2 * KERNEL_COPIES)

/* Of a record: copies, or outputs that left the packet out. */
#define KERNEL_ENTRIES KERNEL_COPIES
#define KERNEL_SMALL_ENTRIES 6u /* in most */

/* So much of a packet is summed up at once. */
#define KERNEL_SUM_BYTES 512u

/* An output has no collector for the packet. */
#define KERNEL_NOBODY 0xffffffffu

/* What is known of the packet in hand. */
struct kernel_work {
	uint32_t source[4]; /* as in the table */
	uint32_t bits[4];   /* the same with the first bit of the address as the highest */
	uint32_t destination[4];
	uint32_t source_port;
	uint32_t listening;
	uint32_t length; /* payload */
	uint32_t payload_at;
	uint32_t is_ipv6;
	uint8_t hop_limit;
	uint8_t listener;
	uint16_t checksum; /* UDP, as it came */
	/* Sums of words of the packet: addresses, ports, its IP header. */
	uint64_t pseudo_sum;
	uint64_t udp_sum;
	uint64_t ip_sum;
	/* The table that is in force for it, and what it says: words where rows begin. */
	uint32_t table;
	uint32_t outputs_at;
	uint32_t collectors_at;
	uint32_t leaves_at;
	uint32_t first_output;
	uint32_t outputs;
	/* The decision. */
	uint32_t input_slot;
	uint32_t flags;	      /* pio_packet.flags */
	uint32_t is_dropped;  /* its rule has no outputs */
	uint32_t refused;     /* copies */
	uint32_t ipv4_copies; /* from the beginning of copies */
	uint32_t ipv6_copies; /* from its end backwards */
	uint32_t chosen;      /* collector of the output in hand, or KERNEL_NOBODY */
	uint32_t turn_count;
	uint32_t left_out_count;
	/* While copies leave. */
	uint32_t checksum_base; /* what of the UDP checksum stays, as a sum */
	uint32_t checksum_mode;
	uint64_t last_sum; /* of all that follows the Ethernet header and changes */
	uint64_t barrier;  /* 0; a place for operations that put reads in order */
	struct kernel_best best;
	struct kernel_turn turns[KERNEL_TURNS];
	uint32_t left_out[KERNEL_COPIES]; /* states */
	uint32_t entries[KERNEL_ENTRIES]; /* of its record */
	uint32_t row[KERNEL_ROW_WORDS];	  /* of the table, that was in two elements */
	uint8_t part[KERNEL_SUM_BYTES + 4];
	struct kernel_copy copies[KERNEL_COPIES];
};

struct kernel_cpu {
	struct kernel_counters counters;
	uint32_t identification; /* of IPv4, host order */
	uint32_t number;	 /* of this processor */
	uint64_t tick;		 /* jiffies when the time was asked for, and the time then */
	uint64_t tick_ns;
	/* Of addresses, the one by which a packet came last, when address_changes was this. */
	uint32_t own[4];
	uint32_t own_changes;
	uint32_t is_test; /* its packets are those of tests */
	struct kernel_work work;
};

/* kernel_record.kind */
#define KERNEL_RECORD_PACKET 1u
#define KERNEL_RECORD_LOSS 2u /* one copy of the packet before was refused: struct kernel_loss */

/* An entry: an index in the lower bits; above an errno, 0: taken, or KERNEL_ENTRY_SAMPLED. */
#define KERNEL_ENTRY_INDEX 0xffffffu
#define KERNEL_ENTRY_SHIFT 24u
/* No copy: the output with the state of this index takes one of so many, and not this one. */
#define KERNEL_ENTRY_SAMPLED 0xffu

/*
 * One packet that was handled: its facts as in struct pio_packet, entries, each of the output slot
 * of a copy or of the state of an output that left it out, and the beginning of its payload.
 */
struct kernel_record {
	uint8_t source[16];
	uint32_t input_slot;
	uint32_t flags;
	uint16_t source_port;
	uint16_t length; /* of the payload in the packet */
	uint16_t listen_port;
	uint8_t hop_limit;
	uint8_t listener;
	uint8_t kind;
	uint8_t entries;	/* in use */
	uint8_t entry_room;	/* so many words of entries are before the payload */
	uint8_t is_dropped;	/* its rule has no outputs */
	uint16_t payload_bytes; /* of it that are in the record */
	uint16_t reserved;
};

/* Headers of all protocols whose numbers are watched (notes.h) are shorter. */
#define KERNEL_HEADER_BYTES 48u
/* Records of a message of IPFIX are counted by its templates, so it is there as a whole. */
#define KERNEL_MESSAGE_BYTES 1536u

struct kernel_small {
	struct kernel_record head;
	uint32_t entries[KERNEL_SMALL_ENTRIES];
	uint8_t payload[KERNEL_HEADER_BYTES];
};

struct kernel_large {
	struct kernel_record head;
	uint32_t entries[KERNEL_ENTRIES];
	uint8_t payload[KERNEL_HEADER_BYTES];
};

struct kernel_message {
	struct kernel_record head;
	uint32_t entries[KERNEL_ENTRIES];
	uint8_t payload[KERNEL_MESSAGE_BYTES];
};

/* To whom, in the payload of a small record whose facts are those of the packet. */
struct kernel_loss {
	uint8_t address[16];
	uint16_t port; /* host order */
	uint16_t error;
};

#endif
