/* Templates of NetFlow v9 and IPFIX reach all collectors that need them (spec R23, R24). */
#include <string.h>

#include "address.h"
#include "batch.h"
#include "count.h"
#include "kernel.h"
#include "sender.h"

/* Rows of collectors, one behind the other. */
struct group {
	uint32_t first;
	uint32_t count;
};

/* Those that share templates with a collector, itself among them. */
static struct group group_of(const struct pio_sender *sender, const struct pio_packet *packet,
			     uint32_t index)
{
	const struct table_collector *collector = &sender->collectors[index];
	struct group alone = {index, 1};
	if ((collector->flags & TABLE_COLLECTOR_TEMPLATES_ALL) == 0)
		return alone;
	int is_ipv6 = (packet->flags & PIO_PACKET_IPV6) != 0;
	uint32_t shift = is_ipv6 ? TABLE_GROUP_IPV6_SHIFT : TABLE_GROUP_IPV4_SHIFT;
	uint32_t before = collector->group & TABLE_GROUP_BITS;
	uint32_t count = collector->group >> shift & TABLE_GROUP_BITS;
	if (before >= count || before > index || index - before + count > sender->collector_count)
		return alone;
	return (struct group){index - before, count};
}

static const struct template_look *look_at(struct pio_sender *sender, uint32_t packet_index)
{
	struct pio_spread *spread = &sender->spread;
	if (spread->looked == packet_index + 1)
		return &spread->look;
	const struct pio_packet *packet = &sender->options.batch.packets[packet_index];
	if (spread->now_s == 0)
		spread->now_s = (uint32_t)(pio_clock_ms() / 1000) + 1;
	struct template_source source = {
		.address = packet->source,
		.port = (uint16_t)packet->source_port,
		.now_s = spread->now_s,
	};
	spread->look =
		templates_look(&spread->templates, &source,
			       pio_payload(&sender->options.batch, packet_index), packet->length);
	spread->looked = packet_index + 1;
	spread->others = 0;
	uint64_t *counters = sender->options.counters;
	if (spread->look.verdict == TEMPLATES_UNREADABLE)
		pio_count(&counters[PIO_TEMPLATES_UNREADABLE], 1);
	if (spread->look.unkept > 0)
		pio_count(&counters[PIO_TEMPLATES_UNKEPT], spread->look.unkept);
	return &spread->look;
}

/* A packet from the same exporter as another, without payload yet. Returns its index. */
static uint32_t take_spare(struct pio_sender *sender, uint32_t packet_index)
{
	struct pio_spread *spread = &sender->spread;
	const struct pio_batch *batch = &sender->options.batch;
	if (spread->spare == PIO_SPARE) {
		pio_flush(sender);
		spread->spare = 0;
		spread->others = 0;
	}
	uint32_t index = batch->size + spread->spare++;
	batch->packets[index] = batch->packets[packet_index];
	sender->payload_sums[index] = PIO_SUM_UNKNOWN;
	return index;
}

/* Sends all that is known of a session. Returns 0 when that is too much for this batch. */
static int resend(struct pio_sender *sender, uint32_t packet_index, uint32_t collector_index)
{
	struct pio_spread *spread = &sender->spread;
	const struct pio_batch *batch = &sender->options.batch;
	uint32_t room = batch->payload_bytes < TEMPLATE_MESSAGE_BYTES ? batch->payload_bytes
								      : TEMPLATE_MESSAGE_BYTES;
	if (room < TEMPLATE_ROOM_MIN)
		return 1;
	uint32_t count = templates_count_messages(&spread->look, room);
	if (spread->resends > 0 && spread->resends + count > PIO_RESENDS_MAX)
		return 0;
	spread->resends += count;
	uint32_t next = 0;
	for (uint32_t left = count; left-- > 0;) {
		uint32_t index = take_spare(sender, packet_index);
		batch->packets[index].length = (uint16_t)templates_write_message(
			&spread->look, &next, left, pio_payload(batch, index), room);
		pio_count(&sender->options.counters[PIO_TEMPLATE_RESENDS], 1);
		pio_put(sender, index, collector_index);
	}
	return 1;
}

/* Differs when another collector has the place, or when it has come back. */
static uint32_t identity_of(const struct table_collector *collector)
{
	uint32_t hash = pio_hash_address(collector->address) ^ collector->port * 0x9e3779b1u;
	return (hash ^ hash >> 15) + collector->returns * 0x85ebca6bu;
}

/* Whether a collector has what was known before this message. */
static int is_informed(const struct template_look *look, const struct template_holder *holder,
		       const struct table_collector *collector)
{
	return look->revision_before == 0 ||
	       (holder != NULL && holder->identity == identity_of(collector) &&
		holder->revision == look->revision_before &&
		template_holder_is_present(look->session, holder));
}

/* Sends a collector what it does not know. Returns 0 when it has to wait for another batch. */
static int inform(struct pio_sender *sender, uint32_t packet_index, uint32_t collector_index)
{
	struct pio_spread *spread = &sender->spread;
	const struct table_collector *collector = &sender->collectors[collector_index];
	struct template_session *session = spread->look.session;
	struct template_holder *holder = templates_holder(session, collector->output_slot);
	int is_new = !is_informed(&spread->look, holder, collector);
	if (holder == NULL)
		holder = templates_add_holder(&spread->templates, session, collector->output_slot);
	/* Without room to remember it, it waits for what its exporter sends. */
	if (holder == NULL)
		return 1;
	if (is_new && !resend(sender, packet_index, collector_index)) {
		holder->revision = 0;
		return 0;
	}
	holder->identity = identity_of(collector);
	holder->revision = session->revision;
	holder->generation = spread->generation;
	return 1;
}

static void inform_all(struct pio_sender *sender, uint32_t packet_index, const struct group *group)
{
	struct pio_spread *spread = &sender->spread;
	struct template_session *session = spread->look.session;
	if (session->generation != spread->generation) {
		session->previous = session->generation;
		session->generation = spread->generation;
	}
	uint32_t slot = sender->collectors[group->first].output_slot;
	const struct template_holder *first = templates_holder(session, slot);
	if (first != NULL && first->generation == spread->generation &&
	    first->revision == session->revision)
		return;
	/* The first one comes last: it stands for all of them. */
	for (uint32_t i = group->count; i-- > 0;) {
		if (!inform(sender, packet_index, group->first + i))
			return;
	}
}

/* What those get whose turn it is not: the index of a packet. */
static uint32_t packet_for_others(struct pio_sender *sender, uint32_t packet_index)
{
	struct pio_spread *spread = &sender->spread;
	if (spread->look.verdict == TEMPLATES_WHOLE)
		return packet_index;
	if (spread->others == 0) {
		const struct pio_batch *batch = &sender->options.batch;
		uint32_t index = take_spare(sender, packet_index);
		batch->packets[index].length =
			(uint16_t)templates_strip(&spread->look, pio_payload(batch, index));
		spread->others = index;
	}
	return spread->others;
}

static void copy_to_others(struct pio_sender *sender, uint32_t packet_index,
			   uint32_t collector_index, const struct group *group)
{
	for (uint32_t i = 0; i < group->count; i++) {
		if (group->first + i == collector_index)
			continue;
		pio_count(&sender->options.counters[PIO_TEMPLATE_COPIES], 1);
		pio_put(sender, packet_for_others(sender, packet_index), group->first + i);
	}
}

void pio_spread_templates(struct pio_sender *sender, uint32_t packet_index,
			  uint32_t collector_index)
{
	struct pio_spread *spread = &sender->spread;
	if (spread->templates.sessions == NULL &&
	    templates_init(&spread->templates, TEMPLATES_SETS) < 0)
		return;
	const struct pio_packet *packet = &sender->options.batch.packets[packet_index];
	const struct template_look *look = look_at(sender, packet_index);
	struct group group = group_of(sender, packet, collector_index);
	if (look->session != NULL)
		inform_all(sender, packet_index, &group);
	if (look->verdict == TEMPLATES_WHOLE || look->verdict == TEMPLATES_MIXED)
		copy_to_others(sender, packet_index, collector_index, &group);
}

void pio_spread_reset(struct pio_sender *sender)
{
	struct pio_spread *spread = &sender->spread;
	spread->now_s = 0;
	spread->spare = 0;
	spread->resends = 0;
	spread->looked = 0;
}
