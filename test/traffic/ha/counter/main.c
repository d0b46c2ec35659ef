/*
 * Stands in for a collector: writes down each packet that arrives, when, and through which
 * interface, until SIGTERM. Packets whose source is not the exporter that they name are counted on
 * standard error.
 *
 * counter ADDRESS PORT FIRST_EXPORTER_ADDRESS RECORDS_FILE INTERFACE...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "ha/record.h"

#define BATCH 64
#define BUFFER_BYTES (64 * 1024 * 1024)
#define MAX_PAYLOAD_BYTES 2048
#define IDLE_MICROSECONDS 20000
#define FLUSH_NANOSECONDS 20000000u

static volatile sig_atomic_t is_stopped;

static void stop(int signal)
{
	(void)signal;
	is_stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_collector(const char *address, const char *port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = inet_addr(address),
	};
	const int on = 1;
	const int buffer = BUFFER_BYTES;
	const struct timeval idle = {.tv_usec = IDLE_MICROSECONDS};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		die("setsockopt");
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

/* 0: none that is known. */
static uint16_t way_of(struct msghdr *message, const unsigned *interfaces, int count)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		for (int i = 0; i < count; i++)
			if (interfaces[i] == (unsigned)info.ipi_ifindex)
				return (uint16_t)(i + 1);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t payloads[BATCH][MAX_PAYLOAD_BYTES];
	static uint8_t controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
	static struct sockaddr_in sources[BATCH];
	static struct iovec vectors[BATCH];
	static struct mmsghdr messages[BATCH];
	unsigned interfaces[8];
	if (argc < 6 || argc > 5 + 8) {
		fprintf(stderr, "counter: 5 to 12 arguments are needed\n");
		return 2;
	}
	const uint32_t first = ntohl(inet_addr(argv[3]));
	FILE *records = fopen(argv[4], "wb");
	if (!records)
		die(argv[4]);
	for (int i = 5; i < argc; i++)
		interfaces[i - 5] = if_nametoindex(argv[i]);
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	setpriority(PRIO_PROCESS, 0, -10);
	int fd = open_collector(argv[1], argv[2]);
	unsigned strangers = 0;
	uint64_t flushed = 0;
	while (!is_stopped) {
		for (unsigned i = 0; i < BATCH; i++) {
			vectors[i] = (struct iovec){payloads[i], MAX_PAYLOAD_BYTES};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &sources[i],
				.msg_namelen = sizeof(sources[i]),
				.msg_iov = &vectors[i],
				.msg_iovlen = 1,
				.msg_control = controls[i],
				.msg_controllen = sizeof(controls[i]),
			};
		}
		int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
		uint64_t now = now_nanoseconds();
		for (int i = 0; i < count; i++) {
			record_t record;
			memcpy(&record, payloads[i], sizeof(record));
			if (messages[i].msg_len < sizeof(record) ||
			    ntohl(sources[i].sin_addr.s_addr) != first + record.exporter ||
			    ntohs(sources[i].sin_port) != EXPORTER_PORT) {
				strangers++;
				continue;
			}
			record.way = way_of(&messages[i].msg_hdr, interfaces, argc - 5);
			record.nanoseconds = now;
			fwrite(&record, sizeof(record), 1, records);
		}
		if (now > flushed + FLUSH_NANOSECONDS) {
			fflush(records);
			flushed = now;
		}
	}
	if (strangers > 0)
		fprintf(stderr, "counter: %u packets with a foreign source\n", strangers);
	return fclose(records) == 0 && strangers == 0 ? 0 : 1;
}
