/* How many data records a message of IPFIX has (RFC 7011), which only its templates say. */
#include <string.h>

#include "flow_message.h"
#include "notes_rows.h"

#define VARIABLE_MAX 23u
/* Records whose length is in themselves are followed one by one. */
#define FOLLOWED_MAX 4096u
/* More templates in a message are not learnt. */
#define LEARNT_MAX 128u

struct records {
	struct notes *notes;
	uint64_t session;
	uint32_t at; /* where in the table */
	uint32_t rows;
	uint32_t now_s;
	uint32_t learnt;
	uint32_t count;
	int is_unknown;
};

static uint32_t row_of(const struct records *records, uint32_t id, uint32_t probe)
{
	uint32_t hash = (uint32_t)(records->session ^ records->session >> 32);
	return notes_row_of(records->at, records->rows, hash + id * 0x9e3779b1u, probe);
}

/* The row of a template; *place: the row that it may have when there is none. */
static struct notes_template *find(const struct records *records, uint32_t id,
				   struct notes_template **place)
{
	struct notes_template *oldest = NULL;
	for (uint32_t i = 0; i < NOTES_PROBES; i++) {
		struct notes_template *row = &records->notes->templates[row_of(records, id, i)];
		if (row->id == id && row->session == records->session)
			return row;
		if (row->id == 0 || oldest == NULL || row->last_s < oldest->last_s)
			oldest = row;
		if (row->id == 0)
			break;
	}
	*place = oldest;
	return NULL;
}

/* Where the fields of variable length are in records of a template. */
static struct notes_template describe(const struct flow_template *seen)
{
	struct notes_template made = {.id = seen->id};
	const uint8_t *field = seen->at + (seen->is_options ? 6 : 4);
	const uint8_t *end = seen->at + seen->length;
	uint32_t fixed = 0;
	while (field < end) {
		uint32_t bytes = flow_u16(field + 2);
		field += (flow_u16(field) & FLOW_ENTERPRISE_BIT) != 0 ? 8 : 4;
		if (bytes != FLOW_VARIABLE_LENGTH) {
			fixed += bytes;
			continue;
		}
		/* With more of them, how long records are is not known. */
		if (made.variable >= VARIABLE_MAX || fixed > UINT16_MAX) {
			made.variable = VARIABLE_MAX + 1;
			continue;
		}
		made.fixed[made.variable++] = (uint16_t)fixed;
		fixed = 0;
	}
	if (fixed > UINT16_MAX)
		made.variable = VARIABLE_MAX + 1;
	if (made.variable <= VARIABLE_MAX)
		made.fixed[made.variable] = (uint16_t)fixed;
	return made;
}

static void learn(struct records *records, const struct flow_template *seen)
{
	struct notes_template *place = NULL;
	struct notes_template *row = find(records, seen->id, &place);
	if (seen->is_withdrawal) {
		if (row != NULL)
			memset(row, 0, sizeof(*row));
		return;
	}
	if (row == NULL)
		row = place;
	*row = describe(seen);
	row->session = records->session;
	row->last_s = records->now_s;
}

static void learn_set(struct records *records, const struct flow_message *message,
		      const struct flow_set *set)
{
	struct flow_template seen;
	uint32_t offset = FLOW_SET_HEADER;
	enum flow_read read;
	while ((read = flow_next_template(message, set, &offset, &seen)) == FLOW_READ) {
		if (records->learnt++ == LEARNT_MAX) {
			records->is_unknown = 1;
			return;
		}
		learn(records, &seen);
	}
	records->is_unknown |= read == FLOW_MALFORMED;
}

/* The length of a record with fields of variable length (RFC 7011, section 7); 0: it does not fit.
 */
static uint32_t measure(const struct notes_template *template, const uint8_t *at, uint32_t left)
{
	uint32_t length = 0;
	for (uint32_t i = 0; i < template->variable; i++) {
		length += template->fixed[i];
		if (left < length + 1)
			return 0;
		uint32_t bytes = at[length++];
		if (bytes == 255) {
			if (left < length + 2)
				return 0;
			bytes = flow_u16(at + length);
			length += 2;
		}
		length += bytes;
	}
	length += template->fixed[template->variable];
	return length <= left ? length : 0;
}

static void count_variable(struct records *records, const struct notes_template *template,
			   const uint8_t *at, uint32_t left)
{
	uint32_t shortest = template->variable;
	for (uint32_t i = 0; i <= template->variable; i++)
		shortest += template->fixed[i];
	for (uint32_t i = 0; left >= shortest; i++) {
		uint32_t bytes = measure(template, at, left);
		/* Padding is shorter than any record, but some exporters think otherwise. */
		if (bytes == 0)
			return;
		if (i == FOLLOWED_MAX) {
			records->is_unknown = 1;
			return;
		}
		records->count++;
		at += bytes;
		left -= bytes;
	}
}

static void count_set(struct records *records, const struct flow_set *set)
{
	struct notes_template *place = NULL;
	struct notes_template *template = find(records, set->id, &place);
	if (template == NULL || template->variable > VARIABLE_MAX) {
		records->is_unknown = 1;
		return;
	}
	template->last_s = records->now_s;
	uint32_t left = set->length - FLOW_SET_HEADER;
	if (template->variable > 0)
		count_variable(records, template, set->at + FLOW_SET_HEADER, left);
	else if (template->fixed[0] > 0)
		records->count += left / template->fixed[0];
	else
		records->is_unknown = 1;
}

/* What may come behind the message is none of it. */
static enum flow_read open_message(struct flow_message *message, const struct notes_packet *packet)
{
	uint32_t length = packet->length < FLOW_IPFIX_HEADER ? 0 : flow_u16(packet->payload + 2);
	if (packet->is_truncated || length > packet->length)
		return FLOW_MALFORMED;
	return flow_open(message, packet->payload, length);
}

uint32_t notes_count_records(struct notes *notes, const struct notes_packet *packet,
			     const struct notes_number *number, uint32_t now_s)
{
	struct records records = {
		.notes = notes,
		.session = number->session,
		.at = packet->has_rule ? 0 : NOTES_TEMPLATES,
		.rows = packet->has_rule ? NOTES_TEMPLATES : NOTES_STRANGE_TEMPLATES,
		.now_s = now_s,
	};
	struct flow_message message;
	if (open_message(&message, packet) != FLOW_READ)
		return NOTES_RECORDS_UNKNOWN;
	uint32_t offset = message.header;
	struct flow_set set;
	while (flow_next_set(&message, &offset, &set) == FLOW_READ) {
		if (set.kind == FLOW_SET_TEMPLATES || set.kind == FLOW_SET_OPTIONS_TEMPLATES)
			learn_set(&records, &message, &set);
		else if (set.kind == FLOW_SET_DATA)
			count_set(&records, &set);
	}
	/* All of it is sets. */
	int is_whole = offset == message.length && !records.is_unknown;
	return is_whole ? records.count : NOTES_RECORDS_UNKNOWN;
}
