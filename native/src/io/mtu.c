#include "mtu.h"

#include <string.h>

#include "address.h"
#include "kernel.h"

/* An address is looked for in this many entries from where its hash points. */
#define PROBES 8u

static struct pio_mtu_entry *entry_at(struct pio_mtu_table *table, uint32_t index)
{
	return &table->entries[index % PIO_MTU_ENTRIES];
}

static struct pio_mtu_entry *find_entry(struct pio_mtu_table *table, const uint8_t address[16])
{
	uint32_t start = pio_hash_address(address);
	for (uint32_t i = 0; i < PROBES; i++) {
		struct pio_mtu_entry *entry = entry_at(table, start + i);
		if (entry->expires_ms > 0 && memcmp(entry->address, address, 16) == 0)
			return entry;
	}
	return NULL;
}

/* The entry for a new address: an empty one, else the oldest, which its destination will ask for
 * anew. */
static struct pio_mtu_entry *oldest_entry(struct pio_mtu_table *table, const uint8_t address[16])
{
	uint32_t start = pio_hash_address(address);
	struct pio_mtu_entry *oldest = entry_at(table, start);
	for (uint32_t i = 1; i < PROBES; i++) {
		struct pio_mtu_entry *entry = entry_at(table, start + i);
		if (entry->expires_ms < oldest->expires_ms)
			oldest = entry;
	}
	return oldest;
}

static void update_smallest(struct pio_mtu_table *table)
{
	table->smallest = UINT32_MAX;
	for (uint32_t i = 0; i < PIO_MTU_ENTRIES; i++) {
		const struct pio_mtu_entry *entry = &table->entries[i];
		if (entry->expires_ms > 0 && entry->mtu < table->smallest)
			table->smallest = entry->mtu;
	}
}

void pio_mtu_init(struct pio_mtu_table *table)
{
	memset(table, 0, sizeof(*table));
	table->smallest = UINT32_MAX;
}

uint32_t pio_mtu_find(struct pio_mtu_table *table, const uint8_t address[16])
{
	const struct pio_mtu_entry *entry = find_entry(table, address);
	if (entry == NULL)
		return 0;
	return pio_clock_ms() < entry->expires_ms ? entry->mtu : pio_mtu_learn(table, address);
}

uint32_t pio_mtu_learn(struct pio_mtu_table *table, const uint8_t address[16])
{
	struct pio_mtu_entry *entry = find_entry(table, address);
	int mtu = pio_path_mtu(address);
	if (mtu <= 0) {
		if (entry != NULL)
			entry->expires_ms = 0;
	} else {
		if (entry == NULL)
			entry = oldest_entry(table, address);
		memcpy(entry->address, address, 16);
		entry->mtu = (uint32_t)mtu;
		entry->expires_ms = pio_clock_ms() + PIO_MTU_LIFETIME_MS;
	}
	update_smallest(table);
	return mtu <= 0 ? 0 : (uint32_t)mtu;
}
