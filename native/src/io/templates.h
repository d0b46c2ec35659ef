/*
 * The templates that exporters have announced, and which collectors have them. In bounded memory,
 * whatever comes from the network: who makes up exporters or templates pushes out others that were
 * made up, and none that have been here for a while.
 */
#ifndef PIO_TEMPLATES_H
#define PIO_TEMPLATES_H

#include <stdint.h>

#include "flow_message.h"

/* Exporter endpoints and domains: sets of so many, in which one is looked for. */
#define TEMPLATES_WAYS 8u
#define TEMPLATES_SETS 2048u

/* Of all together: records, and collectors that have them. */
#define TEMPLATES_BYTES_MAX (32u << 20)
/* Of one session. */
#define TEMPLATES_SESSION_BYTES_MAX (64u << 10)
#define TEMPLATES_SESSION_MAX 512u
/* So many records of one message are kept: more than fit into 2 KB. */
#define TEMPLATES_MESSAGE_MAX 512u

/* A session that is here for less time gives way to others, and one that was silent for so long. */
#define TEMPLATES_STRANGER_S 60u
#define TEMPLATES_SILENT_S 3600u

/* A record as it came. */
struct template_record {
	uint8_t *at;
	uint32_t data_length; /* 0 when fields have variable length */
	uint16_t length;
	uint16_t id;
	uint8_t is_options;
};

/* A collector that has the templates of a session. */
struct template_holder {
	uint32_t slot;	     /* which one, and of which output: where its copies are counted */
	uint32_t identity;   /* of its address, and of how often it came back */
	uint32_t revision;   /* of the session: what it has */
	uint32_t generation; /* of the forwarding table: when it was looked at */
};

/* An exporter endpoint, version and domain. */
struct template_session {
	uint8_t address[16];
	uint32_t domain;
	uint16_t port;
	uint16_t version; /* 0 = this one is free */
	uint32_t first_s;
	uint32_t last_s;
	uint32_t revision;   /* grows when a record is new or another; never 0 */
	uint32_t generation; /* of the forwarding table at its last message */
	uint32_t previous;   /* of its messages, the generation before */
	uint32_t hint;	     /* the holder found last */
	uint32_t bytes;	     /* of all that it has */
	uint16_t record_count;
	uint16_t record_room;
	uint16_t holder_count;
	uint16_t holder_room;
	uint64_t options;		 /* bit id % 64: there may be such a record of options */
	struct template_record *records; /* [record_room], by id */
	struct template_holder *holders; /* [holder_room] */
};

struct templates {
	struct template_session *sessions; /* [sets * TEMPLATES_WAYS] */
	uint32_t sets;
	uint64_t keys[2]; /* of the hash */
	uint64_t bytes;
	uint32_t hand; /* the next session to look at when there is no room */
};

/* Whose message it is. */
struct template_source {
	const uint8_t *address; /* 16 bytes, network order */
	uint16_t port;
	uint32_t now_s; /* of a clock that never goes back */
};

/* So many sets of sessions. 0 or a negative errno. */
int templates_init(struct templates *templates, uint32_t sets);
void templates_deinit(struct templates *templates);

/* The session of a message, or NULL. */
struct template_session *templates_find(struct templates *templates,
					const struct template_source *source,
					const struct flow_message *message);

/* The same; makes one when there is none, and room for it. NULL when there is none. */
struct template_session *templates_open(struct templates *templates,
					const struct template_source *source,
					const struct flow_message *message);

/* Keeps a record, or forgets it when it is a withdrawal. Returns 0 when there is no room. */
int templates_learn(struct templates *templates, struct template_session *session,
		    const struct flow_template *seen);

/* The record of options of this id, or NULL. */
const struct template_record *templates_options(const struct template_session *session,
						uint16_t id);

/* NULL when it is not known. */
struct template_holder *templates_holder(struct template_session *session, uint32_t slot);

/* Whether its collector was there at the last messages of its session. */
int template_holder_is_present(const struct template_session *session,
			       const struct template_holder *holder);

/* Adds a holder that is not known. NULL when there is no room. */
struct template_holder *templates_add_holder(struct templates *templates,
					     struct template_session *session, uint32_t slot);

#endif
