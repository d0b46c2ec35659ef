/*
 * Packet I/O: batches of UDP datagrams in, batches of copies with the exporter's own source address
 * out.
 *
 * It knows nothing of rules. The caller receives a batch, decides for each packet which collectors
 * get a copy, and hands the batch of decisions back:
 *
 *     n = pio_receive(io);            packets[0..n) and their payloads are filled
 *     ... the caller sets packets[i].input_slot and fills copies[0..m) ...
 *     pio_send(io, n, m, ...);        every copy is sent, or counted as an error
 *
 * Ownership: the memory in pio_options belongs to the caller and must outlive the pio_t, as must
 * the file descriptors; pio_free closes none of them. A pio_t is used by one thread.
 * Return values: 0 or a count, or a negative errno.
 * Byte order: "network" is said where it is meant; everything else is in host order.
 */
#ifndef PIO_H
#define PIO_H

#include <stdint.h>

#include "table.h"

/* Limits of pio_options. */
#define PIO_BATCH_MAX 1024u
#define PIO_PAYLOAD_MAX 65535u

/* Packet flags. */
#define PIO_PACKET_IPV6 1u	/* the source is IPv6 (a mapped IPv4 source is not) */
#define PIO_PACKET_TRUNCATED 2u /* the datagram was longer than the packet buffer */
#define PIO_PACKET_EXPIRED 4u	/* its hop limit is used up: it must not go any further */

/* Errnos have 8 bits in the counters; Linux uses less than 140. */
#define PIO_ERRNO_COUNT 256

/* Counters and slots as they lie in memory: raised when a meaning changes. */
#define PIO_COUNTERS_LAYOUT 1u

/*
 * Counters of a forwarder: indexes into pio_options.counters. Cumulative. Packet I/O writes all but
 * DROPPED_BY_RULE, NO_ELIGIBLE_COLLECTOR, HEARTBEAT and HOP_LIMIT_EXCEEDED, which are its caller's.
 */
enum pio_counter {
	PIO_RECEIVED_PACKETS = 0,
	PIO_RECEIVED_BYTES = 1, /* payload bytes taken, after truncation */
	PIO_FORWARDED_PACKETS = 2,
	PIO_FORWARDED_BYTES = 3,
	PIO_TRUNCATED = 4,
	PIO_FRAGMENTED = 5, /* copies sent as fragments */
	PIO_FRAGMENTS = 6,  /* fragments sent for them */
	PIO_SEND_RETRIES = 7,
	PIO_DROPPED_BY_RULE = 8,
	PIO_NO_ELIGIBLE_COLLECTOR = 9,
	PIO_HEARTBEAT = 10,
	PIO_HOP_LIMIT_EXCEEDED = 11,
	PIO_SEND_ERRORS = 256,	  /* + errno, 0 to 255: copies not sent */
	PIO_RECEIVE_ERRORS = 512, /* + errno, 0 to 255 */
	PIO_COUNTERS = 1024,
};

/* One received packet, 32 bytes. */
struct pio_packet {
	uint8_t source[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint32_t source_port;
	uint16_t length;   /* payload bytes in the buffer */
	uint8_t hop_limit; /* with which it arrived */
	uint8_t reserved;
	uint32_t flags;	     /* PIO_PACKET_* */
	uint32_t input_slot; /* set by the caller before pio_send: where the packet is counted */
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

struct pio_options {
	int receive_fd; /* UDP socket, IPv4 or dual-stack IPv6 */
	int send4_fd;	/* raw socket IPPROTO_RAW, AF_INET, or -1 */
	int send6_fd;	/* raw socket IPPROTO_RAW, AF_INET6, header included, or -1 */

	uint32_t batch;	       /* packets a pio_receive takes at most, 1 to PIO_BATCH_MAX */
	uint32_t buffer_bytes; /* largest payload taken whole, 1 to PIO_PAYLOAD_MAX */
	uint32_t copies_max;   /* entries of copies */
	/*
	 * Whether datagrams to a broadcast or multicast address are taken. The kernel gives them to
	 * every socket of a port, so that one receiver of the port takes them and the others do
	 * not.
	 */
	uint32_t takes_group;
	uint32_t slot_count; /* entries of slots */
	/* Network order: goes before an IPv4 source address on its way to an IPv6 collector. */
	uint8_t mapped_prefix[12];

	struct pio_packet *packets; /* [batch] */
	struct pio_copy *copies;    /* [copies_max] */
	uint64_t *counters;	    /* [PIO_COUNTERS] */
	struct pio_slot *slots;	    /* [slot_count] */
};

typedef struct pio pio_t;

/* Allocates buffers for a batch. -ENOMEM, or -EINVAL for options out of range. */
int pio_new(pio_t **io, const struct pio_options *options);
void pio_free(pio_t *io);

/*
 * Takes up to a batch of packets without waiting: sets packets[0..n) and returns n, 0 when there is
 * none, or none that this receiver takes. A payload longer than buffer_bytes is cut, flagged and
 * counted; a packet with a hop limit of 1 or less is flagged. Counts PIO_RECEIVED_*. An error is
 * counted by errno and returned; EAGAIN and EINTR are no errors but 0.
 */
int pio_receive(pio_t *io);

/* The collectors that copies name from now on: the caller's memory, until the next call. */
void pio_set_collectors(pio_t *io, const struct table_collector *collectors, uint32_t count);

/*
 * Ends the batch: counts packets[0..packets) at their input_slot and sends copies[0..copies).
 *
 * Each copy is one UDP datagram from the packet's source address and port, with the packet's hop
 * limit less one, at most 64, DF clear and a UDP checksum that is never 0 (RFC 768, RFC 8200
 * section 8.1). An IPv4 packet to an
 * IPv6 collector comes from mapped_prefix + its address. Copies to one collector leave in the order
 * of the array. A copy that the kernel takes is counted at the collector's output_slot and in
 * PIO_FORWARDED_*; one that it refuses is counted by errno and the rest goes on. What is larger
 * than the MTU of the way to the collector (the kernel says EMSGSIZE, as it does not fragment
 * header-included packets) is sent as IP fragments (RFC 791, RFC 8200 section 4.5), counted once;
 * it counts as sent when all its fragments were taken.
 *
 * A full send buffer is waited for (PIO_SEND_RETRIES) until PIO_SEND_WAIT_MS after the first wait
 * of the call; from then on copies fail with EAGAIN.
 *
 * Copies that can never be sent are counted as send errors: EAFNOSUPPORT without a socket of the
 * collector's family, and for an IPv6 packet to an IPv4 collector; EMSGSIZE for a payload that the
 * length fields cannot tell (over 65507 bytes in IPv4, 65527 in IPv6); EINVAL for a packet,
 * collector or output slot out of range, and for a packet that has expired. A packet whose
 * input_slot is out of range is counted at PIO_RECEIVE_ERRORS + EINVAL instead of its slot; its
 * copies go.
 */
#define PIO_SEND_WAIT_MS 200
void pio_send(pio_t *io, uint32_t packets, uint32_t copies);

#endif
