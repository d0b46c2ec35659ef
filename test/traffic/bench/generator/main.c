/*
 * Load generator: UDP datagrams from many exporters at a given rate, written to an interface as
 * frames (packet(7)), so that any source address can be used and the sender's own IP stack costs
 * nothing.
 *
 * Checksums are left to "the card" (a partial checksum in the header that comes before each frame):
 * the receiver takes the packet as verified, as behind a real network card.
 *
 * Prints one line of JSON when it ends: packets sent, packets that the interface refused, seconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "bench/payload.h"

#define BURST_MAX 64u
#define PAYLOAD_MAX 1472u
#define NANOSECONDS 1000000000.0
/* So many bursts a second: what is paced leaves at even distances, yet with few system calls. */
#define BURSTS_PER_SECOND 25000.0

struct options {
	const char *interface;
	uint8_t destination_mac[6];
	int family; /* 4 or 6 */
	uint8_t first_exporter[16];
	uint8_t destination[16];
	uint16_t destination_port;
	uint32_t payload;
	uint32_t exporters; /* endpoints that send in turn */
	uint32_t addresses; /* exporter addresses there are */
	double rate;	    /* packets per second; 0 = as fast as possible */
	double seconds;
};

struct frame {
	struct virtio_net_hdr offload;
	struct ether_header ethernet;
	uint8_t rest[sizeof(struct ip6_hdr) + sizeof(struct udphdr) + PAYLOAD_MAX];
} __attribute__((packed));

static struct frame frames[BURST_MAX];
static struct iovec parts[BURST_MAX];
static struct mmsghdr messages[BURST_MAX];

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	is_stopped = 1;
}

static void fail(const char *what)
{
	fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(const char *what)
{
	fprintf(stderr, "generator: %s; see struct options in generator.c\n", what);
	exit(2);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint32_t sum_words(const void *bytes, size_t length)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < length; i += 2) {
		uint16_t word;
		memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)(sum + (sum >> 16));
}

/*
 * Exporter number k: its address is taken from all there are, spread evenly; with more exporters
 * than addresses they share addresses and differ in ports.
 */
static void exporter_endpoint(const struct options *options, uint32_t exporter, uint32_t *address,
			      uint16_t *port)
{
	uint32_t spread = options->addresses / options->exporters;
	*address = spread > 1 ? exporter * spread : exporter % options->addresses;
	*port = (uint16_t)(1024 + (spread > 1 ? 0 : exporter / options->addresses));
}

static void add_to_address(uint8_t *last_word, uint32_t by)
{
	uint32_t word;
	memcpy(&word, last_word, sizeof(word));
	word = htonl(ntohl(word) + by);
	memcpy(last_word, &word, sizeof(word));
}

static uint32_t ip_bytes(const struct options *options)
{
	return options->family == 4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

/* Fills in what is the same in every packet. */
static void prepare(const struct options *options)
{
	uint32_t ip = ip_bytes(options);
	uint32_t udp = (uint32_t)sizeof(struct udphdr) + options->payload;
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		struct frame *frame = &frames[i];
		frame->offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		frame->offload.csum_start = (uint16_t)(sizeof(frame->ethernet) + ip);
		frame->offload.csum_offset = offsetof(struct udphdr, check);
		memcpy(frame->ethernet.ether_dhost, options->destination_mac, 6);
		memcpy(frame->ethernet.ether_shost, (uint8_t[6]){2, 0, 0, 0, 0, 1}, 6);
		frame->ethernet.ether_type =
			htons(options->family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
		memset(frame->rest, 0x5a, sizeof(frame->rest));
		if (options->family == 4) {
			struct iphdr header = {.version = 4, .ihl = 5, .ttl = 64, .protocol = 17};
			header.tot_len = htons((uint16_t)(ip + udp));
			memcpy(&header.saddr, options->first_exporter, 4);
			memcpy(&header.daddr, options->destination, 4);
			memcpy(frame->rest, &header, sizeof(header));
		} else {
			struct ip6_hdr header = {.ip6_flow = htonl(6u << 28), .ip6_nxt = 17};
			header.ip6_hlim = 64;
			header.ip6_plen = htons((uint16_t)udp);
			memcpy(&header.ip6_src, options->first_exporter, 16);
			memcpy(&header.ip6_dst, options->destination, 16);
			memcpy(frame->rest, &header, sizeof(header));
		}
		parts[i].iov_base = frame;
		parts[i].iov_len = offsetof(struct frame, rest) + ip + udp;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static uint16_t write_source4(const struct options *options, uint8_t *rest, uint32_t address)
{
	struct iphdr header;
	memcpy(&header, rest, sizeof(header));
	memcpy(&header.saddr, options->first_exporter, 4);
	add_to_address((uint8_t *)&header.saddr, address);
	header.check = 0;
	header.check = (uint16_t)~fold(sum_words(&header, sizeof(header)));
	memcpy(rest, &header, sizeof(header));
	return fold(sum_words(&header.saddr, 8));
}

static uint16_t write_source6(const struct options *options, uint8_t *rest, uint32_t address)
{
	struct ip6_hdr header;
	memcpy(&header, rest, sizeof(header));
	memcpy(&header.ip6_src, options->first_exporter, 16);
	add_to_address((uint8_t *)&header.ip6_src + 12, address);
	memcpy(rest, &header, sizeof(header));
	return fold(sum_words(&header.ip6_src, 32));
}

static uint32_t source_word(const struct options *options, const uint8_t *rest)
{
	uint32_t word;
	memcpy(&word,
	       rest + (options->family == 4 ? offsetof(struct iphdr, saddr)
					    : offsetof(struct ip6_hdr, ip6_src) + 12),
	       sizeof(word));
	return word;
}

static void write_packet(const struct options *options, struct frame *frame, uint32_t sequence)
{
	uint32_t exporter = sequence % options->exporters;
	uint32_t address;
	uint16_t port;
	exporter_endpoint(options, exporter, &address, &port);
	uint16_t addresses_sum = (options->family == 4 ? write_source4 : write_source6)(
		options, frame->rest, address);
	uint16_t length = htons((uint16_t)(sizeof(struct udphdr) + options->payload));
	struct udphdr udp = {
		.source = htons(port),
		.dest = htons(options->destination_port),
		.len = length,
		.check = fold((uint32_t)addresses_sum + length + htons(IPPROTO_UDP)),
	};
	struct payload_header payload = {
		.version = htons(PAYLOAD_VERSION),
		.address = source_word(options, frame->rest),
		.sent_at_ns = sequence % SAMPLE_EVERY == 0 ? clock_ns(CLOCK_REALTIME) : 0,
		.sequence = htonl(sequence),
		.source_port = port,
	};
	uint8_t *at = frame->rest + ip_bytes(options);
	memcpy(at, &udp, sizeof(udp));
	memcpy(at + sizeof(udp), &payload, sizeof(payload));
}

static int open_interface(const char *name)
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		fail("socket");
	int on = 1;
	int buffer_bytes = 8 << 20;
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	address.sll_ifindex = (int)if_nametoindex(name);
	if (address.sll_ifindex == 0)
		fail(name);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) < 0)
		fail("setsockopt");
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("bind");
	return fd;
}

/* How many packets are due now, at most a burst; waits until it is at least one burst's worth. */
static uint32_t wait_for_due(const struct options *options, uint64_t started, uint64_t sent)
{
	if (options->rate <= 0)
		return BURST_MAX;
	double burst = options->rate / BURSTS_PER_SECOND;
	burst = burst < 1 ? 1 : burst > BURST_MAX ? BURST_MAX : burst;
	double end = options->seconds * NANOSECONDS;
	for (;;) {
		double elapsed = (double)(clock_ns(CLOCK_MONOTONIC) - started);
		double due = elapsed * options->rate / NANOSECONDS - (double)sent;
		if (due >= burst || elapsed >= end || is_stopped)
			return due >= BURST_MAX ? BURST_MAX : due > 0 ? (uint32_t)due : 0;
	}
}

static void run(const struct options *options, int fd)
{
	uint64_t sent = 0, refused = 0;
	uint64_t started = clock_ns(CLOCK_MONOTONIC);
	uint64_t end = started + (uint64_t)(options->seconds * NANOSECONDS);
	uint64_t now = started;
	while (now < end && !is_stopped) {
		uint32_t count = wait_for_due(options, started, sent + refused);
		for (uint32_t i = 0; i < count; i++)
			write_packet(options, &frames[i], (uint32_t)(sent + i));
		int taken = count > 0 ? sendmmsg(fd, messages, count, 0) : 0;
		if (taken >= 0) {
			sent += (uint64_t)taken;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			/* Counted against the rate: a packet that is not sent in time is not sent
			 * later. */
			refused++;
		} else if (errno != EINTR) {
			fail("sendmmsg");
		}
		now = clock_ns(CLOCK_MONOTONIC);
	}
	printf("{\"sent\": %llu, \"refused\": %llu, \"seconds\": %.6f}\n", (unsigned long long)sent,
	       (unsigned long long)refused, (double)(now - started) / NANOSECONDS);
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6)
		usage("--destination-mac is no MAC address");
}

static void parse_address(const char *text, int family, uint8_t *address)
{
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, text, address) != 1)
		usage("an address is not of the destination's family");
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"interface", required_argument, NULL, 'i'},
		{"destination-mac", required_argument, NULL, 'm'},
		{"destination", required_argument, NULL, 'd'},
		{"port", required_argument, NULL, 'p'},
		{"first-exporter", required_argument, NULL, 'f'},
		{"payload", required_argument, NULL, 'l'},
		{"exporters", required_argument, NULL, 'e'},
		{"addresses", required_argument, NULL, 'a'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{0},
	};
	const char *text[128] = {0};
	for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
		if (name == '?')
			usage("unknown option");
		text[name] = optarg;
	}
	for (const struct option *option = names; option->name != NULL; option++)
		if (text[option->val] == NULL)
			usage("every option is needed");
	struct options options = {
		.interface = text['i'],
		.family = strchr(text['d'], ':') == NULL ? 4 : 6,
		.destination_port = (uint16_t)atoi(text['p']),
		.payload = (uint32_t)atoi(text['l']),
		.exporters = (uint32_t)atoi(text['e']),
		.addresses = (uint32_t)atoi(text['a']),
		.rate = atof(text['r']),
		.seconds = atof(text['s']),
	};
	parse_mac(text['m'], options.destination_mac);
	parse_address(text['d'], options.family, options.destination);
	parse_address(text['f'], options.family, options.first_exporter);
	if (options.payload < sizeof(struct payload_header) || options.payload > PAYLOAD_MAX)
		usage("--payload must be from 24 to 1472");
	if (!(options.seconds > 0 && options.rate >= 0))
		usage("--seconds must be above 0, --rate not below");
	if (options.exporters == 0 || options.addresses == 0 ||
	    options.exporters / options.addresses > 60000)
		usage("--exporters and --addresses must be at least 1");
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	prepare(&options);
	run(&options, open_interface(options.interface));
	return 0;
}
