/*
 * Replaces what packet I/O asks of the kernel. Each message that it tries to send gets a verdict:
 * first those of fake.script, then taken unless larger than fake.mtu. Time passes only in poll.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"
#include "sender.h"

#define FAKE_TAKEN_MAX 8192u
#define FAKE_SCRIPT_MAX 8192u
#define FAKE_TOLD_MAX 128u

struct fake_packet {
	int fd;
	struct sockaddr_in6 name;
	uint32_t bytes;
	uint8_t *data;
	uint8_t control[64];
	size_t control_bytes;
};

static struct {
	int script[FAKE_SCRIPT_MAX]; /* verdicts for the next attempts: 0 or an errno */
	uint32_t script_length, script_next;
	int full_fd;	      /* this one answers EAGAIN; 0 = none does */
	uint32_t mtu;	      /* larger messages get EMSGSIZE */
	uint32_t short_sends; /* messages that one call takes at most; 0 = no limit */
	int path_mtu;	      /* answer of pio_path_mtu */
	int path_mtu_next;    /* its answer after the next, when not 0 */
	uint64_t now_ms;
	uint64_t poll_takes_ms;

	struct pio_socket_error told[FAKE_TOLD_MAX]; /* what sockets have to tell */
	uint32_t told_length, told_next;

	uint64_t unsent;	    /* bytes that wait in the kernel, of any socket */
	uint64_t pauses_until_sent; /* so many pauses later there are none; 0 = never */
	void (*before_send)(int fd);

	uint32_t sends, polls, pauses, path_mtu_asked;
	struct fake_packet taken[FAKE_TAKEN_MAX];
	uint32_t taken_count;
} fake;

static inline void fake_forget(void)
{
	for (uint32_t i = 0; i < fake.taken_count; i++)
		free(fake.taken[i].data);
	fake.taken_count = 0;
}

static inline void fake_reset(void)
{
	fake_forget();
	memset(&fake, 0, sizeof(fake));
	fake.mtu = UINT32_MAX;
	fake.path_mtu = 1500;
	fake.now_ms = 1000;
}

static inline void fake_script(uint32_t count, const int *verdicts)
{
	memcpy(fake.script, verdicts, count * sizeof(*verdicts));
	fake.script_length = count;
	fake.script_next = 0;
}

/* The same verdict for as many attempts as there is room for. */
static inline void fake_script_always(int verdict)
{
	for (uint32_t i = 0; i < FAKE_SCRIPT_MAX; i++)
		fake.script[i] = verdict;
	fake.script_length = FAKE_SCRIPT_MAX;
	fake.script_next = 0;
}

static int fake_verdict(int fd, uint32_t bytes)
{
	if (fake.full_fd != 0 && fd == fake.full_fd)
		return EAGAIN;
	if (fake.script_next < fake.script_length)
		return fake.script[fake.script_next++];
	return bytes > fake.mtu ? EMSGSIZE : 0;
}

static void fake_take(int fd, const struct msghdr *message, uint32_t bytes)
{
	if (fake.taken_count == FAKE_TAKEN_MAX)
		abort();
	struct fake_packet *packet = &fake.taken[fake.taken_count++];
	packet->fd = fd;
	packet->bytes = 0;
	packet->data = malloc(bytes);
	memset(&packet->name, 0, sizeof(packet->name));
	memcpy(&packet->name, message->msg_name, message->msg_namelen);
	packet->control_bytes = message->msg_controllen;
	if (message->msg_controllen > 0)
		memcpy(packet->control, message->msg_control, message->msg_controllen);
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		memcpy(packet->data + packet->bytes, message->msg_iov[i].iov_base,
		       message->msg_iov[i].iov_len);
		packet->bytes += (uint32_t)message->msg_iov[i].iov_len;
	}
}

static uint32_t fake_bytes(const struct msghdr *message)
{
	uint32_t bytes = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		bytes += (uint32_t)message->msg_iov[i].iov_len;
	return bytes;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	fake.sends++;
	if (fake.before_send != NULL)
		fake.before_send(fd);
	if ((flags & MSG_DONTWAIT) == 0 || count == 0 || count > 1024)
		abort();
	for (unsigned int i = 0; i < count; i++) {
		const struct msghdr *message = &messages[i].msg_hdr;
		uint32_t bytes = fake_bytes(message);
		if (fake.short_sends > 0 && i == fake.short_sends)
			return (int)i;
		int error = fake_verdict(fd, bytes);
		if (error != 0) {
			errno = error;
			/* As the kernel: the error of a message that is not the first is not told.
			 */
			return i > 0 ? (int)i : -1;
		}
		fake_take(fd, message, bytes);
	}
	return (int)count;
}

int __wrap_poll(struct pollfd *sockets, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *sockets, nfds_t count, int timeout)
{
	fake.polls++;
	if (count != 1 || sockets[0].events != POLLOUT || timeout <= 0 ||
	    timeout > PIO_SEND_WAIT_MS)
		abort();
	fake.now_ms += fake.poll_takes_ms;
	return 1;
}

int __wrap_pio_next_error(int fd, struct pio_socket_error *error);
int __wrap_pio_next_error(int fd, struct pio_socket_error *error)
{
	(void)fd;
	if (fake.told_next == fake.told_length)
		return 0;
	*error = fake.told[fake.told_next++];
	return 1;
}

uint64_t __wrap_pio_clock_ms(void);
uint64_t __wrap_pio_clock_ms(void)
{
	return fake.now_ms;
}

uint64_t __wrap_pio_unsent_bytes(int fd);
uint64_t __wrap_pio_unsent_bytes(int fd)
{
	(void)fd;
	return fake.unsent;
}

void __wrap_pio_pause_us(uint32_t us);
void __wrap_pio_pause_us(uint32_t us)
{
	static uint64_t passed_us;
	passed_us += us;
	fake.now_ms += passed_us / 1000;
	passed_us %= 1000;
	fake.pauses++;
	if (fake.pauses_until_sent > 0 && --fake.pauses_until_sent == 0)
		fake.unsent = 0;
}

int __wrap_pio_path_mtu(const uint8_t address[16]);
int __wrap_pio_path_mtu(const uint8_t address[16])
{
	(void)address;
	int answer = fake.path_mtu;
	fake.path_mtu_asked++;
	if (fake.path_mtu_next != 0)
		fake.path_mtu = fake.path_mtu_next;
	return answer;
}

#endif
