#include <errno.h>
#include <poll.h>

#include "count.h"
#include "kernel.h"
#include "sender.h"

/* No signal handler runs often enough to interrupt one message more often than this. */
#define INTERRUPTIONS_MAX 16

/* So many errors are taken at a time. */
#define ERRORS_MAX 16

/* A raw socket keeps errors that calls have told; with them it cannot be waited for. */
static void forget_errors(const struct pio_queue *queue)
{
	struct pio_socket_error told;
	for (int i = 0; i < ERRORS_MAX && pio_next_error(queue->fd, &told); i++)
		;
}

static void spend(struct pio_patience *patience, uint64_t ms)
{
	patience->left_ms -= ms < patience->left_ms ? (uint32_t)ms : patience->left_ms;
}

static void renew(struct pio_patience *patience, uint64_t now)
{
	if (now < patience->renewed_ms)
		return;
	patience->left_ms = PIO_SEND_WAIT_MS;
	patience->renewed_ms = now + PIO_SEND_PERIOD_MS;
}

/* Waits until the socket takes more. Returns 0 when the time for that is used up. */
static int wait_writable(struct pio_sender *sender, struct pio_queue *queue)
{
	uint64_t now = pio_clock_ms();
	renew(&sender->patience, now);
	renew(&queue->patience, now);
	/* Only a socket that has not been full for a while is waited for again. */
	queue->patience.renewed_ms = now + PIO_SEND_PERIOD_MS;
	uint32_t all_ms = sender->patience.left_ms;
	uint32_t own_ms = queue->patience.left_ms;
	uint32_t limit_ms = all_ms < own_ms ? all_ms : own_ms;
	if (limit_ms == 0)
		return 0;
	struct pollfd socket = {.fd = queue->fd, .events = POLLOUT};
	if (poll(&socket, 1, (int)limit_ms) == 1 && (socket.revents & POLLERR) != 0 &&
	    queue->kind == PIO_QUEUE_RAW)
		forget_errors(queue);
	pio_count(&sender->options.counters[PIO_SEND_RETRIES], 1);
	/* A wait that took no time costs some too: it ends. */
	uint64_t waited_ms = pio_clock_ms() - now + 1;
	spend(&sender->patience, waited_ms);
	spend(&queue->patience, waited_ms);
	return 1;
}

int pio_transmit(struct pio_sender *sender, struct pio_queue *queue, struct mmsghdr *headers,
		 uint32_t count)
{
	int interruptions = 0;
	for (;;) {
		int sent = sendmmsg(queue->fd, headers, count, MSG_DONTWAIT);
		if (sent > 0) {
			queue->is_unsure = queue->kind == PIO_QUEUE_RAW;
			return sent;
		}
		int error = sent < 0 ? errno : EIO;
		if (error == EMSGSIZE && queue->kind == PIO_QUEUE_RAW)
			forget_errors(queue);
		if (error == EINTR && interruptions++ < INTERRUPTIONS_MAX)
			continue;
		if (error == EAGAIN && wait_writable(sender, queue))
			continue;
		return -error;
	}
}
