/* Notes of forwarders that are no more. */
#include <string.h>

#include "count.h"
#include "notes_rows.h"

static void absorb_exporter(struct notes *notes, const struct notes_exporter *other, int has_rule)
{
	struct notes_endpoint exporter = {.port = other->port};
	memcpy(exporter.address, other->address, 16);
	uint32_t hash = notes_hash(notes, exporter.address, exporter.port);
	struct notes_exporter *row =
		notes_take_exporter(notes, has_rule, &exporter, hash, other->last_s);
	notes_begin_change(&row->changes);
	if (row->packets == 0 || other->last_s >= row->last_s) {
		row->last_s = other->last_s;
		row->protocol = other->protocol;
	}
	if (row->packets == 0 || other->first_s < row->first_s)
		row->first_s = other->first_s;
	row->protocols |= other->protocols;
	row->packets += other->packets;
	row->bytes += other->bytes;
	row->truncated += other->truncated;
	row->lost += other->lost;
	notes_end_change(&row->changes);
}

static void absorb_loss(struct notes *notes, const struct notes_loss *other)
{
	struct notes_endpoint collector = {.port = other->port};
	struct notes_endpoint exporter = {.port = other->exporter_port};
	memcpy(collector.address, other->collector, 16);
	memcpy(exporter.address, other->exporter, 16);
	notes_add_loss(notes_take_loss(notes, &collector, other->error), other->copies,
		       other->last_s, &exporter);
}

void notes_absorb(struct notes *notes, const struct notes *other)
{
	if (other->layout != NOTES_LAYOUT)
		return;
	pio_count(&notes->forgotten_exporters, other->forgotten_exporters);
	pio_count(&notes->forgotten_strangers, other->forgotten_strangers);
	pio_count(&notes->forgotten_sequences, other->forgotten_sequences);
	pio_count(&notes->forgotten_losses, other->forgotten_losses);
	pio_count(&notes->forgotten_copies, other->forgotten_copies);
	uint32_t next = 0;
	while (next < NOTES_ROWS) {
		union notes_row row;
		if (notes_read(other, &next, NOTES_ROWS, &row, 1) == 0)
			return;
		if (next > NOTES_SEQUENCES_AT)
			notes_absorb_sequence(notes, &row.sequence,
					      next <= NOTES_STRANGE_SEQUENCES_AT);
		else if (next > NOTES_LOSSES_AT)
			absorb_loss(notes, &row.loss);
		else
			absorb_exporter(notes, &row.exporter, next <= NOTES_STRANGERS_AT);
	}
}
