/* What the sender asks the kernel; tests replace it. */
#ifndef PIO_KERNEL_H
#define PIO_KERNEL_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back, never 0. */
uint64_t pio_clock_ms(void);

/* The MTU of the way to an address (network order, IPv4 as ::ffff:a.b.c.d), or a negative errno. */
int pio_path_mtu(const uint8_t address[16]);

#endif
