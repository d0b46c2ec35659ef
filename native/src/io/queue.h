/* The sender's sockets, and the messages that wait for each of them. */
#ifndef PIO_QUEUE_H
#define PIO_QUEUE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "headers.h"
#include "paths.h"
#include "pio.h"

/* Messages of one sendmmsg. */
#define PIO_QUEUE_MESSAGES 64u

/* Fragments are made and sent this many at a time. */
#define PIO_FRAGMENT_WINDOW 64u

/*
 * What one message of sendmmsg points to, in 128 bytes; the first iovec is the header. Of a frame
 * the last bytes of the name, right before the header, are its Ethernet header.
 */
struct pio_message {
	union {
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} name;
	uint8_t header[PIO_HEADER_MAX_BYTES];
	struct iovec parts[2];
	uint32_t output_slot;
	uint32_t length; /* payload */
};
_Static_assert(sizeof(struct pio_message) <= 128, "two cache lines a message");
_Static_assert(offsetof(struct pio_message, header) == sizeof(struct sockaddr_in6) &&
		       sizeof(struct sockaddr_in6) >= PATH_FRAME_BYTES,
	       "an Ethernet header fits right before the others");

/* What the kernel is told of a copy of an own socket: hop limit and traffic class. */
#define PIO_CONTROL_BYTES (2 * CMSG_SPACE(sizeof(int)))
/* It lies where headers would, aligned as struct cmsghdr. */
static inline uint8_t *pio_control_of(struct pio_message *message)
{
	return message->header + 4;
}
_Static_assert((offsetof(struct pio_message, header) + 4) % _Alignof(struct cmsghdr) == 0 &&
		       PIO_CONTROL_BYTES + 4 <= PIO_HEADER_MAX_BYTES,
	       "aligned, and there is room");

/* Where the Ethernet header of a frame is. */
static inline uint8_t *pio_frame_of(struct pio_message *message)
{
	return (uint8_t *)message + offsetof(struct pio_message, header) - PATH_FRAME_BYTES;
}

/* 4 or 6, of a message with headers. */
static inline int pio_family_of(const struct pio_message *message)
{
	return message->header[0] >> 4;
}

/* How long full send buffers may still be waited for. */
struct pio_patience {
	uint32_t left_ms;
	uint64_t renewed_ms; /* when it is PIO_SEND_WAIT_MS again, on pio_clock_ms */
};

enum pio_queue_kind {
	PIO_QUEUE_RAW,	  /* packets with their headers, of one family */
	PIO_QUEUE_OWN,	  /* a UDP socket of this host: the kernel makes headers and fragments */
	PIO_QUEUE_FRAMES, /* whole Ethernet frames, of both families */
};

/* One socket, and the copies that wait for its next sendmmsg, in order. */
struct pio_queue {
	int fd;
	int family; /* 4 or 6; 0: both */
	enum pio_queue_kind kind;
	uint32_t count;
	int is_waiting;		      /* in pio_sender.waiting */
	uint32_t addresses;	      /* collectors' addresses whose copies leave by it */
	struct mmsghdr *headers;      /* [PIO_QUEUE_MESSAGES], NULL before the first copy */
	struct pio_message *messages; /* [PIO_QUEUE_MESSAGES] */
	struct pio_patience patience; /* of one who was full a while ago */
	/* Of a raw one: */
	int is_unsure;	   /* what was sent may still wait in the kernel */
	uint64_t asked_at; /* the batch in which the kernel was asked last whether it does */
	uint64_t framed; /* pio_frames.flushes when a copy of its addresses was made a frame last */
};

/* The size of the whole IP packet; of an own socket that of its payload. */
static inline uint32_t pio_packet_bytes(const struct pio_queue *queue,
					const struct pio_message *message)
{
	uint32_t frame_bytes = queue->kind == PIO_QUEUE_FRAMES ? PATH_FRAME_BYTES : 0;
	return (uint32_t)message->parts[0].iov_len - frame_bytes + message->length;
}

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
	enum pio_queue_kind kind;
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
void pio_queue_free(struct pio_queue *queue);

/* Where a message with headers goes: network order, IPv4 as ::ffff:a.b.c.d. */
void pio_destination_of(const struct pio_message *message, uint8_t address[16]);

/* Writes it where the kernel wants it of a raw socket, for a message made for another one. */
void pio_name_destination(struct pio_message *message);

#endif
