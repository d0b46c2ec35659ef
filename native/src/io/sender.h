/* What the parts of the sender share. */
#ifndef PIO_SENDER_H
#define PIO_SENDER_H

#include <stdint.h>

#include "frames.h"
#include "headers.h"
#include "mtu.h"
#include "pio.h"
#include "queue.h"
#include "template_messages.h"

/* What becomes of templates, besides the copies that the caller names. */
struct pio_spread {
	struct templates templates; /* made with the first collector that needs it */
	uint32_t generation;	    /* of the collectors, never 0 */
	/* Of the batch. */
	uint32_t now_s; /* 0 = not asked yet */
	uint32_t spare; /* entries behind the packets that are in use */
	uint32_t resends;
	/* Of the packet looked at last. */
	uint32_t looked; /* index + 1; 0 = none */
	uint32_t others; /* index of what those get whose turn it is not; 0 = not made yet */
	struct template_look look;
};

struct pio_sender {
	struct pio_sender_options options;
	const struct table_collector *collectors;
	uint32_t collector_count;
	const struct table_leave *leaves;
	uint32_t leave_count;
	uint8_t *known_queues; /* [collector_count], index + 1, 0 = not looked up; may be NULL */
	struct pio_sockets ipv4;
	struct pio_sockets ipv6;
	struct pio_sockets own_ipv4;
	struct pio_sockets own_ipv6;
	struct pio_frames frames;
	/* Those in which copies wait; some may be empty again. */
	struct pio_queue *waiting[4 * PIO_SOCKETS_MAX + PIO_LINKS_MAX];
	uint32_t waiting_count;
	uint32_t *payload_sums; /* [batch + PIO_SPARE], PIO_SUM_UNKNOWN before the first copy of a
				   packet */
	uint32_t *marks;	/* [batch], pipelines that get the packet; 0 between batches */
	int has_marks;
	uint64_t received_us;	      /* of the batch, with has_marks */
	uint32_t *hashes;	      /* [batch], of notes */
	struct notes_number *numbers; /* [batch], of notes */
	uint64_t noted_ms;	      /* of the batch, of the Unix epoch */
	struct pio_tap taps[PIO_TAPS_MAX];
	uint32_t tap_count;
	struct pio_patience patience; /* with all sockets together */
	struct pio_spread spread;
	struct pio_mtu_table mtus;
	uint32_t next_identification;
	struct mmsghdr fragment_headers[PIO_FRAGMENT_WINDOW];
	struct pio_message fragments[PIO_FRAGMENT_WINDOW];
};
_Static_assert(PIO_SOCKETS_MAX < 256, "a queue's index + 1 fits a byte");

#define PIO_SUM_UNKNOWN UINT32_MAX

/* How copies to a collector leave; NULL: as the exporter sent the packet. It is there. */
static inline const struct table_leave *pio_leave_of(const struct pio_sender *sender,
						     const struct table_collector *collector)
{
	return collector->leave == 0 ? NULL : &sender->leaves[collector->leave - 1];
}

/* Whether copies to a collector do not keep the source of their packet. */
static inline int pio_has_other_source(const struct table_leave *leave)
{
	return leave != NULL && (leave->flags & (TABLE_LEAVE_PROXY | TABLE_LEAVE_SOURCE)) != 0;
}

/* Why no copy can leave as a collector's row says, or 0. */
int pio_check_leave(const struct pio_sender *sender, const struct table_collector *collector);

/* What a row says in place of what a packet came with. */
void pio_apply_leave(const struct table_leave *leave, struct pio_datagram *datagram);

/* The source of copies to an IPv6 collector; leave may be NULL. */
void pio_source6(const struct pio_sender *sender, const struct pio_packet *packet,
		 const struct table_leave *leave, uint8_t source[16]);

/* Writes where a copy goes and what its headers say, for the kernel to make them. */
void pio_build_own(struct pio_message *message, const struct table_collector *collector,
		   const struct pio_datagram *datagram);

/*
 * Takes what came back of copies of an own socket, and counts it. Returns whether the socket had
 * told of it instead of sending: the next attempt is none the worse.
 */
int pio_take_refusals(struct pio_sender *sender, const struct pio_queue *queue, int error);

/* Counts received packets at their input slots, and forgets the payload sums of the last batch. */
void pio_count_packets(struct pio_sender *sender, uint32_t packets);

/* Why a copy of a packet of the batch can never be sent, or 0. */
int pio_check_copy(struct pio_sender *sender, const struct pio_copy *copy);

/* The sockets by which copies to a collector leave. */
struct pio_sockets *pio_sockets_of(struct pio_sender *sender,
				   const struct table_collector *collector);

/* Writes the headers of a copy and points its message to destination and payload. */
void pio_build_message(struct pio_sender *sender, const struct pio_queue *queue,
		       struct pio_message *message, uint32_t packet_index,
		       const struct table_collector *collector);

/* Makes room for one more message. Returns 0, or why there is none. */
int pio_queue_room(struct pio_sender *sender, struct pio_queue *queue);

/* The message behind those of a queue waits with them. */
void pio_append_message(struct pio_sender *sender, struct pio_queue *queue);

/* Sends what waits, in order. A message that the kernel refuses is counted, and the next one tried.
 */
void pio_flush_queue(struct pio_sender *sender, struct pio_queue *queue);

/* A message of a queue, or the one behind it, was sent, or refused with an errno. */
void pio_count_outcome(struct pio_sender *sender, const struct pio_queue *queue, uint32_t index,
		       int error);

/* Notes whose packets these are, and what the caller has found to be lost. */
void pio_note_packets(struct pio_sender *sender, uint32_t packets);

/* Notes that a copy was not sent: one that is not queued, or a message of a queue. */
void pio_note_copy(struct pio_sender *sender, const struct pio_copy *copy, int error);
void pio_note_message(struct pio_sender *sender, const struct pio_queue *queue, uint32_t index,
		      int error);

/* A pipeline gets a packet of the batch: counts it, and remembers it for pio_hand_over. */
void pio_mark(struct pio_sender *sender, uint32_t packet_index,
	      const struct table_collector *collector);

/* The present time, as ring_record.received_us. */
uint64_t pio_now_us(void);

/* Appends a packet of the batch to a ring, for the readers that are marked. */
void pio_append(struct ring_writer *ring, const struct pio_batch *batch, uint32_t packet_index,
		uint32_t marks, uint64_t received_us);

/* Appends the packets that have marks to the ring. */
void pio_hand_over(struct pio_sender *sender, uint32_t packets);

/* Queues a copy of a packet of the batch, or of a spare one, or counts why it cannot be sent. */
void pio_put(struct pio_sender *sender, uint32_t packet_index, uint32_t collector_index);

/* Sends all that waits: nothing points to payloads then. */
void pio_flush(struct pio_sender *sender);

/*
 * A copy of a packet is about to go to a collector with TABLE_COLLECTOR_TEMPLATES: what it has to
 * know goes first, and templates to the others of its output.
 */
void pio_spread_templates(struct pio_sender *sender, uint32_t packet_index,
			  uint32_t collector_index);

/* The batch has ended: nothing waits. */
void pio_spread_reset(struct pio_sender *sender);

/*
 * Hands messages to the kernel. Returns how many of the first ones it took, at least 1, or the
 * negative errno with which it refused the first.
 */
int pio_transmit(struct pio_sender *sender, struct pio_queue *queue, struct mmsghdr *headers,
		 uint32_t count);

/* The next identification of a datagram: its lower 16 bits are never 0 (raw(7)). */
static inline uint32_t pio_next_identification(struct pio_sender *sender)
{
	do
		sender->next_identification++;
	while ((sender->next_identification & 0xffff) == 0);
	return sender->next_identification;
}

/* Sends one copy as fragments. Returns 0, or the errno of the first one that was refused. */
int pio_send_fragments(struct pio_sender *sender, struct pio_queue *queue, uint32_t index,
		       uint32_t mtu);

/*
 * Sends a copy that is larger than the MTU of its way: known, or 0 when the kernel has just refused
 * it whole. Should the fragments be refused too, the MTU has shrunk, and is asked once more.
 * Returns 0, or the errno with which it was refused.
 */
int pio_send_oversize(struct pio_sender *sender, struct pio_queue *queue, uint32_t index,
		      uint32_t known_mtu);

#endif
