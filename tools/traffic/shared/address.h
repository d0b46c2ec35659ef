/* Addresses: IPv4 as ::ffff:a.b.c.d, 16 bytes; and those of Ethernet. */
#ifndef SHARED_ADDRESS_H
#define SHARED_ADDRESS_H

#include <stdint.h>
#include <string.h>

static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static inline int is_ipv4(const uint8_t address[16])
{
	return memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

/* Returns 0 when the text is no address. */
int read_address(const char *text, uint8_t address[16]);

/* Returns 0 when the text is no MAC address. */
int read_mac(const char *text, uint8_t mac[6]);

#endif
