/*
 * What the kernel takes for this host's own: its routing table `local` (rtnetlink(7)). It knows
 * more than the list of interfaces: addresses without carrier, and `ip route add local PREFIX`.
 */
#ifndef SYS_ROUTES_H
#define SYS_ROUTES_H

#include <stddef.h>
#include <stdint.h>

/* 20 bytes. */
struct sys_local_route {
	uint8_t address[16]; /* network order; IPv4 in the first 4 bytes */
	uint8_t family;	     /* 4 or 6 */
	uint8_t prefix_bits; /* how many bits of the address count */
	uint8_t broadcast;   /* 1: of a network that this host is on; 0: the host's own */
	uint8_t reserved;
};

/*
 * Puts as many of the routes as there is room for into routes, and returns how many there are, or a
 * negative errno. Anycast addresses (IPv6) are taken by this host: its own.
 */
int sys_local_routes(struct sys_local_route *routes, size_t room);

#endif
