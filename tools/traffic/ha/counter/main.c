/*
 * Stands in for a collector: writes down each packet that arrives, when, and through which
 * interface, until SIGTERM. Packets whose source is not the exporter that they name are counted on
 * standard error.
 *
 * counter ADDRESS PORT FIRST_EXPORTER_ADDRESS RECORDS_FILE INTERFACE...
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ha/record.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/priority.h"
#include "shared/stop.h"

#define BATCH 64
#define BUFFER_BYTES (64 * 1024 * 1024)
#define PAYLOAD_BYTES_MAX 2048
#define INTERFACES_MAX 8
#define IDLE_MICROSECONDS 20000

static uint8_t payloads[BATCH][PAYLOAD_BYTES_MAX];
static uint8_t controls[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
static struct sockaddr_in sources[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static uint32_t first_exporter;
static unsigned interfaces[INTERFACES_MAX];
static int interface_count;

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
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		fail("setsockopt");
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		fail("bind");
	return fd;
}

/* 0: none that is known. */
static uint16_t way_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		for (int i = 0; i < interface_count; i++)
			if (interfaces[i] == (unsigned)info.ipi_ifindex)
				return (uint16_t)(i + 1);
	}
	return 0;
}

static int receive(int fd)
{
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){payloads[i], PAYLOAD_BYTES_MAX};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &sources[i],
			.msg_namelen = sizeof(sources[i]),
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = controls[i],
			.msg_controllen = sizeof(controls[i]),
		};
	}
	return recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
}

/* Returns 0 when the packet is not of the exporter that it names. */
static int write_down(int index, uint64_t now_ns)
{
	struct record record;
	memcpy(&record, payloads[index], sizeof(record));
	if (messages[index].msg_len < sizeof(record) ||
	    ntohl(sources[index].sin_addr.s_addr) != first_exporter + record.exporter ||
	    ntohs(sources[index].sin_port) != EXPORTER_PORT)
		return 0;
	record.way = way_of(&messages[index].msg_hdr);
	record.nanoseconds = now_ns;
	write_record(&record);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 6 || argc > 5 + INTERFACES_MAX)
		refuse("5 to 12 arguments are needed");
	first_exporter = ntohl(inet_addr(argv[3]));
	open_records(argv[4]);
	for (int i = 5; i < argc; i++)
		interfaces[interface_count++] = if_nametoindex(argv[i]);
	stop_at(SIGTERM);
	become_important();
	int fd = open_collector(argv[1], argv[2]);
	unsigned strangers = 0;
	while (!is_stopped) {
		int count = receive(fd);
		uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
		for (int i = 0; i < count; i++)
			strangers += !write_down(i, now_ns);
		flush_records(now_ns);
	}
	if (strangers > 0)
		fprintf(stderr, "counter: %u packets with a foreign source\n", strangers);
	return close_records() && strangers == 0 ? 0 : 1;
}
