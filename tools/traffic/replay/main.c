/*
 * Sends datagrams that it is given, over and over, to a port of 127.0.0.1.
 *
 *   replay PORT RATE
 *
 * Standard input is a file of datagrams, each behind its length (4 bytes, little-endian). The first
 * one is sent once for each line of orders, the others by turns. RATE is datagrams a second; 0 = as
 * fast as the receiver takes them from its socket: no more than a quarter of net.core.rmem_max
 * waits there.
 *
 * Orders come on descriptor 3, a line each: milliseconds, or `once`, which sends each datagram
 * once. The answer on standard output is a line: datagrams sent without the first, and those of
 * them that were late by more than 20 ms, which a rate that cannot be kept has many of.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/fail.h"

#define BURST 64
#define ORDERS 3
#define LATE_NS 20e6
#define POLL_NS 200000

static struct mmsghdr *messages;
static size_t count;

static uint8_t *read_all(size_t *length)
{
	size_t room = 1 << 20;
	uint8_t *bytes = malloc(room);
	*length = 0;
	for (;;) {
		ssize_t got = read(STDIN_FILENO, bytes + *length, room - *length);
		if (got < 0)
			fail("read");
		if (got == 0)
			return bytes;
		*length += (size_t)got;
		if (*length == room)
			bytes = realloc(bytes, room *= 2);
		if (bytes == NULL)
			fail("realloc");
	}
}

static void read_datagrams(void)
{
	size_t length;
	uint8_t *bytes = read_all(&length);
	size_t room = 0;
	for (size_t at = 0; at < length;) {
		uint32_t octets;
		if (length - at < sizeof(octets))
			refuse("a datagram without its length");
		memcpy(&octets, bytes + at, sizeof(octets));
		at += sizeof(octets);
		if (octets > length - at)
			refuse("a datagram that is cut");
		if (count == room) {
			room = room * 2 + 64;
			messages = realloc(messages, room * sizeof(*messages));
		}
		struct iovec *part = malloc(sizeof(*part));
		if (messages == NULL || part == NULL)
			fail("malloc");
		*part = (struct iovec){.iov_base = bytes + at, .iov_len = octets};
		messages[count++] = (struct mmsghdr){.msg_hdr = {.msg_iov = part, .msg_iovlen = 1}};
		at += octets;
	}
	if (count < 2)
		refuse("needs two datagrams at least");
}

static void send_all(int fd, struct mmsghdr *first, uint32_t left)
{
	while (left > 0) {
		int sent = sendmmsg(fd, first, left, 0);
		if (sent < 0 && errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
			fail("sendmmsg");
		if (sent < 0)
			continue;
		first += sent;
		left -= (uint32_t)sent;
	}
}

/* What waits in the receive buffer of a port of this network namespace. */
static unsigned long waiting_bytes(unsigned port)
{
	static char text[1 << 20];
	char wanted[16];
	snprintf(wanted, sizeof(wanted), ":%04X ", port);
	for (int file = 0; file < 2; file++) {
		int fd = open(file == 0 ? "/proc/net/udp" : "/proc/net/udp6", O_RDONLY);
		size_t length = 0;
		ssize_t got;
		while (fd >= 0 && (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
			length += (size_t)got;
		if (fd >= 0)
			close(fd);
		text[length] = '\0';
		for (char *line = text; line != NULL; line = strchr(line + 1, '\n')) {
			char local[64];
			unsigned long queue;
			if (sscanf(line, " %*d: %63s %*s %*s %*x:%lx", local, &queue) != 2)
				continue;
			strcat(local, " ");
			if (strstr(local, wanted) != NULL)
				return queue;
		}
	}
	return 0;
}

static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

static unsigned long full_bytes(void)
{
	unsigned long most = 212992;
	FILE *file = fopen("/proc/sys/net/core/rmem_max", "r");
	if (file == NULL || fscanf(file, "%lu", &most) != 1)
		fail("/proc/sys/net/core/rmem_max");
	fclose(file);
	return most / 4;
}

/* Waits until something more is due. Returns how late that is, in nanoseconds. */
static double wait_until_due(double started_ns, double rate, uint64_t sent)
{
	double due_ns = started_ns + (double)sent / rate * NANOSECONDS;
	for (;;) {
		double late_ns = (double)clock_ns(CLOCK_MONOTONIC) - due_ns;
		if (late_ns >= 0)
			return late_ns;
	}
}

static void obey(int fd, unsigned port, double rate, double milliseconds, int is_once)
{
	unsigned long most = full_bytes();
	send_all(fd, messages, 1);
	double started_ns = (double)clock_ns(CLOCK_MONOTONIC);
	double end_ns = started_ns + milliseconds * 1e6;
	/* Fewer at a time when they are to keep a rate. */
	size_t burst = rate > 0 ? 8 : BURST;
	uint64_t sent = 0, late = 0;
	for (size_t at = 1;;) {
		size_t left = count - at < burst ? count - at : burst;
		if (rate > 0)
			late += wait_until_due(started_ns, rate, sent) > LATE_NS ? left : 0;
		else
			while (waiting_bytes(port) > most)
				rest();
		send_all(fd, messages + at, (uint32_t)left);
		sent += left;
		at += left;
		if (at == count && is_once)
			break;
		at = at == count ? 1 : at;
		if (!is_once && (double)clock_ns(CLOCK_MONOTONIC) >= end_ns)
			break;
	}
	while (waiting_bytes(port) > 0)
		rest();
	printf("%llu %llu\n", (unsigned long long)sent, (unsigned long long)late);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		refuse("usage: replay PORT RATE");
	unsigned port = (unsigned)strtoul(argv[1], NULL, 10);
	double rate = strtod(argv[2], NULL);
	read_datagrams();
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		fail("socket");
	FILE *orders = fdopen(ORDERS, "r");
	if (orders == NULL)
		fail("descriptor 3");
	for (char line[64]; fgets(line, sizeof(line), orders) != NULL;)
		obey(fd, port, rate, strtod(line, NULL), strncmp(line, "once", 4) == 0);
	return 0;
}
