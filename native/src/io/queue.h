/* The sender's sockets, and the messages that wait for each of them. */
#ifndef PIO_QUEUE_H
#define PIO_QUEUE_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "headers.h"
#include "pio.h"

/* Messages of one sendmmsg. */
#define PIO_QUEUE_MESSAGES 64u

/* Fragments are made and sent this many at a time. */
#define PIO_FRAGMENT_WINDOW 64u

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

/* What the kernel is told of a copy of an own socket: hop limit and traffic class. */
#define PIO_CONTROL_BYTES (2 * CMSG_SPACE(sizeof(int)))
_Static_assert(PIO_CONTROL_BYTES <= PIO_HEADER_MAX_BYTES, "it lies where headers would");

/* The size of the whole IP packet; of an own socket that of its payload. */
static inline uint32_t pio_packet_bytes(const struct pio_message *message)
{
	return (uint32_t)message->parts[0].iov_len + message->length;
}

/* How long full send buffers may still be waited for. */
struct pio_patience {
	uint32_t left_ms;
	uint64_t renewed_ms; /* when it is PIO_SEND_WAIT_MS again, on pio_clock_ms */
};

/* One socket, and the copies that wait for its next sendmmsg, in order. */
struct pio_queue {
	int fd;
	int family; /* 4 or 6 */
	int is_own; /* a UDP socket of this host: the kernel makes headers and fragments */
	uint32_t count;
	int is_waiting;		      /* in pio_sender.waiting */
	uint32_t addresses;	      /* collectors' addresses whose copies leave by it */
	struct mmsghdr *headers;      /* [PIO_QUEUE_MESSAGES], NULL before the first copy */
	struct pio_message *messages; /* [PIO_QUEUE_MESSAGES] */
	struct pio_patience patience; /* of one who was full a while ago */
};

#define PIO_ASSIGNMENTS 4096u /* a power of two */

struct pio_assignment {
	uint8_t address[16];
	uint32_t queue; /* index + 1; 0 = the entry is empty */
};

/* The sockets of one kind and family, and which of them an address has. */
struct pio_sockets {
	uint32_t count;
	struct pio_queue queues[PIO_SOCKETS_MAX];
	uint32_t assigned;
	struct pio_assignment assignments[PIO_ASSIGNMENTS];
};

void pio_prepare_message(struct mmsghdr *header, struct pio_message *message);

struct pio_socket_kind {
	int family;
	int is_own;
};

void pio_sockets_init(struct pio_sockets *sockets, struct pio_socket_kind kind, const int *fds,
		      uint32_t count);
void pio_sockets_deinit(struct pio_sockets *sockets);

/*
 * The socket of an address: the same for as long as the sender lives, until more addresses are
 * known than there is room for. An address that is new gets a socket that no other has, else the
 * one that the fewest have. Own sockets are shared by the hash of the address alone. There is at
 * least one socket.
 */
uint32_t pio_assign(struct pio_sockets *sockets, const uint8_t address[16]);

/* Begins anew when there is hardly room for more addresses. No copies wait. */
void pio_make_room(struct pio_sockets *sockets);

/* Makes room for messages when there is none yet. 0 or -ENOMEM. */
int pio_queue_prepare(struct pio_queue *queue);

#endif
