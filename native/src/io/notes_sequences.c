/* Sequences of numbers, each in a row of its own. */
#include <stddef.h>
#include <string.h>

#include "count.h"
#include "notes_rows.h"

static int is_sequence(const struct notes_sequence *row, const struct notes_endpoint *exporter,
		       uint8_t protocol, uint32_t domain)
{
	return row->protocol == protocol && row->domain == domain && row->port == exporter->port &&
	       (row->changes & 1) == 0 && memcmp(row->address, exporter->address, 16) == 0;
}

/* Newcomers make room for each other, and who is silent for all. */
static uint32_t right_to_stay(const struct notes_sequence *row, uint32_t now_s)
{
	if (row->protocol == 0 || (row->changes & 1) != 0)
		return 0;
	int is_silent = now_s > row->last_s && now_s - row->last_s > NOTES_SILENT_S;
	return is_silent ? 1 : 2 + notes_watched(row);
}

static void give_sequence(struct notes *notes, struct notes_sequence *row,
			  const struct notes_endpoint *exporter, uint8_t protocol, uint32_t domain)
{
	notes_begin_change(&row->changes);
	size_t begin = offsetof(struct notes_sequence, port);
	memset((uint8_t *)row + begin, 0, sizeof(*row) - begin);
	memcpy(row->address, exporter->address, 16);
	row->port = exporter->port;
	row->protocol = protocol;
	row->domain = domain;
	notes_watch_begin(row);
	notes_end_change(&row->changes);
	notes_mark_used(notes, row);
}

/* The row of a sequence, which it gets when it has none; NULL when there is no room. */
static struct notes_sequence *take_sequence(struct notes *notes, int has_rule,
					    const struct notes_endpoint *exporter,
					    const struct notes_number *number, uint32_t now_s)
{
	struct notes_sequence *least = NULL;
	uint32_t right = UINT32_MAX;
	for (uint32_t i = 0; i < NOTES_PROBES && right > 0; i++) {
		struct notes_sequence *row =
			&notes->rows[notes_sequence_row(has_rule, number->hash, i)].sequence;
		if (is_sequence(row, exporter, number->protocol, number->domain))
			return row;
		uint32_t its_right = right_to_stay(row, now_s);
		if (its_right < right) {
			right = its_right;
			least = row;
		}
	}
	if (right > 0)
		pio_count(&notes->forgotten_sequences, 1);
	if (right >= 2 + NOTES_WATCHED_MAX)
		return NULL;
	give_sequence(notes, least, exporter, number->protocol, number->domain);
	return least;
}

void notes_sequence(struct notes *notes, const struct notes_packet *packet,
		    struct notes_number *number, uint32_t now_s)
{
	if (number->protocol == 0)
		return;
	struct notes_endpoint exporter = {.port = packet->port};
	memcpy(exporter.address, packet->address, 16);
	struct notes_sequence *row =
		take_sequence(notes, packet->has_rule, &exporter, number, now_s);
	if (row == NULL)
		return;
	if (number->protocol == NOTES_IPFIX)
		number->records = notes_count_records(notes, packet, number, now_s);
	/* Another process of this forwarder, or others, saw what came between. */
	if (row->last_s < notes->opened_s)
		notes_watch_anew(row);
	notes_watch(row, number, now_s);
}

void notes_absorb_sequence(struct notes *notes, const struct notes_sequence *other, int has_rule)
{
	struct notes_endpoint exporter = {.port = other->port};
	memcpy(exporter.address, other->address, 16);
	uint32_t hash = notes_hash(notes, exporter.address, exporter.port);
	struct notes_number number = {.domain = other->domain, .protocol = other->protocol};
	notes_hash_number(notes, hash, &number);
	struct notes_sequence *row =
		take_sequence(notes, has_rule, &exporter, &number, other->last_s);
	if (row == NULL)
		return;
	notes_begin_change(&row->changes);
	row->lost += other->lost + other->missing + other->missing_before;
	if (other->last_s > row->last_s)
		row->last_s = other->last_s;
	notes_end_change(&row->changes);
}
