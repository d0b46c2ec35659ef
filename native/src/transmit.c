#include <errno.h>
#include <poll.h>

#include "internal.h"

/* No signal handler runs often enough to interrupt one message more often than this. */
#define INTERRUPTIONS_MAX 16

/* Waits until the socket takes more. Returns 0 when the time for that is used up. */
static int wait_writable(struct pio *io, int fd)
{
	uint64_t now = pio_clock_ms();
	if (io->wait_until_ms == 0)
		io->wait_until_ms = now + PIO_SEND_WAIT_MS;
	if (now >= io->wait_until_ms)
		return 0;
	struct pollfd socket = {.fd = fd, .events = POLLOUT};
	(void)poll(&socket, 1, (int)(io->wait_until_ms - now));
	pio_count(&io->options.counters[PIO_SEND_RETRIES], 1);
	return 1;
}

int pio_transmit(struct pio *io, int fd, struct mmsghdr *headers, uint32_t count)
{
	int interruptions = 0;
	for (;;) {
		int sent = sendmmsg(fd, headers, count, MSG_DONTWAIT);
		if (sent > 0)
			return sent;
		int error = sent < 0 ? errno : EIO;
		if (error == EINTR && interruptions++ < INTERRUPTIONS_MAX)
			continue;
		if (error == EAGAIN && wait_writable(io, fd))
			continue;
		return -error;
	}
}
