/* Notes of exporters. */
#include "notes.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "count.h"
#include "notes_rows.h"

int notes_open(struct notes *notes, uint32_t now_s)
{
	if (notes->layout == NOTES_LAYOUT) {
		notes->opened_s = now_s;
		return 0;
	}
	uint64_t key[2];
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -errno;
	/* All zero already, unless another layout was here: then its rows are overwritten. */
	if (notes->layout != 0)
		memset(notes, 0, sizeof(*notes));
	memcpy(notes->key, key, sizeof(key));
	notes->since_s = now_s;
	notes->opened_s = now_s;
	__atomic_store_n(&notes->layout, NOTES_LAYOUT, __ATOMIC_RELEASE);
	return 0;
}

/* A multiplication of 64 by 64 bits, folded: who does not know the key cannot choose hashes. */
uint32_t notes_hash(const struct notes *notes, const uint8_t address[16], uint16_t port)
{
	uint64_t halves[2];
	memcpy(halves, address, sizeof(halves));
	__extension__ typedef unsigned __int128 wide;
	uint64_t second = halves[1] + port * 0x9e3779b97f4a7c15u;
	wide product = (wide)(halves[0] ^ notes->key[0]) * (second ^ notes->key[1]);
	uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);
	return (uint32_t)(folded ^ folded >> 32);
}

void notes_prefetch(const struct notes *notes, uint32_t hash, int has_rule)
{
	uint32_t row = has_rule ? notes_row_of(NOTES_EXPORTERS_AT, NOTES_EXPORTERS, hash, 0)
				: notes_row_of(NOTES_STRANGERS_AT, NOTES_STRANGERS, hash, 0);
	__builtin_prefetch(&notes->rows[row], 1);
}

static int is_exporter(const struct notes_exporter *row, const uint8_t address[16], uint16_t port)
{
	return row->port == port && row->protocols != 0 && (row->changes & 1) == 0 &&
	       memcmp(row->address, address, 16) == 0;
}

/* A clock that was set back makes nobody silent. */
static int is_silent(const struct notes_exporter *row, uint32_t now_s)
{
	return now_s > row->last_s && now_s - row->last_s > NOTES_SILENT_S;
}

/* Whether a row has less right to stay than another: who is silent, then who has sent least. */
static int is_lesser(const struct notes_exporter *row, const struct notes_exporter *other,
		     uint32_t now_s)
{
	int silent = is_silent(row, now_s);
	if (silent != is_silent(other, now_s))
		return silent;
	if (!silent && row->packets != other->packets)
		return row->packets < other->packets;
	return row->last_s < other->last_s;
}

static void give_row(struct notes *notes, struct notes_exporter *row, const uint8_t address[16],
		     uint16_t port, uint32_t now_s)
{
	notes_begin_change(&row->changes);
	memcpy(row->address, address, 16);
	row->port = port;
	row->protocols = 0;
	row->protocol = NOTES_OTHER;
	row->first_s = now_s;
	row->last_s = now_s;
	row->packets = 0;
	row->bytes = 0;
	row->truncated = 0;
	row->lost = 0;
	notes_end_change(&row->changes);
	notes_mark_used(notes, row);
}

/* The row of an exporter, or NULL. *place, unless NULL: the row that it may have then. */
static struct notes_exporter *find_exporter(struct notes *notes, int has_rule,
					    const struct notes_endpoint *exporter, uint32_t hash,
					    uint32_t now_s, struct notes_exporter **place)
{
	uint32_t at = has_rule ? NOTES_EXPORTERS_AT : NOTES_STRANGERS_AT;
	uint32_t count = has_rule ? NOTES_EXPORTERS : NOTES_STRANGERS;
	struct notes_exporter *least = NULL;
	for (uint32_t i = 0; i < NOTES_PROBES; i++) {
		struct notes_exporter *row =
			&notes->rows[notes_row_of(at, count, hash, i)].exporter;
		if (is_exporter(row, exporter->address, exporter->port))
			return row;
		int is_free = row->protocols == 0 || (row->changes & 1) != 0;
		if (is_free || least == NULL || is_lesser(row, least, now_s))
			least = row;
		if (is_free)
			break;
	}
	if (place != NULL)
		*place = least;
	return NULL;
}

struct notes_exporter *notes_take_exporter(struct notes *notes, int has_rule,
					   const struct notes_endpoint *exporter, uint32_t hash,
					   uint32_t now_s)
{
	struct notes_exporter *place = NULL;
	struct notes_exporter *row = find_exporter(notes, has_rule, exporter, hash, now_s, &place);
	if (row != NULL)
		return row;
	if (place->protocols != 0 && (place->changes & 1) == 0)
		pio_count(has_rule ? &notes->forgotten_exporters : &notes->forgotten_strangers, 1);
	give_row(notes, place, exporter->address, exporter->port, now_s);
	return place;
}

enum notes_protocol notes_protocol_of(const uint8_t *payload, uint32_t length)
{
	if (length < 4)
		return NOTES_OTHER;
	switch (payload[0] << 8 | payload[1]) {
	case 0:
		return payload[2] == 0 && payload[3] == 5 ? NOTES_SFLOW_V5 : NOTES_OTHER;
	case 1:
		return NOTES_NETFLOW_V1;
	case 5:
		return NOTES_NETFLOW_V5;
	case 7:
		return NOTES_NETFLOW_V7;
	case 9:
		return NOTES_NETFLOW_V9;
	case 10:
		return NOTES_IPFIX;
	default:
		return NOTES_OTHER;
	}
}

void notes_packet(struct notes *notes, const struct notes_packet *packet, uint32_t hash,
		  uint32_t now_s)
{
	struct notes_endpoint exporter = {.port = packet->port};
	memcpy(exporter.address, packet->address, 16);
	struct notes_exporter *row =
		notes_take_exporter(notes, packet->has_rule, &exporter, hash, now_s);
	pio_count(&row->packets, 1);
	pio_count(&row->bytes, packet->length);
	__atomic_store_n(&row->last_s, now_s, __ATOMIC_RELAXED);
	uint8_t protocol = (uint8_t)notes_protocol_of(packet->payload, packet->length);
	__atomic_store_n(&row->protocol, protocol, __ATOMIC_RELAXED);
	__atomic_store_n(&row->protocols, (uint8_t)(row->protocols | 1u << protocol),
			 __ATOMIC_RELAXED);
	if (packet->is_truncated)
		pio_count(&row->truncated, 1);
	if (packet->lost > 0)
		pio_count(&row->lost, packet->lost);
}

void notes_count_lost(struct notes *notes, const struct notes_endpoint *exporter)
{
	uint32_t hash = notes_hash(notes, exporter->address, exporter->port);
	struct notes_exporter *row = find_exporter(notes, 1, exporter, hash, 0, NULL);
	if (row == NULL)
		row = find_exporter(notes, 0, exporter, hash, 0, NULL);
	if (row != NULL)
		pio_count(&row->lost, 1);
}
