/* Notes of losses. */
#include <string.h>

#include "count.h"
#include "notes_rows.h"

/* The place of the next event. */
static struct notes_event *next_event(struct notes *notes)
{
	struct notes_event *event = &notes->latest[notes->events % NOTES_EVENTS];
	notes_begin_change(&event->changes);
	memset((uint8_t *)event + sizeof(event->exporter) + sizeof(event->changes), 0,
	       sizeof(*event) - sizeof(event->exporter) - sizeof(event->changes));
	return event;
}

static void end_event(struct notes *notes, struct notes_event *event)
{
	event->number = notes->events + 1;
	notes_end_change(&event->changes);
	__atomic_store_n(&notes->events, notes->events + 1, __ATOMIC_RELEASE);
}

void notes_event(struct notes *notes, uint8_t kind, const struct notes_endpoint *exporter,
		 uint64_t now_ms)
{
	struct notes_event *event = next_event(notes);
	memcpy(event->exporter, exporter->address, 16);
	event->exporter_port = exporter->port;
	event->kind = kind;
	event->at_ms = now_ms;
	end_event(notes, event);
}

static int is_loss(const struct notes_loss *row, const struct notes_endpoint *collector,
		   uint16_t error)
{
	return row->error == error && row->port == collector->port && (row->changes & 1) == 0 &&
	       memcmp(row->collector, collector->address, 16) == 0;
}

struct notes_loss *notes_take_loss(struct notes *notes, const struct notes_endpoint *collector,
				   uint16_t error)
{
	uint32_t hash = notes_hash(notes, collector->address, collector->port) + error * 0x9e37u;
	struct notes_loss *place = NULL;
	for (uint32_t i = 0; i < NOTES_PROBES; i++) {
		struct notes_loss *row =
			&notes->rows[notes_row_of(NOTES_LOSSES_AT, NOTES_LOSSES, hash, i)].loss;
		if (is_loss(row, collector, error))
			return row;
		int is_free = row->error == 0 || (row->changes & 1) != 0;
		if (is_free || place == NULL || row->last_s < place->last_s)
			place = row;
		if (is_free)
			break;
	}
	notes_begin_change(&place->changes);
	if (place->error != 0) {
		pio_count(&notes->forgotten_losses, 1);
		pio_count(&notes->forgotten_copies, place->copies);
	}
	memcpy(place->collector, collector->address, 16);
	place->port = collector->port;
	place->error = error;
	place->copies = 0;
	place->last_s = 0;
	notes_end_change(&place->changes);
	notes_mark_used(notes, place);
	return place;
}

void notes_add_loss(struct notes_loss *row, uint64_t copies, uint32_t last_s,
		    const struct notes_endpoint *exporter)
{
	notes_begin_change(&row->changes);
	row->copies += copies;
	if (last_s >= row->last_s) {
		row->last_s = last_s;
		row->exporter_port = exporter->port;
		memcpy(row->exporter, exporter->address, 16);
	}
	notes_end_change(&row->changes);
}

void notes_refusal(struct notes *notes, const struct notes_endpoint *collector, uint16_t error,
		   uint64_t now_ms)
{
	static const struct notes_endpoint nobody;
	notes_add_loss(notes_take_loss(notes, collector, error), 1, (uint32_t)(now_ms / 1000),
		       &nobody);
}

void notes_send_loss(struct notes *notes, const struct notes_endpoint *collector,
		     const struct notes_endpoint *exporter, uint16_t error, uint64_t now_ms)
{
	notes_add_loss(notes_take_loss(notes, collector, error), 1, (uint32_t)(now_ms / 1000),
		       exporter);
	notes_count_lost(notes, exporter);
	struct notes_event *event = next_event(notes);
	memcpy(event->exporter, exporter->address, 16);
	event->exporter_port = exporter->port;
	event->kind = NOTES_LOST_SEND;
	event->at_ms = now_ms;
	memcpy(event->collector, collector->address, 16);
	event->collector_port = collector->port;
	event->error = error;
	end_event(notes, event);
}
