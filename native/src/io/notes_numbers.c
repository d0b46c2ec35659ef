/*
 * Numbers in the headers of NetFlow v5 (Cisco), v9 (RFC 3954), IPFIX (RFC 7011) and sFlow v5
 * (sflow.org).
 */
#include <string.h>

#include "flow_message.h"
#include "notes_rows.h"

#define NETFLOW_V5_BYTES 24u
#define SFLOW_BYTES 28u /* with an IPv4 agent */
#define SFLOW_IPV4 1u
#define SFLOW_IPV6 2u

static void read_netflow_v5(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < NETFLOW_V5_BYTES)
		return;
	number->protocol = NOTES_NETFLOW_V5;
	number->records = flow_u16(payload + 2);
	number->uptime_ms = flow_u32(payload + 4);
	number->sequence = flow_u32(payload + 16);
	number->domain = flow_u16(payload + 20); /* type and id of the engine */
}

static void read_netflow_v9(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < FLOW_V9_HEADER)
		return;
	number->protocol = NOTES_NETFLOW_V9;
	number->records = flow_u16(payload + 2);
	number->uptime_ms = flow_u32(payload + 4);
	number->sequence = flow_u32(payload + 12);
	number->domain = flow_u32(payload + 16);
}

/* How many records it has, its templates say. */
static void read_ipfix(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < FLOW_IPFIX_HEADER)
		return;
	number->protocol = NOTES_IPFIX;
	number->sequence = flow_u32(payload + 8);
	number->domain = flow_u32(payload + 12);
}

static void read_sflow(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < SFLOW_BYTES)
		return;
	uint32_t type = flow_u32(payload + 4);
	uint32_t agent_bytes = type == SFLOW_IPV6 ? 16 : 4;
	const uint8_t *rest = payload + 8 + agent_bytes;
	if ((type != SFLOW_IPV4 && type != SFLOW_IPV6) || length < 8 + agent_bytes + 16)
		return;
	uint64_t agent[2] = {0, 0};
	memcpy(agent, payload + 8, agent_bytes);
	uint64_t mixed = (agent[0] ^ agent[1] * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	number->protocol = NOTES_SFLOW_V5;
	number->domain = (uint32_t)(mixed >> 32) ^ flow_u32(rest) * 0x9e3779b1u;
	number->sequence = flow_u32(rest + 4);
	number->uptime_ms = flow_u32(rest + 8);
}

static void read_header(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	switch (notes_protocol_of(payload, length)) {
	case NOTES_SFLOW_V5:
		read_sflow(number, payload, length);
		return;
	case NOTES_NETFLOW_V5:
		read_netflow_v5(number, payload, length);
		return;
	case NOTES_NETFLOW_V9:
		read_netflow_v9(number, payload, length);
		return;
	case NOTES_IPFIX:
		read_ipfix(number, payload, length);
		return;
	default:
		return;
	}
}

void notes_read_number(const struct notes *notes, struct notes_number *number, uint32_t hash,
		       const uint8_t *payload, uint32_t length, int has_rule)
{
	*number = (struct notes_number){.records = NOTES_RECORDS_UNKNOWN};
	read_header(number, payload, length);
	if (number->protocol == 0)
		return;
	notes_hash_number(notes, hash, number);
	__builtin_prefetch(&notes->rows[notes_sequence_row(has_rule, number->hash, 0)], 1);
}
