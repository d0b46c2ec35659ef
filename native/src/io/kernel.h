/* What the sender asks the kernel; tests replace it. */
#ifndef PIO_KERNEL_H
#define PIO_KERNEL_H

#include <stdint.h>

/* Milliseconds of a clock that never goes back, never 0. */
uint64_t pio_clock_ms(void);

/* Bytes of what a socket has sent that wait in the kernel; 0 too when it does not say (SIOCOUTQ).
 */
uint64_t pio_unsent_bytes(int fd);

/* Lets other things happen for at least so long. */
void pio_pause_us(uint32_t us);

/* The MTU of the way to an address (network order, IPv4 as ::ffff:a.b.c.d), or a negative errno. */
int pio_path_mtu(const uint8_t address[16]);

/* What came back of a datagram that a socket has sent. */
struct pio_socket_error {
	uint8_t address[16]; /* to which it was sent; network order, IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	int error; /* errno; 0: nothing that came by the network */
};

/* The next one of what a socket has to tell (MSG_ERRQUEUE, ip(7)). Returns whether there was one.
 */
int pio_next_error(int fd, struct pio_socket_error *error);

#endif
