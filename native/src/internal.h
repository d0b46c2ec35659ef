/* What the parts of packet I/O share. */
#ifndef PIO_INTERNAL_H
#define PIO_INTERNAL_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "headers.h"
#include "mtu.h"
#include "pio.h"

/* Messages of one sendmmsg: the kernel takes no more (UIO_MAXIOV). */
#define PIO_QUEUE_MESSAGES 1024u

/* Fragments are made and sent this many at a time. */
#define PIO_FRAGMENT_WINDOW 64u

/* The 12 bytes before an IPv4 address in its 16-byte form. */
static const uint8_t pio_ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static inline int pio_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, pio_ipv4_prefix, sizeof(pio_ipv4_prefix)) == 0;
}

/* What one message of sendmmsg points to, in 128 bytes; the first iovec is the header. */
struct pio_message {
	uint8_t header[PIO_HEADER_MAX_BYTES];
	struct iovec parts[2];
	union {
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} name;
	uint32_t output_slot;
	uint32_t length; /* payload */
};
_Static_assert(sizeof(struct pio_message) <= 128, "two cache lines a message");

/* The size of the whole IP packet. */
static inline uint32_t pio_packet_bytes(const struct pio_message *message)
{
	return (uint32_t)message->parts[0].iov_len + message->length;
}

/* Room for what the kernel tells of a datagram: its hop limit and where it was sent to. */
struct pio_control {
	_Alignas(struct cmsghdr)
		uint8_t bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct sockaddr_in6))];
};

/* Copies that wait for the next sendmmsg on a raw socket, in order. */
struct pio_queue {
	int fd;
	uint32_t count;
	struct mmsghdr *headers;      /* [PIO_QUEUE_MESSAGES], each points to its message */
	struct pio_message *messages; /* [PIO_QUEUE_MESSAGES] */
};

struct pio {
	struct pio_options options;
	const struct table_collector *collectors;
	uint32_t collector_count;

	/* Receiving: one message, name and buffer for each packet of a batch. */
	struct mmsghdr *receive_headers;
	struct sockaddr_in6 *receive_names;
	struct pio_control *receive_controls;
	struct iovec *receive_parts;
	uint8_t *payloads;
	size_t payload_stride;

	/* Sending. */
	struct pio_queue queue4;
	struct pio_queue queue6;
	uint32_t *payload_sums; /* [batch], PIO_SUM_UNKNOWN before the first copy of a packet */
	uint64_t wait_until_ms; /* end of waiting in this pio_send; 0 = has not waited */
	struct pio_mtu_table mtus;
	uint32_t next_identification;
	struct mmsghdr fragment_headers[PIO_FRAGMENT_WINDOW];
	struct pio_message fragments[PIO_FRAGMENT_WINDOW];
};

#define PIO_SUM_UNKNOWN UINT32_MAX

/* Adds to a counter that other processes read at any time: they never see half of a change. */
static inline void pio_count(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

/* Counts an errno from PIO_SEND_ERRORS or PIO_RECEIVE_ERRORS on. */
void pio_count_error(struct pio *io, enum pio_counter first, int error, uint64_t by);

int pio_receiver_init(struct pio *io);
void pio_receiver_deinit(struct pio *io);
int pio_sender_init(struct pio *io);
void pio_sender_deinit(struct pio *io);

/*
 * Hands messages to the kernel. Returns how many of the first ones it took, at least 1, or the
 * negative errno with which it refused the first.
 */
int pio_transmit(struct pio *io, int fd, struct mmsghdr *headers, uint32_t count);

/*
 * Sends a copy that is larger than the MTU of its way: known, or 0 when the kernel has just refused
 * it whole. Should the fragments be refused too, the MTU has shrunk, and is asked once more.
 * Returns 0, or the errno with which it was refused.
 */
int pio_send_oversize(struct pio *io, const struct pio_queue *queue, uint32_t index,
		      uint32_t known_mtu);

/* Milliseconds of a clock that never goes back, never 0. */
uint64_t pio_clock_ms(void);

/* The MTU of the way to an address (network order, IPv4 as ::ffff:a.b.c.d), or a negative errno. */
int pio_path_mtu(const uint8_t address[16]);

#endif
