/* Makes NetFlow v9 and IPFIX messages, field by field. */
#ifndef FLOW_MAKER_H
#define FLOW_MAKER_H

#include <stdint.h>
#include <string.h>

#include "flow_message.h"

struct flow_maker {
	uint8_t bytes[65536];
	uint32_t length;
	uint32_t set; /* where the last one begins */
	uint16_t version;
};

static inline void flow_add_16(struct flow_maker *maker, uint32_t value)
{
	flow_put_u16(maker->bytes + maker->length, value);
	maker->length += 2;
}

static inline void flow_add_32(struct flow_maker *maker, uint32_t value)
{
	flow_put_u32(maker->bytes + maker->length, value);
	maker->length += 4;
}

static inline void flow_begin(struct flow_maker *maker, uint16_t version, uint32_t sequence,
			      uint32_t domain)
{
	maker->length = 0;
	maker->version = version;
	flow_add_16(maker, version);
	flow_add_16(maker, 0);
	if (version == FLOW_V9)
		flow_add_32(maker, 123456); /* uptime */
	flow_add_32(maker, 1700000000);
	flow_add_32(maker, sequence);
	flow_add_32(maker, domain);
}

/* Says how many records there are, or how many bytes. */
static inline void flow_finish(struct flow_maker *maker, uint32_t records)
{
	flow_put_u16(maker->bytes + 2, maker->version == FLOW_V9 ? records : maker->length);
}

static inline void flow_begin_set(struct flow_maker *maker, uint32_t id)
{
	maker->set = maker->length;
	flow_add_16(maker, id);
	flow_add_16(maker, 0);
}

static inline void flow_end_set(struct flow_maker *maker)
{
	while (maker->length % 4 != 0)
		maker->bytes[maker->length++] = 0;
	flow_put_u16(maker->bytes + maker->set + 2, maker->length - maker->set);
}

/* A template of so many fields of 4 bytes, the first of which is `first`. */
static inline void flow_add_template(struct flow_maker *maker, uint32_t id, uint32_t fields,
				     uint32_t first)
{
	flow_add_16(maker, id);
	flow_add_16(maker, fields);
	for (uint32_t i = 0; i < fields; i++) {
		flow_add_16(maker, first + i);
		flow_add_16(maker, 4);
	}
}

/* One of options with a scope and an option of 4 bytes. */
static inline void flow_add_options(struct flow_maker *maker, uint32_t id)
{
	flow_add_16(maker, id);
	flow_add_16(maker, maker->version == FLOW_V9 ? 4 : 2);
	flow_add_16(maker, maker->version == FLOW_V9 ? 4 : 1);
	flow_add_32(maker, 1u << 16 | 4);
	flow_add_32(maker, 34u << 16 | 4);
}

static inline void flow_add_template_set(struct flow_maker *maker, uint32_t id, uint32_t fields,
					 uint32_t first)
{
	flow_begin_set(maker, maker->version == FLOW_V9 ? 0 : 2);
	flow_add_template(maker, id, fields, first);
	flow_end_set(maker);
}

static inline void flow_add_options_set(struct flow_maker *maker, uint32_t id)
{
	flow_begin_set(maker, maker->version == FLOW_V9 ? 1 : 3);
	flow_add_options(maker, id);
	flow_end_set(maker);
}

/* Data of so many bytes, a multiple of 4, all of them `fill`. */
static inline void flow_add_data(struct flow_maker *maker, uint32_t id, uint32_t bytes,
				 uint8_t fill)
{
	flow_begin_set(maker, id);
	memset(maker->bytes + maker->length, fill, bytes);
	maker->length += bytes;
	flow_end_set(maker);
}

#endif
