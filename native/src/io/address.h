/* Addresses in their 16-byte form: network order, IPv4 as ::ffff:a.b.c.d. */
#ifndef PIO_ADDRESS_H
#define PIO_ADDRESS_H

#include <stdint.h>
#include <string.h>

/* The 12 bytes before an IPv4 address. */
static const uint8_t pio_ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static inline int pio_is_ipv4(const uint8_t address[16])
{
	return memcmp(address, pio_ipv4_prefix, sizeof(pio_ipv4_prefix)) == 0;
}

/* Every bit of the address changes every bit of the hash (the finalizer of MurmurHash3). */
static inline uint32_t pio_hash_address(const uint8_t address[16])
{
	uint64_t halves[2];
	memcpy(halves, address, sizeof(halves));
	uint64_t mixed = halves[0] * 0x9e3779b97f4a7c15u ^ halves[1];
	mixed = (mixed ^ mixed >> 33) * 0xff51afd7ed558ccdu;
	mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(mixed >> 32);
}

#endif
