/*
 * Sends numbered packets from many exporters in turn, at a steady rate, until SIGTERM. Each
 * exporter has an address of its own, counted up from the first, and a socket of its own.
 *
 * sender FIRST_ADDRESS EXPORTERS PACKETS_PER_SECOND TARGET PORT PAYLOAD_BYTES RECORDS_FILE
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ha/record.h"

#define MAX_EXPORTERS 4096
#define MAX_PAYLOAD_BYTES 1472
/* At once: a machine that was busy catches up without filling the queues of its virtual links. */
#define BURST 40
/* What was missed by more than this is not made up for. */
#define MAX_LAG_NANOSECONDS 200000000u
#define FLUSH_NANOSECONDS 20000000u

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "sender: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_exporter(uint32_t address)
{
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_port = htons(EXPORTER_PORT),
		.sin_addr.s_addr = htonl(address),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		die("socket");
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		die("bind");
	return fd;
}

int main(int argc, char **argv)
{
	static int sockets[MAX_EXPORTERS];
	static uint32_t sequences[MAX_EXPORTERS];
	static uint8_t payload[MAX_PAYLOAD_BYTES];
	if (argc != 8) {
		fprintf(stderr, "sender: 7 arguments are needed\n");
		return 2;
	}
	const uint32_t first = ntohl(inet_addr(argv[1]));
	const unsigned exporters = (unsigned)atoi(argv[2]);
	const unsigned rate = (unsigned)atoi(argv[3]);
	const struct sockaddr_in target = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[5])),
		.sin_addr.s_addr = inet_addr(argv[4]),
	};
	const size_t bytes = (size_t)atoi(argv[6]);
	FILE *records = fopen(argv[7], "wb");
	if (!records)
		die(argv[7]);
	if (exporters < 1 || exporters > MAX_EXPORTERS || rate < 1 || bytes < sizeof(record_t) ||
	    bytes > MAX_PAYLOAD_BYTES) {
		fprintf(stderr, "sender: a number is out of range\n");
		return 2;
	}
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	/* What is measured is the proxy: the traffic is to be steady, also on a busy machine. */
	setpriority(PRIO_PROCESS, 0, -10);
	for (unsigned i = 0; i < exporters; i++)
		sockets[i] = open_exporter(first + i);

	const uint64_t interval = 1000000000u / rate;
	uint64_t due = now_nanoseconds();
	uint64_t flushed = due;
	unsigned exporter = 0;
	while (!is_stopped) {
		uint64_t now = now_nanoseconds();
		if (now > due + MAX_LAG_NANOSECONDS)
			due = now;
		for (unsigned i = 0; i < BURST && due <= now; i++) {
			const record_t record = {
				.exporter = (uint16_t)exporter,
				.sequence = sequences[exporter],
				.nanoseconds = now_nanoseconds(),
			};
			memcpy(payload, &record, sizeof(record));
			/* What the sender's own host refuses was not sent: it gets its number
			 * again. */
			if (sendto(sockets[exporter], payload, bytes, 0,
				   (const struct sockaddr *)&target, sizeof(target)) >= 0) {
				fwrite(&record, sizeof(record), 1, records);
				sequences[exporter]++;
			}
			exporter = (exporter + 1) % exporters;
			due += interval;
		}
		if (now > flushed + FLUSH_NANOSECONDS) {
			fflush(records);
			flushed = now;
		}
		const struct timespec pause = {.tv_nsec = 500000};
		nanosleep(&pause, NULL);
	}
	return fclose(records) == 0 ? 0 : 1;
}
