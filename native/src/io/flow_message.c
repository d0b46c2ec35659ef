#include "flow_message.h"

/* How sets of templates are numbered (RFC 3954 5.2 and 6.1, RFC 7011 3.3.2). */
#define V9_TEMPLATES 0u
#define V9_OPTIONS_TEMPLATES 1u
#define IPFIX_TEMPLATES 2u
#define IPFIX_OPTIONS_TEMPLATES 3u

enum flow_read flow_open(struct flow_message *message, const uint8_t *payload, uint32_t length)
{
	if (length < 2)
		return FLOW_END;
	uint16_t version = flow_u16(payload);
	if (version != FLOW_V9 && version != FLOW_IPFIX)
		return FLOW_END;
	uint32_t header = version == FLOW_V9 ? FLOW_V9_HEADER : FLOW_IPFIX_HEADER;
	if (length < header)
		return FLOW_MALFORMED;
	/* More than the message says, or less, is not for us to explain. */
	if (version == FLOW_IPFIX && flow_u16(payload + 2) != length)
		return FLOW_MALFORMED;
	*message = (struct flow_message){
		.at = payload,
		.length = length,
		.header = header,
		.domain = flow_u32(payload + header - 4),
		.version = version,
	};
	return FLOW_READ;
}

static enum flow_set_kind kind_of(uint16_t version, uint16_t id)
{
	if (id >= FLOW_TEMPLATE_ID_MIN)
		return FLOW_SET_DATA;
	int is_v9 = version == FLOW_V9;
	if (id == (is_v9 ? V9_TEMPLATES : IPFIX_TEMPLATES))
		return FLOW_SET_TEMPLATES;
	if (id == (is_v9 ? V9_OPTIONS_TEMPLATES : IPFIX_OPTIONS_TEMPLATES))
		return FLOW_SET_OPTIONS_TEMPLATES;
	return FLOW_SET_RESERVED;
}

enum flow_read flow_next_set(const struct flow_message *message, uint32_t *offset,
			     struct flow_set *set)
{
	uint32_t left = message->length - *offset;
	/* Some exporters pad the message. */
	if (left < FLOW_SET_HEADER)
		return FLOW_END;
	const uint8_t *at = message->at + *offset;
	uint32_t length = flow_u16(at + 2);
	if (length < FLOW_SET_HEADER || length > left)
		return FLOW_MALFORMED;
	uint16_t id = flow_u16(at);
	*set = (struct flow_set){
		.at = at,
		.length = length,
		.id = id,
		.kind = kind_of(message->version, id),
	};
	*offset += length;
	return FLOW_READ;
}

/* Goes over fields that begin at `at`. Returns whether all of them are within `end`. */
static int read_fields(const uint8_t **at, const uint8_t *end, uint32_t fields, int has_enterprises,
		       uint32_t *data_length)
{
	int is_variable = 0;
	*data_length = 0;
	for (uint32_t i = 0; i < fields; i++) {
		if (end - *at < 4)
			return 0;
		uint32_t length = flow_u16(*at + 2);
		int has_enterprise = has_enterprises && (flow_u16(*at) & FLOW_ENTERPRISE_BIT) != 0;
		*at += 4;
		if (has_enterprise && end - *at < 4)
			return 0;
		*at += has_enterprise ? 4 : 0;
		is_variable |= has_enterprises && length == FLOW_VARIABLE_LENGTH;
		*data_length += length;
	}
	if (is_variable)
		*data_length = 0;
	return 1;
}

/* v9 tells the fields of options templates by the bytes of their specifiers. */
static int read_v9_options(const uint8_t **at, const uint8_t *end, uint32_t *fields,
			   uint32_t *data_length)
{
	if (end - *at < 6)
		return 0;
	uint32_t scopes = flow_u16(*at + 2);
	uint32_t options = flow_u16(*at + 4);
	if (scopes % 4 != 0 || options % 4 != 0)
		return 0;
	*at += 6;
	*fields = (scopes + options) / 4;
	return read_fields(at, end, *fields, 0, data_length);
}

static int read_counted(const uint8_t **at, const uint8_t *end, const struct flow_message *message,
			int is_options, uint32_t *fields, uint32_t *data_length)
{
	int has_enterprises = message->version == FLOW_IPFIX;
	*fields = flow_u16(*at + 2);
	/* A withdrawal has no count of scope fields (RFC 7011 8.1). */
	uint32_t header = is_options && *fields > 0 ? 6 : 4;
	if (end - *at < (int)header)
		return 0;
	*at += header;
	return read_fields(at, end, *fields, has_enterprises, data_length);
}

static int is_zero(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at == 0)
		at++;
	return at == end;
}

enum flow_read flow_next_template(const struct flow_message *message, const struct flow_set *set,
				  uint32_t *offset, struct flow_template *seen)
{
	const uint8_t *start = set->at + *offset;
	const uint8_t *end = set->at + set->length;
	/* Padding is shorter than any record (RFC 7011 3.3.1), but for exporters that have more. */
	if (end - start < 4 || (flow_u16(start) == 0 && is_zero(start, end)))
		return FLOW_END;
	int is_options = set->kind == FLOW_SET_OPTIONS_TEMPLATES;
	const uint8_t *at = start;
	uint32_t fields = 0;
	uint32_t data_length = 0;
	int is_whole = is_options && message->version == FLOW_V9
			       ? read_v9_options(&at, end, &fields, &data_length)
			       : read_counted(&at, end, message, is_options, &fields, &data_length);
	uint16_t id = flow_u16(start);
	int withdraws_all = message->version == FLOW_IPFIX && fields == 0 && id == set->id;
	if (!is_whole || (id < FLOW_TEMPLATE_ID_MIN && !withdraws_all))
		return FLOW_MALFORMED;
	*seen = (struct flow_template){
		.at = start,
		.length = (uint32_t)(at - start),
		.data_length = data_length,
		.id = id,
		.is_options = (uint8_t)is_options,
		.is_withdrawal = fields == 0,
	};
	*offset += seen->length;
	return FLOW_READ;
}
