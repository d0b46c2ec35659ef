#include "frames.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "kernel.h"
#include "sender.h"

/* Between two looks at what waits in the kernel. */
#define SETTLE_PAUSE_US 50u

void pio_frames_init(struct pio_frames *frames, const struct pio_sender_options *options)
{
	frames->paths = (const struct path *)(const void *)options->paths;
	frames->link_count = options->frame_count;
	frames->flushes = 1;
	for (uint32_t i = 0; i < options->frame_count; i++)
		frames->links[i].queue =
			(struct pio_queue){.fd = options->frame_fds[i], .kind = PIO_QUEUE_FRAMES};
}

void pio_frames_deinit(struct pio_frames *frames)
{
	for (uint32_t i = 0; i < frames->link_count; i++)
		pio_queue_free(&frames->links[i].queue);
}

void pio_frames_begin(struct pio_frames *frames)
{
	if (frames->paths == NULL || frames->link_count == 0)
		return;
	const struct paths_header *header = (const void *)frames->paths;
	uint32_t users = __atomic_load_n(&header->users, __ATOMIC_RELAXED);
	uint64_t looked_ms = __atomic_load_n(&header->looked_ms, __ATOMIC_RELAXED);
	frames->batch++;
	frames->now_ms = pio_clock_ms();
	/* Clocks are read one after the other: control may seem to look in the future. */
	int is_fresh = frames->now_ms < looked_ms + PATHS_STALE_MS;
	frames->is_on = (users & PATHS_SENDER) != 0 && is_fresh;
}

/* Whether there is a path; by the protocol of paths.h. */
static int read_path(const struct path *paths, uint32_t index, struct path *path)
{
	const struct path *row = &paths[index];
	uint32_t changes = __atomic_load_n(&row->changes, __ATOMIC_ACQUIRE);
	memcpy(path, row, sizeof(*path));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return changes % 2 == 0 && __atomic_load_n(&row->changes, __ATOMIC_RELAXED) == changes &&
	       path->link != 0;
}

static int find_path(const struct path *paths, const struct table_collector *collector,
		     const struct pio_packet *packet, struct path *path)
{
	uint32_t index = collector->flags >> TABLE_COLLECTOR_PATH_SHIFT;
	if (index == 0 || !read_path(paths, index, path))
		return 0;
	if (path->hops == 0)
		return 1;
	uint32_t words[4];
	memcpy(words, packet->source, sizeof(words));
	uint64_t hop = (uint64_t)path->first_hop + path_hash(words) % path->hops;
	return hop > 0 && hop < PATHS_MAX && read_path(paths, (uint32_t)hop, path) &&
	       path->hops == 0;
}

static void use_link(struct pio_link *place, uint32_t link)
{
	const struct sockaddr_ll name = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)link,
		.sll_halen = ETH_ALEN,
	};
	place->link = link;
	place->rests_until_ms = 0;
	place->ipv4 = name;
	place->ipv4.sll_protocol = htons(ETH_P_IP);
	place->ipv6 = name;
	place->ipv6.sll_protocol = htons(ETH_P_IPV6);
}

/* The place of a link, or that of another that was not used for longest; NULL: all are in use. */
static struct pio_link *place_of(struct pio_frames *frames, uint32_t link)
{
	struct pio_link *oldest = NULL;
	for (uint32_t i = 0; i < frames->link_count; i++) {
		struct pio_link *place = &frames->links[(frames->last + i) % frames->link_count];
		if (place->link == link) {
			frames->last = (frames->last + i) % frames->link_count;
			return place;
		}
		if (place->queue.count == 0 && (oldest == NULL || place->used_at < oldest->used_at))
			oldest = place;
	}
	if (oldest == NULL || oldest->used_at == frames->batch)
		return NULL;
	use_link(oldest, link);
	return oldest;
}

/* Whether nothing that was sent by the raw socket waits in the kernel. Waits a little for it. */
static int has_settled(struct pio_frames *frames, struct pio_queue *raw)
{
	if (!raw->is_unsure)
		return 1;
	if (raw->count > 0 || raw->asked_at == frames->batch)
		return 0;
	raw->asked_at = frames->batch;
	struct pio_patience *patience = &frames->settling;
	if (frames->now_ms >= patience->renewed_ms)
		*patience = (struct pio_patience){PIO_SETTLE_MS, frames->now_ms + 1000};
	uint64_t until_ms = pio_clock_ms() + patience->left_ms;
	uint64_t now_ms = 0;
	while (pio_unsent_bytes(raw->fd) != 0) {
		now_ms = pio_clock_ms();
		if (now_ms >= until_ms) {
			patience->left_ms = 0;
			return 0;
		}
		pio_pause_us(SETTLE_PAUSE_US);
	}
	if (now_ms != 0)
		patience->left_ms = (uint32_t)(until_ms - now_ms);
	raw->is_unsure = 0;
	return 1;
}

/* Puts the Ethernet header before a message with headers. */
static void complete_frame(struct pio_sender *sender, struct pio_link *link, uint32_t index,
			   const struct path *path)
{
	struct pio_message *message = &link->queue.messages[index];
	struct msghdr *header = &link->queue.headers[index].msg_hdr;
	int is_ipv4 = pio_family_of(message) == 4;
	if (is_ipv4) {
		pio_identify_ipv4(message->header, pio_next_identification(sender));
		pio_complete_ipv4(message->header);
	}
	uint8_t *frame = pio_frame_of(message);
	memcpy(frame, path->frame, PATH_FRAME_BYTES);
	message->parts[0].iov_base = frame;
	message->parts[0].iov_len =
		PATH_FRAME_BYTES + (is_ipv4 ? PIO_WHOLE4_BYTES : PIO_WHOLE6_BYTES);
	header->msg_name = is_ipv4 ? &link->ipv4 : &link->ipv6;
	header->msg_namelen = sizeof(link->ipv4);
}

/* Where copies of the addresses of a raw socket wait as frames, they go now. */
static void send_waiting(struct pio_sender *sender, const struct pio_queue *raw)
{
	struct pio_frames *frames = &sender->frames;
	if (raw->framed != frames->flushes)
		return;
	for (uint32_t i = 0; i < frames->link_count; i++)
		if (frames->links[i].queue.count > 0)
			pio_flush_queue(sender, &frames->links[i].queue);
	frames->flushes++;
}

/* The link of a path when a frame may go there now, after all that has gone by the raw socket. */
static struct pio_link *link_for(struct pio_sender *sender, const struct path *path,
				 struct pio_queue *raw)
{
	struct pio_frames *frames = &sender->frames;
	if (!has_settled(frames, raw))
		return NULL;
	struct pio_link *link = place_of(frames, path->link);
	if (link == NULL || pio_queue_room(sender, &link->queue) != 0)
		return NULL;
	/* To make room may have been refused. */
	if (link->rests_until_ms > frames->now_ms)
		return NULL;
	link->used_at = frames->batch;
	return link;
}

/* The raw socket of a frame's destination. */
static struct pio_queue *raw_queue_of(struct pio_sender *sender, const struct pio_message *frame)
{
	struct pio_sockets *sockets = pio_family_of(frame) == 4 ? &sender->ipv4 : &sender->ipv6;
	uint8_t address[16];
	pio_destination_of(frame, address);
	return &sockets->queues[pio_assign(sockets, address)];
}

static void move_to_raw(struct pio_sender *sender, const struct pio_message *frame)
{
	struct pio_queue *raw = raw_queue_of(sender, frame);
	int error = pio_queue_room(sender, raw);
	if (error != 0) {
		pio_count_error(sender->options.counters, PIO_SEND_ERRORS, error, 1);
		return;
	}
	struct pio_message *message = &raw->messages[raw->count++];
	memcpy(message->header, frame->header, sizeof(message->header));
	message->parts[1] = frame->parts[1];
	message->output_slot = frame->output_slot;
	message->length = frame->length;
	pio_name_destination(message);
}

/* Frames that the kernel has refused take raw sockets, at once: what comes later follows them. */
static void take_raw(struct pio_sender *sender, struct pio_link *link, uint32_t first,
		     uint32_t count)
{
	const struct pio_message *frames = &link->queue.messages[first];
	link->rests_until_ms = sender->frames.now_ms + PIO_LINK_REST_MS;
	pio_count(&sender->options.counters[PIO_FRAMES_REFUSED], 1);
	for (uint32_t i = 0; i < count; i++)
		move_to_raw(sender, &frames[i]);
	for (uint32_t i = 0; i < count; i++)
		pio_flush_queue(sender, raw_queue_of(sender, &frames[i]));
}

void pio_frames_refused(struct pio_sender *sender, struct pio_queue *queue, uint32_t first)
{
	struct pio_link *link =
		(struct pio_link *)(void *)((uint8_t *)queue - offsetof(struct pio_link, queue));
	take_raw(sender, link, first, queue->count - first);
	queue->count = 0;
}

/* The message behind those of a queue is larger than the MTU: it goes in parts, after what waits.
 */
static void send_in_fragments(struct pio_sender *sender, struct pio_link *link, uint32_t mtu)
{
	struct pio_queue *queue = &link->queue;
	uint32_t index = queue->count;
	pio_flush_queue(sender, queue);
	if (link->rests_until_ms > sender->frames.now_ms ||
	    pio_send_fragments(sender, queue, index, mtu) != 0) {
		take_raw(sender, link, index, 1);
		return;
	}
	pio_count_outcome(sender, queue, index, 0);
}

int pio_put_frame(struct pio_sender *sender, const struct pio_copy *copy, struct pio_queue *raw)
{
	const struct table_collector *collector = &sender->collectors[copy->collector];
	const struct pio_packet *packet = &sender->options.batch.packets[copy->packet];
	struct path path;
	struct pio_link *link = NULL;
	if (find_path(sender->frames.paths, collector, packet, &path))
		link = link_for(sender, &path, raw);
	if (link == NULL) {
		send_waiting(sender, raw);
		return 0;
	}
	struct pio_queue *queue = &link->queue;
	struct pio_message *message = &queue->messages[queue->count];
	pio_build_message(sender, queue, message, copy->packet, collector);
	complete_frame(sender, link, queue->count, &path);
	if (pio_packet_bytes(queue, message) > path.mtu) {
		send_in_fragments(sender, link, path.mtu);
		return 1;
	}
	raw->framed = sender->frames.flushes;
	pio_append_message(sender, queue);
	return 1;
}
