/*
 * Sends numbered packets from many exporters in turn, at a steady rate, until SIGTERM. Each
 * exporter has an address of its own, counted up from the first, and a socket of its own.
 *
 * sender FIRST_ADDRESS EXPORTERS PACKETS_PER_SECOND TARGET PORT PAYLOAD_BYTES RECORDS_FILE
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ha/record.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/priority.h"
#include "shared/stop.h"

#define EXPORTERS_MAX 4096
#define PAYLOAD_BYTES_MAX 1472
/* At once: a machine that was busy catches up without filling the queues of its virtual links. */
#define BURST 40
/* What was missed by more than this is not made up for. */
#define LAG_MAX_NS 200000000u
#define PAUSE_NS 500000

static int sockets[EXPORTERS_MAX];
static uint32_t sequences[EXPORTERS_MAX];
static struct sockaddr_in target;
static size_t payload_bytes;

static int open_exporter(uint32_t address)
{
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_port = htons(EXPORTER_PORT),
		.sin_addr.s_addr = htonl(address),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		fail("socket");
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		fail("bind");
	return fd;
}

/* What the sender's own host refuses was not sent: it gets its number again. */
static void send_packet(unsigned exporter)
{
	static uint8_t payload[PAYLOAD_BYTES_MAX];
	const struct record record = {
		.exporter = (uint16_t)exporter,
		.sequence = sequences[exporter],
		.nanoseconds = clock_ns(CLOCK_MONOTONIC),
	};
	memcpy(payload, &record, sizeof(record));
	if (sendto(sockets[exporter], payload, payload_bytes, 0, (const struct sockaddr *)&target,
		   sizeof(target)) < 0)
		return;
	write_record(&record);
	sequences[exporter]++;
}

static void run(unsigned exporters, unsigned rate)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	const uint64_t interval = 1000000000u / rate;
	uint64_t due = clock_ns(CLOCK_MONOTONIC);
	unsigned exporter = 0;
	while (!is_stopped) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		if (now > due + LAG_MAX_NS)
			due = now;
		for (unsigned i = 0; i < BURST && due <= now; i++) {
			send_packet(exporter);
			exporter = (exporter + 1) % exporters;
			due += interval;
		}
		flush_records(now);
		nanosleep(&pause, NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc != 8)
		refuse("7 arguments are needed");
	const uint32_t first = ntohl(inet_addr(argv[1]));
	const unsigned exporters = (unsigned)atoi(argv[2]);
	const unsigned rate = (unsigned)atoi(argv[3]);
	target.sin_family = AF_INET;
	target.sin_addr.s_addr = inet_addr(argv[4]);
	target.sin_port = htons((uint16_t)atoi(argv[5]));
	payload_bytes = (size_t)atoi(argv[6]);
	if (exporters < 1 || exporters > EXPORTERS_MAX || rate < 1 ||
	    payload_bytes < sizeof(struct record) || payload_bytes > PAYLOAD_BYTES_MAX)
		refuse("a number is out of range");
	open_records(argv[7]);
	stop_at(SIGTERM);
	/* What is measured is the proxy: the traffic is to be steady, also on a busy machine. */
	become_important();
	for (unsigned i = 0; i < exporters; i++)
		sockets[i] = open_exporter(first + i);
	run(exporters, rate);
	return close_records() ? 0 : 1;
}
