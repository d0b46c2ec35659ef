#include "template_messages.h"

#include <string.h>

/* Where headers have what changes. */
#define COUNT_AT 2u /* in v9; in IPFIX it is the length */
#define V9_SEQUENCE_AT 12u

/* Writes a header for a message of so many records and bytes. */
static void write_header(const struct flow_message *message, uint8_t *to, uint32_t records,
			 uint32_t length)
{
	memcpy(to, message->at, message->header);
	flow_put_u16(to + COUNT_AT, message->version == FLOW_V9 ? records : length);
}

static uint32_t count_templates(const struct flow_message *message, const struct flow_set *set)
{
	struct flow_template seen;
	uint32_t offset = FLOW_SET_HEADER;
	uint32_t count = 0;
	while (flow_next_template(message, set, &offset, &seen) == FLOW_READ)
		count++;
	return count;
}

static int is_of_templates(const struct flow_set *set)
{
	return set->kind == FLOW_SET_TEMPLATES || set->kind == FLOW_SET_OPTIONS_TEMPLATES;
}

/* The record that describes a set of options data, or NULL when it is something else. */
static const struct template_record *options_of(const struct template_look *look,
						const struct flow_set *set)
{
	if (set->kind != FLOW_SET_DATA || look->session == NULL)
		return NULL;
	return templates_options(look->session, set->id);
}

uint32_t templates_strip(const struct template_look *look, uint8_t *to)
{
	const struct flow_message *message = &look->message;
	uint32_t offset = message->header;
	uint32_t length = message->header;
	uint32_t records = 0;
	struct flow_set set;
	while (flow_next_set(message, &offset, &set) == FLOW_READ) {
		const struct template_record *options = options_of(look, &set);
		if (is_of_templates(&set))
			records += count_templates(message, &set);
		else if (options == NULL)
			continue;
		else if (options->data_length > 0)
			records += (set.length - FLOW_SET_HEADER) / options->data_length;
		memcpy(to + length, set.at, set.length);
		length += set.length;
	}
	write_header(message, to, records, length);
	return length;
}

static uint32_t padded(uint32_t bytes)
{
	return (bytes + 3) / 4 * 4;
}

/* A message that is being written. */
struct writer {
	const struct template_look *look;
	uint8_t *to; /* NULL: it is only measured */
	uint32_t room;
	uint32_t length;
	uint32_t set; /* where the last set begins; 0 = there is none */
	uint32_t records;
	uint8_t is_options; /* the last set is of options templates */
};

static struct writer writer_of(const struct template_look *look, uint8_t *to, uint32_t room)
{
	return (struct writer){
		.look = look,
		.to = to,
		.room = room,
		.length = look->message.header,
	};
}

static void close_set(struct writer *writer)
{
	uint32_t length = padded(writer->length);
	if (writer->to != NULL && writer->set > 0) {
		memset(writer->to + writer->length, 0, length - writer->length);
		uint32_t id = writer->look->message.version == FLOW_V9 ? 0 : 2;
		flow_put_u16(writer->to + writer->set, id + writer->is_options);
		flow_put_u16(writer->to + writer->set + 2, length - writer->set);
	}
	writer->length = length;
}

/* Returns 0 when there is no room for it. */
static int add_record(struct writer *writer, const struct template_record *record)
{
	int has_set = writer->set > 0 && writer->is_options == record->is_options;
	uint32_t at = has_set ? writer->length : padded(writer->length) + FLOW_SET_HEADER;
	if (padded(at + record->length) > writer->room)
		return 0;
	if (!has_set) {
		close_set(writer);
		writer->set = at - FLOW_SET_HEADER;
		writer->is_options = record->is_options;
	}
	if (writer->to != NULL)
		memcpy(writer->to + at, record->at, record->length);
	writer->length = at + record->length;
	writer->records++;
	return 1;
}

/* Adds records from *next on, and leaves out those that no message has room for. */
static void add_records(struct writer *writer, uint32_t *next)
{
	const struct template_session *session = writer->look->session;
	uint32_t most = writer->room - writer->look->message.header - FLOW_SET_HEADER;
	for (; *next < session->record_count; (*next)++) {
		const struct template_record *record = &session->records[*next];
		if (padded(record->length) <= most && !add_record(writer, record))
			return;
	}
}

uint32_t templates_count_messages(const struct template_look *look, uint32_t room)
{
	uint32_t next = 0;
	for (uint32_t count = 0;; count++) {
		struct writer writer = writer_of(look, NULL, room);
		add_records(&writer, &next);
		if (writer.records == 0)
			return count;
	}
}

uint32_t templates_write_message(const struct template_look *look, uint32_t *next, uint32_t left,
				 uint8_t *to, uint32_t room)
{
	struct writer writer = writer_of(look, to, room);
	add_records(&writer, next);
	if (writer.records == 0)
		return 0;
	close_set(&writer);
	const struct flow_message *message = &look->message;
	write_header(message, to, writer.records, writer.length);
	if (message->version == FLOW_V9)
		flow_put_u32(to + V9_SEQUENCE_AT,
			     flow_u32(message->at + V9_SEQUENCE_AT) - left - 1);
	return writer.length;
}
