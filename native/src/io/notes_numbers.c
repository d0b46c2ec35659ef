/*
 * Numbers in the headers of NetFlow v5 (Cisco), v9 (RFC 3954), IPFIX (RFC 7011) and sFlow v5
 * (sflow.org).
 */
#include <string.h>

#include "notes_rows.h"

#define NETFLOW_V5_BYTES 24u
#define NETFLOW_V9_BYTES 20u
#define IPFIX_BYTES 16u
#define SFLOW_BYTES 28u /* with an IPv4 agent */
#define SFLOW_IPV4 1u
#define SFLOW_IPV6 2u

static uint32_t u16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t u32(const uint8_t *at)
{
	return u16(at) << 16 | u16(at + 2);
}

static void read_netflow_v5(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < NETFLOW_V5_BYTES)
		return;
	number->protocol = NOTES_NETFLOW_V5;
	number->records = u16(payload + 2);
	number->uptime_ms = u32(payload + 4);
	number->sequence = u32(payload + 16);
	number->domain = u16(payload + 20); /* type and id of the engine */
}

static void read_netflow_v9(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < NETFLOW_V9_BYTES)
		return;
	number->protocol = NOTES_NETFLOW_V9;
	number->records = u16(payload + 2);
	number->uptime_ms = u32(payload + 4);
	number->sequence = u32(payload + 12);
	number->domain = u32(payload + 16);
}

/* How many records it has, its templates say. */
static void read_ipfix(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < IPFIX_BYTES)
		return;
	number->protocol = NOTES_IPFIX;
	number->sequence = u32(payload + 8);
	number->domain = u32(payload + 12);
}

static void read_sflow(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < SFLOW_BYTES)
		return;
	uint32_t type = u32(payload + 4);
	uint32_t agent_bytes = type == SFLOW_IPV6 ? 16 : 4;
	const uint8_t *rest = payload + 8 + agent_bytes;
	if ((type != SFLOW_IPV4 && type != SFLOW_IPV6) || length < 8 + agent_bytes + 16)
		return;
	uint64_t agent[2] = {0, 0};
	memcpy(agent, payload + 8, agent_bytes);
	uint64_t mixed = (agent[0] ^ agent[1] * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	number->protocol = NOTES_SFLOW_V5;
	number->domain = (uint32_t)(mixed >> 32) ^ u32(rest) * 0x9e3779b1u;
	number->sequence = u32(rest + 4);
	number->uptime_ms = u32(rest + 8);
}

static void read_header(struct notes_number *number, const uint8_t *payload, uint32_t length)
{
	if (length < 4)
		return;
	switch (u16(payload)) {
	case 0:
		if (u16(payload + 2) == 5)
			read_sflow(number, payload, length);
		return;
	case 5:
		read_netflow_v5(number, payload, length);
		return;
	case 9:
		read_netflow_v9(number, payload, length);
		return;
	case 10:
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
	uint64_t both = notes_hash_domain(notes, hash, number->domain);
	number->hash = (uint32_t)(both ^ both >> 32) + number->protocol;
	uint32_t row = has_rule ? notes_row_of(NOTES_SEQUENCES_AT, NOTES_SEQUENCES, number->hash, 0)
				: notes_row_of(NOTES_STRANGE_SEQUENCES_AT, NOTES_STRANGE_SEQUENCES,
					       number->hash, 0);
	__builtin_prefetch(&notes->rows[row], 1);
}
