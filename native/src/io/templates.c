#include "templates_room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* When there is no room, so many sessions are looked at for what can be forgotten. */
#define SWEEP 16u

int templates_init(struct templates *templates, uint32_t sets)
{
	*templates = (struct templates){.sets = sets};
	if (getrandom(templates->keys, sizeof(templates->keys), 0) < 0)
		return -errno;
	templates->sessions = calloc((size_t)sets * TEMPLATES_WAYS, sizeof(*templates->sessions));
	return templates->sessions == NULL ? -ENOMEM : 0;
}

/* Forgets a session. */
static void clear(struct templates *templates, struct template_session *session)
{
	for (uint32_t i = 0; i < session->record_count; i++)
		free(session->records[i].at);
	free(session->records);
	free(session->holders);
	templates->bytes -= session->bytes;
	*session = (struct template_session){0};
}

void templates_deinit(struct templates *templates)
{
	if (templates->sessions == NULL)
		return;
	for (uint32_t i = 0; i < templates->sets * TEMPLATES_WAYS; i++)
		clear(templates, &templates->sessions[i]);
	free(templates->sessions);
	templates->sessions = NULL;
}

/* Nobody outside knows the keys: sessions cannot be made up for one set. */
static struct template_session *set_of(const struct templates *templates,
				       const struct template_source *source,
				       const struct flow_message *message)
{
	uint64_t halves[2];
	memcpy(halves, source->address, sizeof(halves));
	uint64_t rest =
		(uint64_t)message->domain << 32 | (uint64_t)source->port << 16 | message->version;
	uint64_t mixed = halves[0] ^ templates->keys[0];
	mixed = (mixed ^ mixed >> 33) * 0xff51afd7ed558ccdu ^ halves[1] ^ templates->keys[1];
	mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53u ^ rest;
	mixed = (mixed ^ mixed >> 33) * 0xff51afd7ed558ccdu;
	mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53u;
	return &templates->sessions[(mixed >> 32) % templates->sets * TEMPLATES_WAYS];
}

static int is_of(const struct template_session *session, const struct template_source *source,
		 const struct flow_message *message)
{
	return session->version == message->version && session->domain == message->domain &&
	       session->port == source->port && memcmp(session->address, source->address, 16) == 0;
}

static struct template_session *find_in(struct template_session *set,
					const struct template_source *source,
					const struct flow_message *message)
{
	for (uint32_t i = 0; i < TEMPLATES_WAYS; i++) {
		if (!is_of(&set[i], source, message))
			continue;
		set[i].last_s = source->now_s;
		return &set[i];
	}
	return NULL;
}

struct template_session *templates_find(struct templates *templates,
					const struct template_source *source,
					const struct flow_message *message)
{
	return find_in(set_of(templates, source, message), source, message);
}

static int may_go(const struct template_session *session, uint32_t now_s)
{
	return session->last_s - session->first_s < TEMPLATES_STRANGER_S ||
	       now_s - session->last_s >= TEMPLATES_SILENT_S;
}

/* A free one, else of those that may go the one that was heard of longest ago. */
static struct template_session *place_in(struct template_session *set, uint32_t now_s)
{
	struct template_session *oldest = NULL;
	for (uint32_t i = 0; i < TEMPLATES_WAYS; i++) {
		if (set[i].version == 0)
			return &set[i];
		if (may_go(&set[i], now_s) && (oldest == NULL || set[i].last_s < oldest->last_s))
			oldest = &set[i];
	}
	return oldest;
}

struct template_session *templates_open(struct templates *templates,
					const struct template_source *source,
					const struct flow_message *message)
{
	struct template_session *set = set_of(templates, source, message);
	struct template_session *session = find_in(set, source, message);
	if (session != NULL)
		return session;
	session = place_in(set, source->now_s);
	if (session == NULL)
		return NULL;
	clear(templates, session);
	*session = (struct template_session){
		.domain = message->domain,
		.port = source->port,
		.version = message->version,
		.first_s = source->now_s,
		.last_s = source->now_s,
		.revision = 1,
	};
	memcpy(session->address, source->address, sizeof(session->address));
	return session;
}

/* Makes room among all sessions. Returns whether there is. */
static int make_room(struct templates *templates, const struct template_session *session,
		     uint32_t bytes)
{
	for (uint32_t i = 0; i < SWEEP && templates->bytes + bytes > TEMPLATES_BYTES_MAX; i++) {
		struct template_session *other = &templates->sessions[templates->hand];
		templates->hand = (templates->hand + 1) % (templates->sets * TEMPLATES_WAYS);
		if (other != session && other->version != 0 && may_go(other, session->last_s))
			clear(templates, other);
	}
	return templates->bytes + bytes <= TEMPLATES_BYTES_MAX;
}

int templates_take_bytes(struct templates *templates, struct template_session *session,
			 uint32_t bytes)
{
	if (session->bytes + bytes > TEMPLATES_SESSION_BYTES_MAX ||
	    !make_room(templates, session, bytes))
		return 0;
	session->bytes += bytes;
	templates->bytes += bytes;
	return 1;
}

void templates_give_back(struct templates *templates, struct template_session *session,
			 uint32_t bytes)
{
	session->bytes -= bytes;
	templates->bytes -= bytes;
}

void *templates_grow(struct templates *templates, struct template_session *session, void *array,
		     uint16_t *room, uint32_t size)
{
	uint32_t more = *room == 0 ? 4 : *room;
	if (!templates_take_bytes(templates, session, more * size))
		return NULL;
	void *larger = realloc(array, (size_t)(*room + more) * size);
	if (larger == NULL) {
		templates_give_back(templates, session, more * size);
		return NULL;
	}
	*room = (uint16_t)(*room + more);
	return larger;
}
