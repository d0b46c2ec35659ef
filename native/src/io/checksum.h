/*
 * Internet checksums (RFC 1071). 16-bit words are summed as they lie in memory: such a sum, stored
 * as it is, is in network order on every host.
 */
#ifndef PIO_CHECKSUM_H
#define PIO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Folds a sum of words into 16 bits, end-around carry. */
uint16_t pio_sum_fold(uint64_t sum);

/* The folded sum of bytes; an odd last byte counts as if a zero followed it. */
uint16_t pio_sum(const void *bytes, size_t length);

/* The UDP checksum field of a sum: its complement, never 0 (RFC 768, RFC 8200 section 8.1). */
uint16_t pio_udp_checksum(uint64_t sum);

#endif
