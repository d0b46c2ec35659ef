/*
 * The limit to hold against: recvmmsg, headers with the sender's own source, checksum, sendmmsg on
 * a raw socket; nothing else. No rules, no counters, no rotation, no fragments, no errors handled.
 * Same batch, buffers and checksum loop as the proxy's packet I/O.
 *
 *     limit PORT COLLECTOR...    forwards what comes to PORT to every collector, all of one family
 */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "shared/fail.h"
#include "shared/ip.h"

#define BATCH 64
#define COLLECTORS_MAX 16
#define MESSAGES_MAX (BATCH * COLLECTORS_MAX)
#define PAYLOAD_MAX 1536
#define HEADER_MAX (sizeof(struct ip6_hdr) + sizeof(struct udphdr))

static struct mmsghdr received[BATCH];
static struct sockaddr_in6 names[BATCH];
static struct iovec receive_parts[BATCH];
static uint8_t payloads[BATCH][PAYLOAD_MAX] __attribute__((aligned(64)));

struct message {
	uint8_t header[HEADER_MAX];
	struct iovec parts[2];
};
static struct mmsghdr headers[MESSAGES_MAX];
static struct message messages[MESSAGES_MAX];

static struct sockaddr_in6 collectors[COLLECTORS_MAX]; /* IPv4 as ::ffff:a.b.c.d */
static struct sockaddr_in collectors4[COLLECTORS_MAX];
static uint32_t collector_count;
static uint16_t port;

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

static uint64_t sum_bytes(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	size_t words = length / 4;
	uint64_t sum = 0;
	for (size_t i = 0; i < words; i++) {
		uint32_t word;
		memcpy(&word, at + i * 4, sizeof(word));
		sum += word;
	}
	uint32_t rest = 0;
	memcpy(&rest, at + words * 4, length % 4);
	return sum + rest;
}

static void build_udp(uint8_t *header, const struct sockaddr_in6 *source, uint32_t length,
		      uint64_t sum)
{
	uint16_t bytes = htons((uint16_t)(length + sizeof(struct udphdr)));
	sum += (uint64_t)source->sin6_port + htons(port) + bytes + bytes + htons(IPPROTO_UDP);
	uint16_t checksum = (uint16_t)~fold(sum);
	struct udphdr udp = {
		.source = source->sin6_port,
		.dest = htons(port),
		.len = bytes,
		.check = checksum == 0 ? 0xffff : checksum,
	};
	memcpy(header, &udp, sizeof(udp));
}

static uint32_t build4(uint8_t *header, const struct sockaddr_in6 *source, uint32_t collector,
		       uint32_t length, uint64_t payload_sum)
{
	struct iphdr ip =
		ip4_header(source->sin6_addr.s6_addr + 12, &collectors4[collector].sin_addr,
			   (uint16_t)(sizeof(struct udphdr) + length));
	memcpy(header, &ip, sizeof(ip));
	build_udp(header + sizeof(ip), source, length, payload_sum + ip.saddr + ip.daddr);
	return sizeof(ip) + sizeof(struct udphdr);
}

static uint32_t build6(uint8_t *header, const struct sockaddr_in6 *source, uint32_t collector,
		       uint32_t length, uint64_t payload_sum)
{
	struct ip6_hdr ip = ip6_header(&source->sin6_addr, &collectors[collector].sin6_addr,
				       (uint16_t)(sizeof(struct udphdr) + length));
	memcpy(header, &ip, sizeof(ip));
	build_udp(header + sizeof(ip), source, length,
		  payload_sum + sum_bytes(&ip.ip6_src, 16) + sum_bytes(&ip.ip6_dst, 16));
	return sizeof(ip) + sizeof(struct udphdr);
}

static void prepare(int is_ipv4)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		receive_parts[i] = (struct iovec){payloads[i], PAYLOAD_MAX};
		received[i].msg_hdr.msg_name = &names[i];
		received[i].msg_hdr.msg_namelen = sizeof(names[i]);
		received[i].msg_hdr.msg_iov = &receive_parts[i];
		received[i].msg_hdr.msg_iovlen = 1;
	}
	for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
		struct msghdr *header = &headers[i].msg_hdr;
		header->msg_iov = messages[i].parts;
		header->msg_iovlen = 2;
		messages[i].parts[0].iov_base = messages[i].header;
		if (is_ipv4) {
			header->msg_name = &collectors4[i % collector_count];
			header->msg_namelen = sizeof(collectors4[0]);
		} else {
			header->msg_name = &collectors[i % collector_count];
			header->msg_namelen = sizeof(collectors[0]);
		}
	}
}

static void forward(int sender, int count, int is_ipv4)
{
	uint32_t next = 0;
	for (int i = 0; i < count; i++) {
		uint32_t length = received[i].msg_len;
		uint64_t sum = sum_bytes(payloads[i], length);
		for (uint32_t collector = 0; collector < collector_count; collector++, next++) {
			struct message *message = &messages[next];
			message->parts[0].iov_len = (is_ipv4 ? build4 : build6)(
				message->header, &names[i], collector, length, sum);
			message->parts[1] = (struct iovec){payloads[i], length};
		}
		received[i].msg_hdr.msg_namelen = sizeof(names[i]);
	}
	for (uint32_t sent = 0; sent < next;) {
		int taken = sendmmsg(sender, headers + sent, next - sent, 0);
		if (taken < 0 && errno != EINTR)
			fail("sendmmsg");
		sent += taken > 0 ? (uint32_t)taken : 0;
	}
}

static int open_receiver(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	int off = 0, bytes = 32 << 20;
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("receive socket");
	return fd;
}

static int open_sender(int is_ipv4)
{
	int fd = socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW);
	int bytes = 4 << 20;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		fail("raw socket");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc - 2 > COLLECTORS_MAX) {
		fprintf(stderr, "usage: limit PORT COLLECTOR...\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[1]);
	int is_ipv4 = strchr(argv[2], ':') == NULL;
	for (int i = 2; i < argc; i++, collector_count++) {
		collectors[collector_count].sin6_family = AF_INET6;
		collectors4[collector_count].sin_family = AF_INET;
		void *address = is_ipv4 ? (void *)&collectors4[collector_count].sin_addr
					: (void *)&collectors[collector_count].sin6_addr;
		if (inet_pton(is_ipv4 ? AF_INET : AF_INET6, argv[i], address) != 1)
			fail(argv[i]);
	}
	prepare(is_ipv4);
	int receiver = open_receiver();
	int sender = open_sender(is_ipv4);
	struct pollfd waiting = {.fd = receiver, .events = POLLIN};
	for (;;) {
		int count = recvmmsg(receiver, received, BATCH, MSG_DONTWAIT, NULL);
		if (count > 0)
			forward(sender, count, is_ipv4);
		else if (poll(&waiting, 1, -1) < 0 && errno != EINTR)
			fail("poll");
	}
}
