/*
 * Collector of the load tests: takes every UDP datagram that comes in over an interface (a ring of
 * packet(7)) and holds each numbered one against what the rules demand. It reports its own drops,
 * so that nobody is blamed for them.
 *
 * What a copy is for, its destination tells:
 *     last byte of the address    class * 16 + member of the output
 *     port                        20000 + generation of the rules * 4 + output
 *
 * A packet has to reach, once each, the outputs of its class under one generation, even or odd.
 *
 * Reads commands from standard input and answers each with one line of JSON:
 *     class NUMBER DESTINATION EVEN ODD   packets of this class go to addresses of class
 * DESTINATION, to these outputs (bit masks) under even and odd generations stream ADDRESS PORT
 * CLASS           the next exporter; the first is number 0 buffer BYTES payloads arrive cut to this
 *     start                               starts to count
 *     report                              all counts
 *     reset                               latencies and gaps start anew
 *     finish SENT...                      ends: so many packets each exporter has sent. Then as
 * report
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load/payload.h"

#define BLOCK_BYTES (1u << 20)
#define BLOCKS 128u
/* A block that is not full is handed over after this. */
#define BLOCK_TIMEOUT_MS 5u

#define FIRST_PORT 20000u
#define OUTPUTS 4u
#define GENERATIONS 4096u
#define CLASSES 16u
#define STREAMS_MAX 65536u
/* Packets of one exporter that are under way at the same time, at most. A power of 2. */
#define WINDOW 32768u
#define LINE_BYTES (1u << 20)

/* Latencies are counted in buckets: 32 for each power of 2. */
#define BUCKET_BITS 5u
#define BUCKETS (64u << BUCKET_BITS)

struct class
{
	uint8_t destination;
	uint8_t outputs[2]; /* under even and odd generations */
};

/* One packet that may still get copies. */
struct packet {
	uint16_t generation;
	uint8_t outputs; /* that got it */
	uint8_t reserved;
};

struct stream {
	uint8_t source[16];
	uint16_t port;
	uint8_t class;
	struct packet *window; /* [WINDOW], by sequence */
	uint64_t first;	       /* sequence of the oldest packet in the window */
	uint64_t end;	       /* after the newest packet that arrived */
	uint16_t generation;   /* of the last copy */
	uint64_t packets;      /* that arrived anywhere */
	uint64_t missing;      /* that arrived nowhere */
	uint64_t last_ns;      /* arrival of the last copy */
	uint64_t longest_gap_ns;
	/* By family (IPv4, IPv6), output and member: after the last sequence. */
	uint64_t next[2][OUTPUTS][16];
};

/* Copies that arrived at one collector. */
struct destination {
	uint64_t copies;
	uint64_t bytes;
};

/* What must not be, and what else there is to count. */
static struct {
	uint64_t copies, bytes, unnumbered, fragments;
	uint64_t doubled, disordered, mixed, stale, misrouted, damaged, unknown;
	uint64_t incomplete; /* packets that not all outputs got */
	uint64_t copies_missing;
	uint64_t ring_drops;
} counts;

static struct class classes[CLASSES];
static struct stream *streams;
static uint32_t stream_count;
static uint32_t buffer_bytes = 65535;
static struct destination destinations[2][256][OUTPUTS];
static uint64_t last_sent_ns[GENERATIONS];
static uint64_t latencies[BUCKETS];
static uint64_t latency_count, latency_max;
static uint8_t noise[NOISE_BYTES];
static int is_counting;

static void fail(const char *what)
{
	fprintf(stderr, "collector: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- one copy ---- */

static uint32_t bucket_of(uint64_t value)
{
	if (value < 1u << BUCKET_BITS)
		return (uint32_t)value;
	uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
	uint32_t shift = power - BUCKET_BITS;
	return ((shift + 1) << BUCKET_BITS) +
	       (uint32_t)((value >> shift) & ((1u << BUCKET_BITS) - 1));
}

static uint64_t bucket_end(uint32_t bucket)
{
	uint32_t shift = bucket >> BUCKET_BITS;
	uint64_t low = bucket & ((1u << BUCKET_BITS) - 1);
	return shift == 0 ? low : ((low + (1u << BUCKET_BITS) + 1) << (shift - 1)) - 1;
}

static uint8_t outputs_of(const struct stream *stream, uint16_t generation)
{
	return classes[stream->class].outputs[generation & 1];
}

/* No more copies of the oldest packet can come: judges it. */
static void retire(struct stream *stream)
{
	struct packet *packet = &stream->window[stream->first % WINDOW];
	if (packet->outputs == 0) {
		stream->missing++;
	} else {
		uint8_t wanted = outputs_of(stream, packet->generation);
		int lacking = __builtin_popcount(wanted & (uint8_t)~packet->outputs);
		counts.copies_missing += (uint64_t)lacking;
		counts.incomplete += lacking > 0;
	}
	memset(packet, 0, sizeof(*packet));
	stream->first++;
}

/* A copy as it came, with all that is needed to judge it. */
struct copy {
	int family; /* 0 = IPv4, 1 = IPv6 */
	uint8_t source[16];
	uint16_t source_port;
	uint8_t host; /* last byte of the destination address */
	uint16_t destination_port;
	const uint8_t *payload;
	uint32_t length;    /* of the payload, as the UDP header says */
	uint32_t available; /* of it in this frame; less when it is a fragment */
	uint64_t arrived_ns;
};

static int is_intact(const struct copy *copy, const struct payload_header *header,
		     const struct stream *stream)
{
	uint32_t length = header->length < buffer_bytes ? header->length : buffer_bytes;
	return copy->length == length && memcmp(header->source, stream->source, 16) == 0 &&
	       memcmp(copy->source, stream->source, 16) == 0 && header->port == stream->port &&
	       copy->source_port == stream->port && copy->available >= sizeof(*header) &&
	       memcmp(copy->payload + sizeof(*header),
		      noise + noise_place(header->stream, header->sequence),
		      (copy->available < length ? copy->available : length) - sizeof(*header)) == 0;
}

static void note_time(struct stream *stream, const struct copy *copy, uint64_t sent_ns)
{
	uint64_t latency = copy->arrived_ns > sent_ns ? copy->arrived_ns - sent_ns : 0;
	latencies[bucket_of(latency)]++;
	latency_count++;
	if (latency > latency_max)
		latency_max = latency;
	if (stream->last_ns != 0 && copy->arrived_ns > stream->last_ns &&
	    copy->arrived_ns - stream->last_ns > stream->longest_gap_ns)
		stream->longest_gap_ns = copy->arrived_ns - stream->last_ns;
	stream->last_ns = copy->arrived_ns;
}

/* Whether generation a is before b, as numbers that begin again after the last. */
static int is_before(uint16_t a, uint16_t b)
{
	uint32_t ahead = (uint32_t)(b - a) % GENERATIONS;
	return ahead > 0 && ahead < GENERATIONS / 2;
}

static void judge(struct stream *stream, const struct copy *copy, uint64_t sequence)
{
	uint16_t number = (uint16_t)(copy->destination_port - FIRST_PORT);
	uint16_t generation = (uint16_t)(number / OUTPUTS);
	uint8_t output = (uint8_t)(1u << number % OUTPUTS);
	if (classes[stream->class].destination != copy->host >> 4 ||
	    (outputs_of(stream, generation) & output) == 0)
		counts.misrouted++;
	while (sequence >= stream->first + WINDOW)
		retire(stream);
	if (sequence < stream->first) {
		counts.disordered++;
		return;
	}
	struct packet *packet = &stream->window[sequence % WINDOW];
	if (packet->outputs == 0)
		stream->packets++;
	else if (packet->generation != generation)
		counts.mixed++;
	if ((packet->outputs & output) != 0)
		counts.doubled++;
	packet->outputs |= output;
	packet->generation = generation;
	if (stream->end > 0 && is_before(generation, stream->generation))
		counts.stale++;
	stream->generation = generation;
	if (sequence >= stream->end)
		stream->end = sequence + 1;
	uint64_t *next = &stream->next[copy->family][number % OUTPUTS][copy->host & 15];
	if (sequence < *next)
		counts.disordered++;
	else
		*next = sequence + 1;
}

static void take_copy(const struct copy *copy)
{
	if (!is_counting || copy->destination_port < FIRST_PORT ||
	    copy->destination_port >= FIRST_PORT + GENERATIONS * OUTPUTS)
		return;
	uint32_t number = copy->destination_port - FIRST_PORT;
	struct destination *destination = &destinations[copy->family][copy->host][number % OUTPUTS];
	destination->copies++;
	destination->bytes += copy->length;
	counts.copies++;
	counts.bytes += copy->length;
	struct payload_header header = {0};
	if (copy->available >= sizeof(header))
		memcpy(&header, copy->payload, sizeof(header));
	if (header.magic != PAYLOAD_MAGIC) {
		counts.unnumbered++;
		return;
	}
	if (header.stream >= stream_count) {
		counts.unknown++;
		return;
	}
	struct stream *stream = &streams[header.stream];
	if (!is_intact(copy, &header, stream)) {
		counts.damaged++;
		return;
	}
	if (header.sent_at_ns > last_sent_ns[number / OUTPUTS])
		last_sent_ns[number / OUTPUTS] = header.sent_at_ns;
	note_time(stream, copy, header.sent_at_ns);
	judge(stream, copy, header.sequence);
}

/* Reads a frame without its Ethernet header. Fragments after the first are only counted. */
static void take_packet(const uint8_t *ip, uint32_t bytes, uint64_t arrived_ns)
{
	struct copy copy = {.arrived_ns = arrived_ns};
	uint32_t headers;
	if (bytes >= sizeof(struct iphdr) + sizeof(struct udphdr) && ip[0] >> 4 == 4) {
		struct iphdr header;
		memcpy(&header, ip, sizeof(header));
		if (header.protocol != IPPROTO_UDP)
			return;
		if ((ntohs(header.frag_off) & IP_OFFMASK) != 0) {
			counts.fragments++;
			return;
		}
		headers = header.ihl * 4u;
		memcpy(copy.source, ipv4_prefix, sizeof(ipv4_prefix));
		memcpy(copy.source + 12, &header.saddr, 4);
		copy.host = ip[19];
		bytes = ntohs(header.tot_len) < bytes ? ntohs(header.tot_len) : bytes;
	} else if (bytes >= sizeof(struct ip6_hdr) + sizeof(struct udphdr) && ip[0] >> 4 == 6) {
		copy.family = 1;
		headers = sizeof(struct ip6_hdr);
		if (ip[6] == IPPROTO_FRAGMENT) {
			if (((uint32_t)ip[42] << 8 | (ip[43] & 0xf8u)) != 0) {
				counts.fragments++;
				return;
			}
			headers += (uint32_t)sizeof(struct ip6_frag);
		} else if (ip[6] != IPPROTO_UDP) {
			return;
		}
		memcpy(copy.source, ip + 8, 16);
		copy.host = ip[39];
	} else {
		return;
	}
	struct udphdr udp;
	if (bytes < headers + sizeof(udp))
		return;
	memcpy(&udp, ip + headers, sizeof(udp));
	copy.source_port = ntohs(udp.source);
	copy.destination_port = ntohs(udp.dest);
	copy.length = ntohs(udp.len) - (uint32_t)sizeof(udp);
	copy.payload = ip + headers + sizeof(udp);
	copy.available = bytes - headers - (uint32_t)sizeof(udp);
	if (copy.available > copy.length)
		copy.available = copy.length;
	take_copy(&copy);
}

/* ---- the ring ---- */

static int ring_fd;
static uint8_t *ring;
static uint32_t next_block;

static void open_ring(const char *interface)
{
	ring_fd = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (ring_fd < 0)
		fail("socket");
	int version = TPACKET_V3, on = 1;
	struct tpacket_req3 request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = 2048,
		.tp_frame_nr = BLOCKS * (BLOCK_BYTES / 2048),
		.tp_retire_blk_tov = BLOCK_TIMEOUT_MS,
	};
	if (setsockopt(ring_fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(ring_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(ring_fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0)
		fail("setsockopt");
	ring = mmap(NULL, (size_t)BLOCKS * BLOCK_BYTES, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, ring_fd, 0);
	if (ring == MAP_FAILED)
		fail("mmap");
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	address.sll_ifindex = (int)if_nametoindex(interface);
	if (address.sll_ifindex == 0 ||
	    bind(ring_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(interface);
}

static struct tpacket_block_desc *block_at(uint32_t index)
{
	return (void *)(ring + (size_t)index * BLOCK_BYTES);
}

static void take_block(const struct tpacket_block_desc *block)
{
	const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
		struct tpacket3_hdr header;
		memcpy(&header, at, sizeof(header));
		take_packet(at + header.tp_net, header.tp_snaplen,
			    (uint64_t)header.tp_sec * 1000000000u + header.tp_nsec);
		at += header.tp_next_offset;
	}
}

/* Takes what the kernel has handed over. */
static void drain_ring(void)
{
	for (;;) {
		struct tpacket_block_desc *block = block_at(next_block);
		if ((__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		     TP_STATUS_USER) == 0)
			return;
		take_block(block);
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		next_block = (next_block + 1) % BLOCKS;
	}
}

static void count_ring_drops(void)
{
	struct tpacket_stats_v3 statistics;
	socklen_t bytes = sizeof(statistics);
	if (getsockopt(ring_fd, SOL_PACKET, PACKET_STATISTICS, &statistics, &bytes) < 0)
		fail("PACKET_STATISTICS");
	counts.ring_drops += statistics.tp_drops;
}

/* ---- commands ---- */

static uint64_t quantile(double share)
{
	uint64_t rank = (uint64_t)(share * (double)latency_count);
	uint64_t seen = 0;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		seen += latencies[i];
		if (seen > rank)
			return bucket_end(i) < latency_max ? bucket_end(i) : latency_max;
	}
	return latency_max;
}

static void print_destinations(void)
{
	const char *separator = "";
	printf("\"destinations\": [");
	for (int family = 0; family < 2; family++) {
		for (uint32_t i = 0; i < 256 * OUTPUTS; i++) {
			const struct destination *at =
				&destinations[family][i / OUTPUTS][i % OUTPUTS];
			if (at->copies == 0)
				continue;
			printf("%s{\"family\": %d, \"host\": %u, \"output\": %u, \"copies\": %llu, "
			       "\"bytes\": %llu}",
			       separator, family == 0 ? 4 : 6, i / OUTPUTS, i % OUTPUTS,
			       (unsigned long long)at->copies, (unsigned long long)at->bytes);
			separator = ", ";
		}
	}
	printf("], ");
}

static void print_streams(void)
{
	printf("\"streams\": [");
	for (uint32_t i = 0; i < stream_count; i++) {
		const struct stream *stream = &streams[i];
		printf("%s{\"packets\": %llu, \"missing\": %llu, \"longestGapNs\": %llu}",
		       i == 0 ? "" : ", ", (unsigned long long)stream->packets,
		       (unsigned long long)stream->missing,
		       (unsigned long long)stream->longest_gap_ns);
	}
	printf("], ");
}

static void print_generations(void)
{
	const char *separator = "";
	printf("\"generations\": [");
	for (uint32_t i = 0; i < GENERATIONS; i++) {
		if (last_sent_ns[i] == 0)
			continue;
		/* Milliseconds: nanoseconds since 1970 do not fit a JSON number. */
		printf("%s{\"generation\": %u, \"lastSentAtMs\": %llu.%06llu}", separator, i,
		       (unsigned long long)(last_sent_ns[i] / 1000000),
		       (unsigned long long)(last_sent_ns[i] % 1000000));
		separator = ", ";
	}
	printf("], ");
}

static void print_count(const char *name, uint64_t count)
{
	printf("\"%s\": %llu, ", name, (unsigned long long)count);
}

static void report(void)
{
	count_ring_drops();
	uint64_t packets = 0, missing = 0;
	for (uint32_t i = 0; i < stream_count; i++) {
		packets += streams[i].packets;
		missing += streams[i].missing;
	}
	printf("{");
	print_count("packets", packets);
	print_count("missing", missing);
	print_count("copies", counts.copies);
	print_count("bytes", counts.bytes);
	print_count("unnumbered", counts.unnumbered);
	print_count("fragments", counts.fragments);
	print_count("doubled", counts.doubled);
	print_count("disordered", counts.disordered);
	print_count("mixed", counts.mixed);
	print_count("stale", counts.stale);
	print_count("misrouted", counts.misrouted);
	print_count("damaged", counts.damaged);
	print_count("unknown", counts.unknown);
	print_count("incomplete", counts.incomplete);
	print_count("copiesMissing", counts.copies_missing);
	print_count("ringDrops", counts.ring_drops);
	print_destinations();
	print_streams();
	print_generations();
	printf("\"latency\": {\"count\": %llu, \"p50Ns\": %llu, \"p99Ns\": %llu, \"maxNs\": "
	       "%llu}}\n",
	       (unsigned long long)latency_count, (unsigned long long)quantile(0.5),
	       (unsigned long long)quantile(0.99), (unsigned long long)latency_max);
}

static void reset(void)
{
	memset(latencies, 0, sizeof(latencies));
	latency_count = latency_max = 0;
	for (uint32_t i = 0; i < stream_count; i++)
		streams[i].longest_gap_ns = 0;
}

static int add_class(void)
{
	const char *text[4];
	for (int i = 0; i < 4; i++)
		if ((text[i] = strtok(NULL, " \n")) == NULL)
			return 0;
	struct class *class = &classes[(uint32_t)atoi(text[0]) % CLASSES];
	class->destination = (uint8_t)atoi(text[1]);
	class->outputs[0] = (uint8_t)atoi(text[2]);
	class->outputs[1] = (uint8_t)atoi(text[3]);
	return 1;
}

static int add_stream(void)
{
	const char *address = strtok(NULL, " \n");
	const char *port = strtok(NULL, " \n");
	const char *class = strtok(NULL, " \n");
	if (class == NULL || stream_count == STREAMS_MAX)
		return 0;
	struct stream *stream = &streams[stream_count];
	memcpy(stream->source, ipv4_prefix, sizeof(ipv4_prefix));
	if (inet_pton(AF_INET, address, stream->source + 12) != 1 &&
	    inet_pton(AF_INET6, address, stream->source) != 1)
		return 0;
	stream->port = (uint16_t)atoi(port);
	stream->class = (uint8_t)((uint32_t)atoi(class) % CLASSES);
	stream->window = calloc(WINDOW, sizeof(*stream->window));
	if (stream->window == NULL)
		fail("calloc");
	stream_count++;
	return 1;
}

/* Nothing is under way any more: judges all that was sent. */
static int finish(void)
{
	for (uint32_t i = 0; i < stream_count; i++) {
		const char *text = strtok(NULL, " \n");
		if (text == NULL)
			return 0;
		uint64_t sent = strtoull(text, NULL, 10);
		if (streams[i].end > sent)
			counts.unknown += streams[i].end - sent;
		while (streams[i].first < sent)
			retire(&streams[i]);
	}
	report();
	return 1;
}

static int obey(char *line)
{
	const char *command = strtok(line, " \n");
	if (command == NULL)
		return 0;
	if (strcmp(command, "report") == 0) {
		report();
		return 1;
	}
	if (strcmp(command, "finish") == 0)
		return finish();
	int is_done = 1;
	if (strcmp(command, "class") == 0) {
		is_done = add_class();
	} else if (strcmp(command, "stream") == 0) {
		is_done = add_stream();
	} else if (strcmp(command, "buffer") == 0) {
		const char *bytes = strtok(NULL, " \n");
		is_done = bytes != NULL;
		buffer_bytes = bytes == NULL ? 0 : (uint32_t)atoi(bytes);
	} else if (strcmp(command, "start") == 0) {
		is_counting = 1;
	} else if (strcmp(command, "reset") == 0) {
		reset();
	} else {
		is_done = 0;
	}
	if (is_done)
		printf("{}\n");
	return is_done;
}

/* Obeys the whole lines that have come. Returns 0 at the end of the input. */
static int read_commands(void)
{
	static char text[LINE_BYTES];
	static size_t length;
	ssize_t got = read(STDIN_FILENO, text + length, sizeof(text) - 1 - length);
	if (got <= 0)
		return 0;
	length += (size_t)got;
	text[length] = '\0';
	char *line = text;
	for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (!obey(line)) {
			fprintf(stderr, "collector: bad command\n");
			exit(2);
		}
		fflush(stdout);
	}
	length -= (size_t)(line - text);
	memmove(text, line, length);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "collector: needs the name of an interface\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A collector that has to wait for a core loses copies: it takes little of it. */
	struct sched_param priority = {.sched_priority = 1};
	if (sched_setscheduler(0, SCHED_FIFO, &priority) < 0)
		fprintf(stderr, "collector: no real-time priority (%s)\n", strerror(errno));
	streams = calloc(STREAMS_MAX, sizeof(*streams));
	if (streams == NULL)
		fail("calloc");
	make_noise(noise);
	open_ring(argv[1]);
	printf("{}\n");
	fflush(stdout);
	for (;;) {
		struct pollfd inputs[] = {{.fd = ring_fd, .events = POLLIN},
					  {.fd = STDIN_FILENO, .events = POLLIN}};
		if (poll(inputs, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		drain_ring();
		if (inputs[1].revents != 0 && !read_commands())
			return 0;
	}
}
