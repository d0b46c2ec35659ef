#include <stddef.h>

#include "templates_room.h"

/* No rule has more collectors. */
#define HOLDERS_MAX 2048u

struct template_holder *templates_holder(struct template_session *session, uint32_t slot)
{
	if (session->hint < session->holder_count && session->holders[session->hint].slot == slot)
		return &session->holders[session->hint];
	for (uint32_t i = 0; i < session->holder_count; i++) {
		if (session->holders[i].slot != slot)
			continue;
		session->hint = i;
		return &session->holders[i];
	}
	return NULL;
}

int template_holder_is_present(const struct template_session *session,
			       const struct template_holder *holder)
{
	return holder->generation == session->generation || holder->generation == session->previous;
}

/* That of a collector which has gone, or one behind the others. */
static struct template_holder *free_holder(struct templates *templates,
					   struct template_session *session)
{
	if (session->holder_count < session->holder_room)
		return &session->holders[session->holder_count++];
	for (uint32_t i = 0; i < session->holder_count; i++) {
		if (!template_holder_is_present(session, &session->holders[i]))
			return &session->holders[i];
	}
	if (session->holder_count >= HOLDERS_MAX)
		return NULL;
	void *holders = templates_grow(templates, session, session->holders, &session->holder_room,
				       sizeof(*session->holders));
	if (holders == NULL)
		return NULL;
	session->holders = holders;
	return &session->holders[session->holder_count++];
}

struct template_holder *templates_add_holder(struct templates *templates,
					     struct template_session *session, uint32_t slot)
{
	struct template_holder *holder = free_holder(templates, session);
	if (holder == NULL)
		return NULL;
	*holder = (struct template_holder){.slot = slot};
	return holder;
}
