/* How many data records a message of IPFIX has (RFC 7011), which only its templates say. */
#include <string.h>

#include "notes_rows.h"

#define HEADER_BYTES 16u
#define SET_HEADER_BYTES 4u
#define TEMPLATES 2u
#define OPTIONS_TEMPLATES 3u
#define FIRST_DATA 256u
#define VARIABLE 65535u
#define ENTERPRISE 0x8000u
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

static uint32_t u16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

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

/* Reads a template into *made. Returns its bytes; 0 when it does not end in the set. */
static uint32_t read_template(struct notes_template *made, const uint8_t *at, uint32_t left,
			      uint32_t header_bytes)
{
	uint32_t fields = u16(at + 2);
	uint32_t offset = header_bytes;
	uint32_t fixed = 0;
	made->id = (uint16_t)u16(at);
	for (uint32_t i = 0; i < fields; i++) {
		if (left < offset + 4)
			return 0;
		uint32_t bytes = u16(at + offset + 2);
		offset += (u16(at + offset) & ENTERPRISE) != 0 ? 8 : 4;
		if (bytes != VARIABLE) {
			fixed += bytes;
			continue;
		}
		/* With more of them, how long records are is not known. */
		if (made->variable >= VARIABLE_MAX || fixed > UINT16_MAX) {
			made->variable = VARIABLE_MAX + 1;
			continue;
		}
		made->fixed[made->variable++] = (uint16_t)fixed;
		fixed = 0;
	}
	if (fixed > UINT16_MAX)
		made->variable = VARIABLE_MAX + 1;
	if (made->variable <= VARIABLE_MAX)
		made->fixed[made->variable] = (uint16_t)fixed;
	return offset <= left ? offset : 0;
}

static void learn(struct records *records, const struct notes_template *made)
{
	struct notes_template *place = NULL;
	struct notes_template *row = find(records, made->id, &place);
	if (row == NULL)
		row = place;
	*row = *made;
	row->session = records->session;
	row->last_s = records->now_s;
}

static void learn_set(struct records *records, const uint8_t *set, uint32_t length, int is_options)
{
	uint32_t offset = SET_HEADER_BYTES;
	/* Less is padding. */
	while (length - offset >= 4) {
		if (records->learnt++ == LEARNT_MAX) {
			records->is_unknown = 1;
			return;
		}
		struct notes_template made = {0};
		const uint8_t *at = set + offset;
		int is_withdrawal = u16(at + 2) == 0;
		uint32_t header_bytes = is_options && !is_withdrawal ? 6 : 4;
		uint32_t bytes = length - offset < header_bytes
					 ? 0
					 : read_template(&made, at, length - offset, header_bytes);
		if (bytes == 0 || made.id < FIRST_DATA) {
			/* Padding may be longer than it should, but it is zero. */
			records->is_unknown |= made.id != 0;
			return;
		}
		struct notes_template *place = NULL;
		struct notes_template *known =
			is_withdrawal ? find(records, made.id, &place) : NULL;
		if (known != NULL)
			memset(known, 0, sizeof(*known));
		else if (!is_withdrawal)
			learn(records, &made);
		offset += bytes;
	}
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
			bytes = u16(at + length);
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

static void count_set(struct records *records, const uint8_t *set, uint32_t length)
{
	struct notes_template *place = NULL;
	struct notes_template *template = find(records, u16(set), &place);
	if (template == NULL || template->variable > VARIABLE_MAX) {
		records->is_unknown = 1;
		return;
	}
	template->last_s = records->now_s;
	uint32_t left = length - SET_HEADER_BYTES;
	if (template->variable > 0)
		count_variable(records, template, set + SET_HEADER_BYTES, left);
	else if (template->fixed[0] > 0)
		records->count += left / template->fixed[0];
	else
		records->is_unknown = 1;
}

uint32_t notes_count_records(struct notes *notes, const struct notes_packet *packet,
			     const struct notes_number *number, uint32_t now_s)
{
	const uint8_t *payload = packet->payload;
	uint32_t length = packet->is_truncated ? 0 : packet->length;
	struct records records = {
		.notes = notes,
		.session = number->session,
		.at = packet->has_rule ? 0 : NOTES_TEMPLATES,
		.rows = packet->has_rule ? NOTES_TEMPLATES : NOTES_STRANGE_TEMPLATES,
		.now_s = now_s,
	};
	uint32_t message = length < HEADER_BYTES ? 0 : u16(payload + 2);
	if (message < HEADER_BYTES || message > length)
		return NOTES_RECORDS_UNKNOWN;
	for (uint32_t offset = HEADER_BYTES; offset < message;) {
		const uint8_t *set = payload + offset;
		if (message - offset < SET_HEADER_BYTES)
			return NOTES_RECORDS_UNKNOWN;
		uint32_t bytes = u16(set + 2);
		if (bytes < SET_HEADER_BYTES || bytes > message - offset)
			return NOTES_RECORDS_UNKNOWN;
		uint32_t id = u16(set);
		if (id == TEMPLATES || id == OPTIONS_TEMPLATES)
			learn_set(&records, set, bytes, id == OPTIONS_TEMPLATES);
		else if (id >= FIRST_DATA)
			count_set(&records, set, bytes);
		offset += bytes;
	}
	return records.is_unknown ? NOTES_RECORDS_UNKNOWN : records.count;
}
