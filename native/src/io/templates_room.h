/* Memory of templates, of which there is so much for each session and for all together. */
#ifndef PIO_TEMPLATES_ROOM_H
#define PIO_TEMPLATES_ROOM_H

#include "templates.h"

/* Whether a session may have so many bytes more; they are its own from then on. */
int templates_take_bytes(struct templates *templates, struct template_session *session,
			 uint32_t bytes);
void templates_give_back(struct templates *templates, struct template_session *session,
			 uint32_t bytes);

/* An array with twice the room. NULL when there is none: then it is as it was. */
void *templates_grow(struct templates *templates, struct template_session *session, void *array,
		     uint16_t *room, uint32_t size);

#endif
