/*
 * What is known of the MTU of the way to a destination. Only destinations to which something was
 * too large are in the table; what is known is asked again after PIO_MTU_LIFETIME_MS.
 */
#ifndef PIO_MTU_H
#define PIO_MTU_H

#include <stdint.h>

#define PIO_MTU_ENTRIES 1024u /* a power of two */
#define PIO_MTU_LIFETIME_MS 10000

struct pio_mtu_entry {
	uint8_t address[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint64_t expires_ms; /* of pio_clock_ms; 0 = the entry is empty */
	uint32_t mtu;
};

struct pio_mtu_table {
	/* No packet up to this size is over an MTU in the table: the only thing to look at per
	 * copy. */
	uint32_t smallest;
	struct pio_mtu_entry entries[PIO_MTU_ENTRIES];
};

void pio_mtu_init(struct pio_mtu_table *table);

/* The known MTU of the way to an address, asked again when it is old; 0 when none is known. */
uint32_t pio_mtu_find(struct pio_mtu_table *table, const uint8_t address[16]);

/* Asks the kernel for the MTU of the way to an address and remembers it; 0 when the kernel has no
 * answer. */
uint32_t pio_mtu_learn(struct pio_mtu_table *table, const uint8_t address[16]);

#endif
