/*
 * What is looked at in NetFlow v9 (RFC 3954) and IPFIX (RFC 7011) messages: headers, sets, and the
 * records of template sets. Pure functions over bytes, for anything that comes from a network: they
 * read nothing outside the message, and each call goes forward.
 */
#ifndef FLOW_MESSAGE_H
#define FLOW_MESSAGE_H

#include <stdint.h>

#define FLOW_V9 9u
#define FLOW_IPFIX 10u
#define FLOW_V9_HEADER 20u
#define FLOW_IPFIX_HEADER 16u
#define FLOW_SET_HEADER 4u

/* Of fields in templates: four bytes, and those of an enterprise where this bit says so (IPFIX). */
#define FLOW_ENTERPRISE_BIT 0x8000u
#define FLOW_VARIABLE_LENGTH 0xffffu

/* Templates of lower ids there are none. */
#define FLOW_TEMPLATE_ID_MIN 256u

/* No exporter puts more sets into one message. */
#define FLOW_SETS_MAX 1024u

struct flow_message {
	const uint8_t *at;
	uint32_t length;
	uint32_t header; /* bytes of it */
	uint32_t domain; /* observation domain, in v9 source id */
	uint16_t version;
};

enum flow_set_kind {
	FLOW_SET_TEMPLATES,
	FLOW_SET_OPTIONS_TEMPLATES,
	FLOW_SET_DATA,
	FLOW_SET_RESERVED /* nobody knows what is in it */
};

struct flow_set {
	const uint8_t *at; /* its header */
	uint32_t length;   /* with it */
	uint16_t id;
	enum flow_set_kind kind;
};

/* A record of a template set, as it lies there. */
struct flow_template {
	const uint8_t *at;
	uint32_t length;
	uint32_t data_length; /* of one data record; 0 when fields have variable length */
	uint16_t id;	      /* in a withdrawal of all: that of the set */
	uint8_t is_options;
	uint8_t is_withdrawal; /* it has no fields */
};

enum flow_read { FLOW_END = 0, FLOW_READ = 1, FLOW_MALFORMED = -1 };

/* FLOW_END: it is of another protocol. Its first two bytes decide. */
enum flow_read flow_open(struct flow_message *message, const uint8_t *payload, uint32_t length);

/* The set at *offset, which is message->header at first; moves *offset behind it. */
enum flow_read flow_next_set(const struct flow_message *message, uint32_t *offset,
			     struct flow_set *set);

/* The template at *offset of a set of templates, FLOW_SET_HEADER at first; moves *offset. */
enum flow_read flow_next_template(const struct flow_message *message, const struct flow_set *set,
				  uint32_t *offset, struct flow_template *seen);

static inline uint16_t flow_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t flow_u32(const uint8_t *at)
{
	return (uint32_t)flow_u16(at) << 16 | flow_u16(at + 2);
}

static inline void flow_put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void flow_put_u32(uint8_t *at, uint32_t value)
{
	flow_put_u16(at, value >> 16);
	flow_put_u16(at + 2, value);
}

#endif
