/*
 * Copies as whole Ethernet frames, where the path table (paths.h) has a way to their collector:
 * past the kernel's look-up of routes, its output hooks and queueing disciplines.
 *
 * Copies of one exporter to one collector stay in order when they change between frames and raw
 * sockets. What waits as frames is sent before a copy takes the raw socket; and no frame is made
 * for addresses whose raw socket may have something left in the kernel, in a queueing discipline or
 * behind a neighbour that has not answered yet.
 */
#ifndef PIO_FRAMES_H
#define PIO_FRAMES_H

#include <linux/if_packet.h>
#include <stdint.h>

#include "paths.h"
#include "pio.h"
#include "queue.h"

/* A link that has refused frames gets none for so long. */
#define PIO_LINK_REST_MS 100u

/* So long frames wait in all, in a second, for what raw sockets have in the kernel. */
#define PIO_SETTLE_MS 10u

/* The frames of one link. */
struct pio_link {
	uint32_t link;	  /* index of the interface; 0: not in use */
	uint64_t used_at; /* in which batch */
	uint64_t rests_until_ms;
	struct sockaddr_ll ipv4, ipv6; /* the names of its messages */
	struct pio_queue queue;
};

struct pio_frames {
	const struct path *paths; /* the header is row 0; NULL: there are none */
	uint32_t link_count;
	uint32_t last;	  /* the link that was used last */
	uint64_t flushes; /* how often frames have been sent, never 0 */
	struct pio_patience settling;
	/* Of the batch. */
	uint64_t batch; /* its number, never 0 */
	uint64_t now_ms;
	int is_on;
	struct pio_link links[PIO_LINKS_MAX];
};

struct pio_sender;

void pio_frames_init(struct pio_frames *frames, const struct pio_sender_options *options);
void pio_frames_deinit(struct pio_frames *frames);

/* A batch begins: whether frames may be made in it. */
void pio_frames_begin(struct pio_frames *frames);

/*
 * Makes a frame of a copy that can be sent, and has it wait with others. Returns 0 when it has to
 * take its raw socket; what has to leave before it has left then.
 */
int pio_put_frame(struct pio_sender *sender, const struct pio_copy *copy, struct pio_queue *raw);

/* The kernel has refused the first of these frames of a queue, at least: they take raw sockets. */
void pio_frames_refused(struct pio_sender *sender, struct pio_queue *queue, uint32_t first);

#endif
