/*
 * Load generator: numbered UDP datagrams of many exporters at a given rate, and hostile packets
 * beside them, written to an interface as frames (packet(7)): any source address can be used.
 *
 * Checksums of numbered packets are left to "the card" (a partial checksum in the header before
 * each frame): the receiver takes them as verified, as behind a real network card.
 *
 * Reads its exporters from standard input, "ADDRESS PORT" a line, and sends when the input ends:
 * all exporters by turns. Ends after --count numbered packets, or with SIGTERM, and prints one line
 * of JSON: what it handed to the interface, by exporter and by kind. A packet that the interface
 * refused is not sent: its number goes to the next one.
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
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "load/payload.h"

#define BURST_MAX 32u
#define SIZES_MAX 64u
#define STREAMS_MAX 65536u
#define IP_BYTES_MAX 65535u
#define NANOSECONDS 1000000000.0
/* Between two bursts: fine enough for a receive queue not to notice, coarse enough to leave the
 * core to others. */
#define PAUSE_NS 250000u
/* What could not be sent in time is not sent in one burst later. */
#define LAG_MAX_NS 20000000.0
/* Shorter payloads have their checksum verified before a socket is chosen (CHECKSUM_BREAK of the
 * kernel), so no socket counts them. */
#define STORM_BYTES 200u

/* Kinds of hostile packets. */
enum kind {
	STORM,	  /* a random source each */
	EMPTY,	  /* no payload */
	LARGEST,  /* as large as the interface takes */
	FRAGMENT, /* the first fragment of a datagram whose rest never comes */
	CHECKSUM, /* a wrong UDP checksum */
	KINDS,
};
static const char *const kind_names[KINDS] = {"storm", "empty", "largest", "fragment", "checksum"};

struct options {
	const char *interface;
	uint8_t destination_mac[6];
	uint8_t destination4[4];
	uint8_t destination6[16];
	uint16_t destination_port;
	uint32_t sizes[SIZES_MAX]; /* of numbered payloads */
	uint32_t size_count;
	double rate;	     /* numbered packets per second; 0 = as fast as possible */
	double hostile_rate; /* 0 = as fast as possible */
	enum kind kinds[KINDS];
	uint32_t kind_count;
	uint32_t largest; /* payload of LARGEST in IPv4; IPv6 has 20 bytes less room */
	uint64_t count;	  /* numbered packets in all; 0 = until the signal */
	uint64_t first;	  /* sequence number of each exporter's first packet */
	int is_real_time; /* other programs of the core wait for it, not it for them */
};

struct stream {
	uint8_t source[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint64_t sent;
};

struct frame {
	struct virtio_net_hdr offload;
	struct ether_header ethernet;
	uint8_t ip[IP_BYTES_MAX];
} __attribute__((packed));

static struct frame frames[BURST_MAX];
static struct iovec parts[BURST_MAX];
static struct mmsghdr messages[BURST_MAX];
/* What is in each frame of a burst: KINDS for a numbered packet. */
static enum kind contents[BURST_MAX];
static struct stream streams[STREAMS_MAX];
static uint32_t stream_count;
static uint8_t noise[NOISE_BYTES];
static uint64_t random_state = 88172645463325252u;
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

/* Xorshift: the same storm each time. */
static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

/* ---- packets ---- */

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

static int is_ipv4(const uint8_t address[16])
{
	return memcmp(address, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

/* Writes Ethernet, IP and UDP headers; returns where the payload goes. The UDP checksum is partial.
 */
static uint8_t *write_headers(const struct options *options, struct frame *frame,
			      const uint8_t source[16], uint16_t port, uint32_t payload)
{
	int ipv4 = is_ipv4(source);
	size_t ip_bytes = ipv4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	uint16_t udp_bytes = (uint16_t)(sizeof(struct udphdr) + payload);
	memset(&frame->offload, 0, sizeof(frame->offload));
	frame->offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	frame->offload.csum_start = (uint16_t)(sizeof(frame->ethernet) + ip_bytes);
	frame->offload.csum_offset = offsetof(struct udphdr, check);
	frame->ethernet.ether_type = htons(ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	struct udphdr udp = {
		.source = htons(port),
		.dest = htons(options->destination_port),
		.len = htons(udp_bytes),
	};
	uint32_t sum = (uint32_t)udp.len + htons(IPPROTO_UDP);
	if (ipv4) {
		struct iphdr header = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
		header.tot_len = htons((uint16_t)(sizeof(header) + udp_bytes));
		memcpy(&header.saddr, source + 12, 4);
		memcpy(&header.daddr, options->destination4, 4);
		header.check = (uint16_t)~fold(sum_words(&header, sizeof(header)));
		sum += sum_words(&header.saddr, 8);
		memcpy(frame->ip, &header, sizeof(header));
	} else {
		struct ip6_hdr header = {.ip6_flow = htonl(6u << 28), .ip6_nxt = IPPROTO_UDP};
		header.ip6_hlim = 64;
		header.ip6_plen = htons(udp_bytes);
		memcpy(&header.ip6_src, source, 16);
		memcpy(&header.ip6_dst, options->destination6, 16);
		sum += sum_words(&header.ip6_src, 32);
		memcpy(frame->ip, &header, sizeof(header));
	}
	udp.check = fold(sum);
	memcpy(frame->ip + ip_bytes, &udp, sizeof(udp));
	return frame->ip + ip_bytes + sizeof(udp);
}

static void set_length(uint32_t index, const uint8_t *end)
{
	parts[index].iov_len = (size_t)(end - (const uint8_t *)&frames[index]);
}

static void write_numbered(const struct options *options, uint32_t index, uint64_t number)
{
	uint32_t stream = (uint32_t)(number % stream_count);
	uint32_t sequence = (uint32_t)(number / stream_count);
	const struct stream *from = &streams[stream];
	uint32_t length = options->sizes[(stream + sequence) % options->size_count];
	struct payload_header header = {
		.magic = PAYLOAD_MAGIC,
		.stream = stream,
		.sequence = sequence,
		.length = (uint16_t)length,
		.port = from->port,
		.sent_at_ns = clock_ns(CLOCK_REALTIME),
	};
	memcpy(header.source, from->source, 16);
	uint8_t *at = write_headers(options, &frames[index], from->source, from->port, length);
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), noise + noise_place(stream, sequence), length - sizeof(header));
	contents[index] = KINDS;
	set_length(index, at + length);
}

/* An address that a packet may come from: the kernel drops others before any socket sees them. */
static void random_source(uint8_t source[16])
{
	uint32_t words[4] = {next_random(), next_random(), next_random(), next_random()};
	memcpy(source, words, 16);
	if ((words[0] & 1) == 0) {
		source[0] = (uint8_t)(0x20 | (source[0] & 0x1f)); /* 2000::/3 */
		return;
	}
	memcpy(source, ipv4_prefix, sizeof(ipv4_prefix));
	source[12] = (uint8_t)(1 + source[12] % 126); /* 1 to 126 */
}

/* Turns a whole datagram into the first fragment of a longer one. */
static const uint8_t *make_fragment(struct frame *frame, const uint8_t *end)
{
	frame->offload.flags = 0;
	if (frame->ethernet.ether_type == htons(ETHERTYPE_IP)) {
		struct iphdr header;
		memcpy(&header, frame->ip, sizeof(header));
		header.id = (uint16_t)next_random();
		header.frag_off = htons(IP_MF);
		header.check = 0;
		header.check = (uint16_t)~fold(sum_words(&header, sizeof(header)));
		memcpy(frame->ip, &header, sizeof(header));
		return end;
	}
	struct ip6_frag fragment = {.ip6f_nxt = IPPROTO_UDP, .ip6f_offlg = IP6F_MORE_FRAG};
	fragment.ip6f_ident = next_random();
	uint8_t *after_header = frame->ip + sizeof(struct ip6_hdr);
	size_t rest = (size_t)(end - after_header);
	memmove(after_header + sizeof(fragment), after_header, rest);
	memcpy(after_header, &fragment, sizeof(fragment));
	frame->ip[offsetof(struct ip6_hdr, ip6_nxt)] = IPPROTO_FRAGMENT;
	uint16_t payload = htons((uint16_t)(rest + sizeof(fragment)));
	memcpy(frame->ip + offsetof(struct ip6_hdr, ip6_plen), &payload, sizeof(payload));
	return end + sizeof(fragment);
}

static void write_hostile(const struct options *options, uint32_t index, uint64_t number)
{
	enum kind kind = options->kinds[number % options->kind_count];
	uint32_t length = kind == EMPTY ? 0 : kind == LARGEST ? options->largest : STORM_BYTES;
	uint8_t source[16];
	random_source(source);
	if (kind == LARGEST && !is_ipv4(source))
		length -= (uint32_t)(sizeof(struct ip6_hdr) - sizeof(struct iphdr));
	struct frame *frame = &frames[index];
	uint16_t port = (uint16_t)(1 + next_random() % 65535);
	uint8_t *at = write_headers(options, frame, source, port, length);
	memcpy(at, noise, length);
	const uint8_t *end = at + length;
	if (kind == CHECKSUM) {
		/* The sum that is there is that of the pseudo header alone. */
		frame->offload.flags = 0;
	} else if (kind == FRAGMENT) {
		end = make_fragment(frame, end);
	}
	contents[index] = kind;
	set_length(index, end);
}

/* ---- sending ---- */

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

/* A clock by which packets fall due. */
struct pace {
	double rate; /* 0 = a burst is always due, less than 0 = never */
	double started_ns;
	uint64_t sent;
	uint64_t limit; /* 0 = none */
};

static uint32_t due(struct pace *pace, double now_ns)
{
	uint32_t left = BURST_MAX;
	if (pace->limit > 0 && pace->limit - pace->sent < left)
		left = (uint32_t)(pace->limit - pace->sent);
	if (pace->rate < 0)
		return 0;
	if (pace->rate == 0)
		return left;
	double lag_ns = now_ns - pace->started_ns - (double)pace->sent / pace->rate * NANOSECONDS;
	if (lag_ns > LAG_MAX_NS)
		pace->started_ns += lag_ns - LAG_MAX_NS;
	double count = lag_ns * pace->rate / NANOSECONDS;
	return count <= 0 ? 0 : count < left ? (uint32_t)count : left;
}

/* Sends one burst. Returns how many frames the interface took. */
static uint32_t send_burst(int fd, uint32_t count, uint64_t *refused)
{
	int taken = sendmmsg(fd, messages, count, 0);
	if (taken >= 0)
		return (uint32_t)taken;
	if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
		fail("sendmmsg");
	*refused += errno != EINTR;
	return 0;
}

static void run(const struct options *options, int fd)
{
	uint64_t by_kind[KINDS] = {0}, refused = 0;
	double started_ns = (double)clock_ns(CLOCK_MONOTONIC);
	struct pace numbered = {options->rate, started_ns, 0, options->count};
	struct pace hostile = {options->hostile_rate, started_ns, 0, 0};
	if (stream_count == 0)
		numbered.rate = -1;
	if (options->kind_count == 0)
		hostile.rate = -1;
	uint64_t before = options->first * stream_count;
	while ((!is_stopped || (stream_count > 0 && numbered.sent % stream_count != 0)) &&
	       (numbered.limit == 0 || numbered.sent < numbered.limit)) {
		if (is_stopped)
			numbered.limit = (numbered.sent / stream_count + 1) * stream_count;
		double now_ns = (double)clock_ns(CLOCK_MONOTONIC);
		uint32_t first = due(&numbered, now_ns);
		uint32_t second = due(&hostile, now_ns);
		if (second > BURST_MAX - first)
			second = BURST_MAX - first > BURST_MAX / 2 ? BURST_MAX - first
								   : BURST_MAX / 2;
		if (first > BURST_MAX - second)
			first = BURST_MAX - second;
		if (first + second == 0) {
			struct timespec pause = {.tv_nsec = PAUSE_NS};
			clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
			continue;
		}
		for (uint32_t i = 0; i < first; i++)
			write_numbered(options, i, before + numbered.sent + i);
		for (uint32_t i = 0; i < second; i++)
			write_hostile(options, first + i, hostile.sent + i);
		uint32_t taken = send_burst(fd, first + second, &refused);
		for (uint32_t i = 0; i < taken; i++) {
			if (contents[i] < KINDS) {
				by_kind[contents[i]]++;
				hostile.sent++;
			} else {
				streams[numbered.sent % stream_count].sent++;
				numbered.sent++;
			}
		}
	}
	double seconds = ((double)clock_ns(CLOCK_MONOTONIC) - started_ns) / NANOSECONDS;
	printf("{\"numbered\": %llu, \"refused\": %llu, \"seconds\": %.6f, \"hostile\": {",
	       (unsigned long long)numbered.sent, (unsigned long long)refused, seconds);
	for (uint32_t i = 0; i < KINDS; i++)
		printf("%s\"%s\": %llu", i == 0 ? "" : ", ", kind_names[i],
		       (unsigned long long)by_kind[i]);
	printf("}, \"streams\": [");
	for (uint32_t i = 0; i < stream_count; i++)
		printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)streams[i].sent);
	printf("]}\n");
}

/* ---- options ---- */

static void parse_sizes(struct options *options, const char *text)
{
	for (char *end; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		unsigned long size = strtoul(text, &end, 10);
		if (end == text || size < sizeof(struct payload_header) || size > 65507 ||
		    options->size_count == SIZES_MAX)
			usage("--sizes must be up to 64 numbers from 40 to 65507");
		options->sizes[options->size_count++] = (uint32_t)size;
	}
}

static void parse_kinds(struct options *options, char *text)
{
	for (char *name = strtok(text, ","); name != NULL; name = strtok(NULL, ",")) {
		uint32_t kind = 0;
		while (kind < KINDS && strcmp(name, kind_names[kind]) != 0)
			kind++;
		if (kind == KINDS || options->kind_count == KINDS)
			usage("--hostile names kinds of packets");
		options->kinds[options->kind_count++] = (enum kind)kind;
	}
}

static void parse_option(struct options *options, int name, char *text)
{
	uint8_t *mac = options->destination_mac;
	switch (name) {
	case 'i':
		options->interface = text;
		break;
	case 'm':
		if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			   &mac[3], &mac[4], &mac[5]) != 6)
			usage("--destination-mac is no MAC address");
		break;
	case '4':
		if (inet_pton(AF_INET, text, options->destination4) != 1)
			usage("--destination4 is no IPv4 address");
		break;
	case '6':
		if (inet_pton(AF_INET6, text, options->destination6) != 1)
			usage("--destination6 is no IPv6 address");
		break;
	case 'p':
		options->destination_port = (uint16_t)atoi(text);
		break;
	case 's':
		parse_sizes(options, text);
		break;
	case 'r':
		options->rate = atof(text);
		break;
	case 'R':
		options->hostile_rate = atof(text);
		break;
	case 'k':
		parse_kinds(options, text);
		break;
	case 'l':
		options->largest = (uint32_t)atoi(text);
		break;
	case 'f':
		options->first = strtoull(text, NULL, 10);
		break;
	case 'c':
		options->count = strtoull(text, NULL, 10);
		break;
	case 't':
		options->is_real_time = 1;
		break;
	default:
		usage("unknown option");
	}
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"interface", required_argument, NULL, 'i'},
		{"destination-mac", required_argument, NULL, 'm'},
		{"destination4", required_argument, NULL, '4'},
		{"destination6", required_argument, NULL, '6'},
		{"port", required_argument, NULL, 'p'},
		{"sizes", required_argument, NULL, 's'},
		{"rate", required_argument, NULL, 'r'},
		{"hostile-rate", required_argument, NULL, 'R'},
		{"hostile", required_argument, NULL, 'k'},
		{"largest", required_argument, NULL, 'l'},
		{"count", required_argument, NULL, 'c'},
		{"first", required_argument, NULL, 'f'},
		{"real-time", no_argument, NULL, 't'},
		{0},
	};
	struct options options = {.largest = 1472};
	for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;)
		parse_option(&options, name, optarg);
	if (options.interface == NULL || options.destination_port == 0 || options.size_count == 0)
		usage("--interface, --port and --sizes are needed");
	if (options.largest < STORM_BYTES ||
	    options.largest > IP_BYTES_MAX - sizeof(struct iphdr) - sizeof(struct udphdr))
		usage("--largest must be from 200 to 65507");
	if (options.is_real_time &&
	    (options.rate == 0 || (options.kind_count > 0 && options.hostile_rate == 0)))
		usage("--real-time needs rates, or nothing else would run");
	return options;
}

static void read_streams(void)
{
	char line[128], address[64];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (stream_count == STREAMS_MAX)
			usage("too many exporters");
		struct stream *stream = &streams[stream_count++];
		if (sscanf(line, "%63s %hu", address, &stream->port) != 2)
			usage("an exporter is ADDRESS PORT");
		memcpy(stream->source, ipv4_prefix, sizeof(ipv4_prefix));
		if (inet_pton(AF_INET, address, stream->source + 12) != 1 &&
		    inet_pton(AF_INET6, address, stream->source) != 1)
			usage("an exporter is ADDRESS PORT");
	}
}

/* On one core alone: packets that leave from two cores may overtake one another. */
static void stay_on_core(void)
{
	cpu_set_t cores;
	int core = sched_getcpu();
	CPU_ZERO(&cores);
	CPU_SET((size_t)(core < 0 ? 0 : core), &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) < 0)
		fail("sched_setaffinity");
}

/* A packet that waits between its time stamp and its way out would count as slow. */
static void become_real_time(void)
{
	struct sched_param priority = {.sched_priority = 1};
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		fail("sched_setscheduler");
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct sigaction action = {.sa_handler = stop};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1000);
	make_noise(noise);
	read_streams();
	stay_on_core();
	if (options.is_real_time)
		become_real_time();
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		memcpy(frames[i].ethernet.ether_dhost, options.destination_mac, 6);
		memcpy(frames[i].ethernet.ether_shost, (uint8_t[6]){2, 0, 0, 0, 0, 1}, 6);
		parts[i].iov_base = &frames[i];
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	run(&options, open_interface(options.interface));
	return 0;
}
