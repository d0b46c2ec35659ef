/*
 * Messages with the templates of an exporter: what is left of one of its own without data sets, and
 * those that tell all that is known. Headers are those of the message that came, so that nobody who
 * gets them believes that anything was lost or came twice.
 */
#ifndef PIO_TEMPLATE_MESSAGES_H
#define PIO_TEMPLATE_MESSAGES_H

#include "templates.h"

/* With headers it fits the least MTU of IPv6, 1280. */
#define TEMPLATE_MESSAGE_BYTES 1232u
#define TEMPLATE_ROOM_MIN 64u

enum template_verdict {
	TEMPLATES_NONE,	 /* another protocol, or nothing but data of flows */
	TEMPLATES_WHOLE, /* templates, and options data at most */
	TEMPLATES_MIXED, /* data of flows besides */
	TEMPLATES_UNREADABLE
};

/* What there is to know of a message. */
struct template_look {
	enum template_verdict verdict;
	struct flow_message message;	  /* when the verdict is not TEMPLATES_UNREADABLE */
	struct template_session *session; /* NULL when none is known */
	uint32_t revision_before;	  /* of the session, before this message; 0 = it is new */
	uint32_t unkept;		  /* records that there was no room for */
};

/* Looks at a payload, and learns what it announces: nothing of one that cannot be read. */
struct template_look templates_look(struct templates *templates,
				    const struct template_source *source, const uint8_t *payload,
				    uint32_t length);

/*
 * Writes a message that is TEMPLATES_MIXED without its data sets but those of options: templates,
 * options templates, options data. Counts and lengths are mended; the sequence number stays.
 * Returns how many bytes it has: less than it had.
 */
uint32_t templates_strip(const struct template_look *look, uint8_t *to);

/*
 * How many messages of at most `room` bytes, at least TEMPLATE_ROOM_MIN, tell all records of the
 * session. One that does not fit into any is left out.
 */
uint32_t templates_count_messages(const struct template_look *look, uint32_t room);

/*
 * Writes the next of these messages, from record *next on, and moves *next. left: how many come
 * after it. Sequence numbers of v9 count messages: these have the ones before that of the message
 * that was looked at. Returns how many bytes it has, or 0 when there are no more.
 */
uint32_t templates_write_message(const struct template_look *look, uint32_t *next, uint32_t left,
				 uint8_t *to, uint32_t room);

#endif
