#include <stdlib.h>
#include <string.h>

#include "templates_room.h"

/* What the allocator adds to each record. */
#define RECORD_COST 16u

/* Where a record of this id is, or would be. */
static uint32_t place_of(const struct template_session *session, uint16_t id)
{
	uint32_t first = 0;
	uint32_t end = session->record_count;
	while (first < end) {
		uint32_t middle = (first + end) / 2;
		if (session->records[middle].id < id)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static int has_record(const struct template_session *session, uint32_t place, uint16_t id)
{
	return place < session->record_count && session->records[place].id == id;
}

static void find_options(struct template_session *session)
{
	session->options = 0;
	for (uint32_t i = 0; i < session->record_count; i++) {
		if (session->records[i].is_options)
			session->options |= (uint64_t)1 << session->records[i].id % 64;
	}
}

static void forget(struct templates *templates, struct template_session *session, uint32_t place)
{
	struct template_record *record = &session->records[place];
	int is_options = record->is_options;
	free(record->at);
	templates_give_back(templates, session, record->length + RECORD_COST);
	session->record_count--;
	memmove(record, record + 1, (session->record_count - place) * sizeof(*record));
	if (is_options)
		find_options(session);
}

static void withdraw(struct templates *templates, struct template_session *session,
		     const struct flow_template *seen)
{
	if (seen->id >= FLOW_TEMPLATE_ID_MIN) {
		uint32_t place = place_of(session, seen->id);
		if (has_record(session, place, seen->id))
			forget(templates, session, place);
		return;
	}
	for (uint32_t i = session->record_count; i-- > 0;) {
		if (session->records[i].is_options == seen->is_options)
			forget(templates, session, i);
	}
}

static int is_same(const struct template_record *record, const struct flow_template *seen)
{
	return record->length == seen->length && record->is_options == seen->is_options &&
	       memcmp(record->at, seen->at, seen->length) == 0;
}

/* Puts a record that is not there at its place. */
static int insert(struct templates *templates, struct template_session *session, uint32_t place,
		  const struct flow_template *seen)
{
	if (session->record_count >= TEMPLATES_SESSION_MAX)
		return 0;
	if (session->record_count == session->record_room) {
		void *records = templates_grow(templates, session, session->records,
					       &session->record_room, sizeof(*session->records));
		if (records == NULL)
			return 0;
		session->records = records;
	}
	if (!templates_take_bytes(templates, session, seen->length + RECORD_COST))
		return 0;
	uint8_t *bytes = malloc(seen->length);
	if (bytes == NULL) {
		templates_give_back(templates, session, seen->length + RECORD_COST);
		return 0;
	}
	memcpy(bytes, seen->at, seen->length);
	struct template_record *record = &session->records[place];
	memmove(record + 1, record, (session->record_count - place) * sizeof(*record));
	session->record_count++;
	*record = (struct template_record){
		.at = bytes,
		.data_length = seen->data_length,
		.length = (uint16_t)seen->length,
		.id = seen->id,
		.is_options = seen->is_options,
	};
	return 1;
}

int templates_learn(struct templates *templates, struct template_session *session,
		    const struct flow_template *seen)
{
	if (seen->is_withdrawal) {
		withdraw(templates, session, seen);
		return 1;
	}
	uint32_t place = place_of(session, seen->id);
	if (has_record(session, place, seen->id)) {
		if (is_same(&session->records[place], seen))
			return 1;
		forget(templates, session, place);
	}
	if (!insert(templates, session, place, seen))
		return 0;
	session->revision++;
	session->revision += session->revision == 0;
	if (seen->is_options)
		session->options |= (uint64_t)1 << seen->id % 64;
	return 1;
}

const struct template_record *templates_options(const struct template_session *session, uint16_t id)
{
	if ((session->options >> id % 64 & 1) == 0)
		return NULL;
	uint32_t place = place_of(session, id);
	if (!has_record(session, place, id) || !session->records[place].is_options)
		return NULL;
	return &session->records[place];
}
