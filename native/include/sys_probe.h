/*
 * Empty datagrams that ask whether a port is open, and what the kernel hears of them: ICMP errors
 * (ip(7), IP_RECVERR; ipv6(7), IPV6_RECVERR). One socket does for any number of addresses.
 * Return values: as in sys.h.
 */
#ifndef SYS_PROBE_H
#define SYS_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* Opens a plain UDP socket of family 4 or 6, non-blocking, that keeps the errors it is told. */
int sys_probe_open(int family);

/* Sends an empty datagram from an address and a port of this host. address: 4 or 16 bytes. */
int sys_probe_send(int fd, const uint8_t *address, size_t address_bytes, uint16_t port);

/* What came back of a datagram. */
struct sys_probe_error {
	uint8_t address[16]; /* where it was sent; IPv4 in the first 4 bytes */
	uint32_t error;	     /* a positive errno: ECONNREFUSED, EHOSTUNREACH ... */
	uint16_t port;
	uint16_t family; /* 4 or 6 */
};

/* Takes the errors that have come, so many as there is room for, and returns how many. */
int sys_probe_errors(int fd, struct sys_probe_error *errors, size_t room);

#endif
