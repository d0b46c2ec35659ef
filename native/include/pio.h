/*
 * Packet I/O: batches of UDP datagrams in, batches of copies with the exporter's own source address
 * out. A receiver and a sender share the memory of a batch; a program that only wants the packets
 * needs no sender.
 *
 * Neither knows anything of rules. The caller receives a batch, decides for each packet which
 * collectors get a copy, and hands the batch of decisions to the sender:
 *
 *     n = pio_receive(receiver);      packets[0..n) and their payloads are filled
 *     ... the caller sets packets[i].input_slot and fills copies[0..m) ...
 *     pio_send(sender, n, m);         every copy is sent, or counted as an error
 *
 * Several receivers may fill the same batch, one after the other.
 *
 * Ownership: the memory in the options belongs to the caller and must outlive receiver and sender,
 * as must the file descriptors; neither closes any. Each is used by one thread.
 * Return values: 0 or a count, or a negative errno.
 * Byte order: "network" is said where it is meant; everything else is in host order.
 */
#ifndef PIO_H
#define PIO_H

#include <stdint.h>

#include "notes.h"
#include "paths.h"
#include "ring.h"
#include "table.h"

/* Limits of options. */
#define PIO_BATCH_MAX 1024u
#define PIO_PAYLOAD_MAX 65535u
#define PIO_SOCKETS_MAX 64u
#define PIO_LINKS_MAX 16u

/* Packet flags. */
#define PIO_PACKET_IPV6 1u	/* the source is IPv6 (a mapped IPv4 source is not) */
#define PIO_PACKET_TRUNCATED 2u /* the datagram was longer than the packet buffer */
#define PIO_PACKET_EXPIRED 4u	/* its hop limit is used up: it must not go any further */
/* Set by the caller, to be noted. */
#define PIO_PACKET_ENDED 8u /* it gets no copies for its hop limit */
/* Added by the caller for each output of which no collector could take it. */
#define PIO_PACKET_NO_COLLECTOR 256u

/* Entries behind those of a batch, of packets and of payloads: for messages that the sender makes.
 */
#define PIO_SPARE 64u

/* Errnos have 8 bits in the counters; Linux uses less than 140. */
#define PIO_ERRNO_COUNT 256

/* Counters and slots as they lie in memory: raised when a meaning changes. */
#define PIO_COUNTERS_LAYOUT 1u

/*
 * Counters of a forwarder: indexes into `counters` of the options. Cumulative. Packet I/O writes
 * all but DROPPED_BY_RULE, NO_ELIGIBLE_COLLECTOR, HEARTBEAT and HOP_LIMIT_EXCEEDED, which are its
 * caller's.
 */
#define PIO_COUNTER_LIST(COUNTER)                                                                  \
	COUNTER(RECEIVED_PACKETS, 0)                                                               \
	COUNTER(RECEIVED_BYTES, 1) /* payload bytes taken, after truncation */                     \
	COUNTER(FORWARDED_PACKETS, 2)                                                              \
	COUNTER(FORWARDED_BYTES, 3)                                                                \
	COUNTER(TRUNCATED, 4)                                                                      \
	COUNTER(FRAGMENTED, 5) /* copies sent as fragments */                                      \
	COUNTER(FRAGMENTS, 6)  /* fragments sent for them */                                       \
	COUNTER(SEND_RETRIES, 7)                                                                   \
	COUNTER(DROPPED_BY_RULE, 8)                                                                \
	COUNTER(NO_ELIGIBLE_COLLECTOR, 9)                                                          \
	COUNTER(HEARTBEAT, 10)                                                                     \
	COUNTER(HOP_LIMIT_EXCEEDED, 11)                                                            \
	/* Only in the sums of forwarders that are no more, which control keeps. */                \
	COUNTER(KERNEL_DROPS, 12)                                                                  \
	COUNTER(COUNTED_SINCE, 13)     /* milliseconds of the Unix epoch */                        \
	COUNTER(PIPELINES_PACKETS, 14) /* packets handed over, once each */                        \
	COUNTER(PIPELINES_BYTES, 15)                                                               \
	COUNTER(COUNTED_FORWARDERS, 16) /* whose counters there are, with those sums */            \
	/* Copies besides those that the caller names: sent, or an error, as all. */               \
	COUNTER(TEMPLATE_COPIES, 17)                                                               \
	COUNTER(TEMPLATE_RESENDS, 18)                                                              \
	COUNTER(TEMPLATES_UNREADABLE, 19) /* packets */                                            \
	COUNTER(TEMPLATES_UNKEPT, 20)	  /* records */                                            \
	/* Copies that were sent as whole frames, and frames that the kernel refused. */           \
	COUNTER(FRAMES, 21)                                                                        \
	COUNTER(FRAMES_REFUSED, 22)                                                                \
	COUNTER(SEND_ERRORS, 256)    /* + errno, 0 to 255: copies not sent */                      \
	COUNTER(RECEIVE_ERRORS, 512) /* + errno, 0 to 255 */                                       \
	COUNTER(REFUSALS, 768)	     /* + errno, 0 to 255: sent, and came back as an error */

/*
 * Rows of what came to each listening address, among the counters. Which row is whose says the row:
 * who starts a forwarder keeps those of its addresses, in any order, and gives out the others.
 */
#define PIO_LISTENERS 32u
#define PIO_LISTENERS_MAX 32u
#define PIO_LISTENER_NONE 255u /* there was no row for it */

/* One listening address, 48 bytes. Packet I/O writes packets and bytes. */
struct pio_listener {
	uint8_t address[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint64_t port;	     /* 0: the row is free */
	uint64_t packets;    /* handed to pio_send, but for the proxy's own test datagrams */
	uint64_t bytes;
	uint64_t kernel_drops; /* only in the sums of forwarders that are no more */
};
_Static_assert(PIO_LISTENERS + PIO_LISTENERS_MAX * sizeof(struct pio_listener) / 8 <= 256,
	       "there are other counters behind it");

enum pio_counter {
#define PIO_COUNTER(name, index) PIO_##name = index,
	PIO_COUNTER_LIST(PIO_COUNTER)
#undef PIO_COUNTER
};

#define PIO_COUNTERS 1024 /* words of `counters` */

/* One received packet. */
struct pio_packet {
	uint8_t source[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint32_t source_port;
	uint32_t flags;	      /* PIO_PACKET_* */
	uint32_t input_slot;  /* set by the caller before pio_send: where the packet is counted */
	uint16_t length;      /* payload bytes in the buffer */
	uint16_t listen_port; /* of the receiver that took it */
	uint8_t hop_limit;    /* with which it arrived */
	uint8_t listener;     /* row of the receiver that took it */
	uint8_t reserved[2];
};

/* One copy to send, 8 bytes. */
struct pio_copy {
	uint32_t packet;    /* index into packets */
	uint32_t collector; /* index into the collectors of pio_set_collectors */
};

/* One counter slot, 16 bytes. Written by one forwarder, read by others at any time. */
struct pio_slot {
	uint64_t packets;
	uint64_t bytes; /* payload */
};

/* The memory of a batch. */
struct pio_batch {
	uint32_t size;		    /* packets, 1 to PIO_BATCH_MAX */
	uint32_t payload_bytes;	    /* largest payload taken whole, 1 to PIO_PAYLOAD_MAX */
	uint32_t payload_stride;    /* payloads are this far apart; not below payload_bytes */
	struct pio_packet *packets; /* [size + PIO_SPARE] */
	/* [(size + PIO_SPARE) * payload_stride], that of packet i at i * payload_stride */
	uint8_t *payloads;
};

struct pio_receiver_options {
	int fd; /* bound UDP socket, IPv4 or dual-stack IPv6 */
	/*
	 * Whether datagrams to a broadcast or multicast address are taken. The kernel gives them to
	 * every socket of a port, so that one receiver of the port takes them and the others do
	 * not.
	 */
	uint32_t takes_group;
	uint32_t listener; /* its row, or PIO_LISTENER_NONE */
	struct pio_batch batch;
	uint64_t *counters; /* [PIO_COUNTERS] */
};

typedef struct pio_receiver pio_receiver_t;

/*
 * -ENOMEM, -EINVAL for options out of range, or what the kernel says of the descriptor (-ENOTSOCK,
 * -EBADF). Sets options of the socket: it tells hop limits and destinations from then on.
 */
int pio_receiver_new(pio_receiver_t **receiver, const struct pio_receiver_options *options);
void pio_receiver_free(pio_receiver_t *receiver);

/*
 * Takes up to a batch of packets without waiting: sets packets[0..n) and returns n, 0 when there is
 * none, or none that this receiver takes. A payload longer than payload_bytes is cut, flagged and
 * counted; a packet with a hop limit of 1 or less is flagged. Counts PIO_RECEIVED_*. An error is
 * counted by errno and returned; EAGAIN and EINTR are no errors but 0.
 */
int pio_receive(pio_receiver_t *receiver);

struct pio_sender_options {
	/*
	 * Raw sockets IPPROTO_RAW that send packets with their headers, 0 to PIO_SOCKETS_MAX of
	 * each family. What waits in the kernel for a slow or dead collector fills the send buffer
	 * of the socket it left by: with several, one collector's trouble is its own.
	 */
	const int *ipv4_fds;
	const int *ipv6_fds;
	uint32_t ipv4_count;
	uint32_t ipv6_count;
	/*
	 * UDP sockets (sys_open_own_sender) of copies that leave from an address of this host
	 * (TABLE_LEAVE_PROXY), 0 to PIO_SOCKETS_MAX of each family.
	 */
	const int *own_ipv4_fds;
	const int *own_ipv6_fds;
	uint32_t own_ipv4_count;
	uint32_t own_ipv6_count;
	/*
	 * Packet sockets (sys_open_frame_sender), 0 to PIO_LINKS_MAX, and the path table, both or
	 * neither: copies leave as whole frames where it has a path. What waits in the kernel for a
	 * slow link fills the send buffer of the socket of that link.
	 */
	const int *frame_fds;
	uint32_t frame_count;
	const struct paths_header *paths; /* PATHS_MAX rows; may be NULL */
	/* Network order: goes before an IPv4 source address on its way to an IPv6 collector. */
	uint8_t mapped_prefix[12];
	struct pio_batch batch;
	uint32_t copies_max;	  /* entries of copies */
	uint32_t slot_count;	  /* entries of slots */
	struct pio_copy *copies;  /* [copies_max] */
	uint64_t *counters;	  /* [PIO_COUNTERS] */
	struct pio_slot *slots;	  /* [slot_count] */
	struct ring_writer *ring; /* what pipelines read; may be NULL */
	struct notes *notes;	  /* may be NULL */
	struct ring_writer *tap;  /* what captures read; may be NULL */
};

typedef struct pio_sender pio_sender_t;

/* -ENOMEM, or -EINVAL for options out of range. */
int pio_sender_new(pio_sender_t **sender, const struct pio_sender_options *options);
void pio_sender_free(pio_sender_t *sender);

/*
 * The collectors that copies name from now on, and how copies to them leave: the caller's memory,
 * until the next call.
 */
void pio_set_collectors(pio_sender_t *sender, const struct table_collector *collectors,
			uint32_t count, const struct table_leave *leaves, uint32_t leave_count);

/* So many messages with known templates go in a batch at most, but those for one collector. */
#define PIO_RESENDS_MAX 64u

#define PIO_TAPS_MAX 8u /* not above RING_PIPELINES */
#define PIO_TAP_ALL 1u	/* packets of all exporters */

/* Which packets a capture wants, 28 bytes. */
struct pio_tap {
	uint8_t source[16];   /* network order, IPv4 as ::ffff:a.b.c.d; nothing with PIO_TAP_ALL */
	uint16_t source_port; /* 0 = of any */
	uint16_t index;	      /* below PIO_TAPS_MAX: the bit in ring_record.pipelines */
	uint32_t flags;	      /* PIO_TAP_* */
	uint16_t listen_port; /* to which they came, 0 = any */
	uint16_t host_bits;   /* the last ones of the source, which are not looked at: 0 to 128 */
};

/* From now on these are wanted. -EINVAL for too many, what is out of range, or without a tap. */
int pio_set_taps(pio_sender_t *sender, const struct pio_tap *taps, uint32_t count);

/*
 * Appends those of packets[0..packets) that are wanted to the ring of options.tap, before anything
 * else becomes of them: right after they were received. Never waits; costs nothing when nothing is
 * wanted. Counts nothing: to capture is not to handle.
 */
void pio_tap(pio_sender_t *sender, uint32_t packets);

/*
 * Ends the batch: counts packets[0..packets) at their input_slot and sends copies[0..copies).
 *
 * Each copy is one UDP datagram from the packet's source address and port, with the packet's hop
 * limit less one, at most 64, DF clear and a UDP checksum that is never 0 (RFC 768, RFC 8200
 * section 8.1). An IPv4 packet to an IPv6 collector comes from mapped_prefix + its address. To a
 * collector with TABLE_COLLECTOR_LISTEN_PORT it goes to the port on which it arrived. Copies to one
 * address leave by one socket, in the order of the array; until the sender has seen more addresses
 * of a family than there are sockets, no two share one.
 *
 * Other sources, hop limits, prefixes and a traffic class are those of the collector's table_leave.
 * With TABLE_LEAVE_PROXY the kernel makes the datagram, and fragments it. What comes back of these
 * by ICMP (a closed port, no such host) is counted at PIO_REFUSALS + errno with the next copy that
 * leaves by the same socket: the copy was counted as sent.
 *
 * A copy to a collector of family 0 is for a pipeline: it is counted at the output_slot, and the
 * packet is appended to the ring, once for all its pipelines and whatever its hop limit.
 *
 * NetFlow v9 and IPFIX mean nothing without their templates, so copies to collectors with
 * TABLE_COLLECTOR_TEMPLATES are looked into. With TABLE_COLLECTOR_TEMPLATES_ALL, what has
 * templates, or data of options that are known to be such, goes to the others of the output too,
 * without data of flows (PIO_TEMPLATE_COPIES). A collector to which an exporter's data has not come
 * before, or that was away meanwhile, gets the exporter's templates first, as far as they are known
 * (PIO_TEMPLATE_RESENDS). A message that cannot be read is sent as it is
 * (PIO_TEMPLATES_UNREADABLE).
 *
 * A copy that the kernel takes is counted at the collector's output_slot and in PIO_FORWARDED_*;
 * one that it refuses is counted by errno and the rest goes on. What is larger than the MTU of the
 * way to the collector (the kernel says EMSGSIZE, as it does not fragment header-included packets)
 * is sent as IP fragments (RFC 791, RFC 8200 section 4.5), counted once; it counts as sent when all
 * its fragments were taken.
 *
 * Whose packets they were, and what was lost to whom, is noted (notes.h), but for packets of the
 * input slot TABLE_SLOT_PROBE.
 *
 * A full send buffer is waited for (PIO_SEND_RETRIES), PIO_SEND_WAIT_MS in all until it has not
 * been full for PIO_SEND_PERIOD_MS, and all sockets together no longer than that in a period. After
 * that copies fail with EAGAIN.
 *
 * Copies that can never be sent are counted as send errors: EAFNOSUPPORT without a socket of the
 * collector's family, for a pipeline without a ring, and for an IPv6 packet to an IPv4 collector
 * unless its copies have another source;
 * EMSGSIZE for a payload that the length fields cannot tell (over 65507 bytes in IPv4, 65527 in
 * IPv6); EINVAL for a packet, collector, pipeline or output slot out of range, and for a packet
 * that has expired. A packet whose input_slot is out of range is counted at PIO_RECEIVE_ERRORS +
 * EINVAL instead of its slot; its copies go.
 */
#define PIO_SEND_WAIT_MS 200
#define PIO_SEND_PERIOD_MS 1000
void pio_send(pio_sender_t *sender, uint32_t packets, uint32_t copies);

#endif
