/*
 * Load generator: UDP datagrams from many exporters at a given rate, written to an interface as
 * frames (packet(7)), so that any source address can be used and the sender's own IP stack costs
 * nothing. All that is the same in every packet is written into the frames before the first one.
 *
 * Prints one line of JSON when it ends: packets sent, packets that the interface refused, seconds.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "bench/generator/options.h"
#include "bench/payload.h"
#include "shared/clock.h"
#include "shared/fail.h"
#include "shared/frame.h"
#include "shared/link.h"
#include "shared/stop.h"

#define BURST_MAX 64u
/* So many bursts a second: what is paced leaves at even distances, yet with few system calls. */
#define BURSTS_PER_SECOND 25000.0

struct frame {
	struct frame_head head;
	uint8_t rest[sizeof(struct ip6_hdr) + sizeof(struct udphdr) + PAYLOAD_MAX];
} __attribute__((packed));

static struct frame frames[BURST_MAX];
static struct iovec parts[BURST_MAX];
static struct mmsghdr messages[BURST_MAX];

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
	uint16_t udp_bytes = (uint16_t)(sizeof(struct udphdr) + options->payload);
	struct iphdr header4 = ip4_header(options->first_exporter, options->destination, udp_bytes);
	struct ip6_hdr header6 =
		ip6_header(options->first_exporter, options->destination, udp_bytes);
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		struct frame *frame = &frames[i];
		set_macs(&frame->head, options->destination_mac);
		set_protocol(&frame->head, options->family == 4);
		memset(frame->rest, 0x5a, sizeof(frame->rest));
		if (options->family == 4)
			memcpy(frame->rest, &header4, sizeof(header4));
		else
			memcpy(frame->rest, &header6, sizeof(header6));
		parts[i].iov_base = frame;
		parts[i].iov_len = offsetof(struct frame, rest) + ip_bytes(options) + udp_bytes;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Returns the sum of the addresses. */
static uint32_t write_source4(const struct options *options, uint8_t *rest, uint32_t address)
{
	struct iphdr header;
	memcpy(&header, rest, sizeof(header));
	memcpy(&header.saddr, options->first_exporter, 4);
	add_to_address((uint8_t *)&header.saddr, address);
	set_ip4_checksum(&header);
	memcpy(rest, &header, sizeof(header));
	return sum_words(&header.saddr, 8);
}

static uint32_t write_source6(const struct options *options, uint8_t *rest, uint32_t address)
{
	struct ip6_hdr header;
	memcpy(&header, rest, sizeof(header));
	memcpy(&header.ip6_src, options->first_exporter, 16);
	add_to_address((uint8_t *)&header.ip6_src + 12, address);
	memcpy(rest, &header, sizeof(header));
	return sum_words(&header.ip6_src, 32);
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
	uint32_t addresses_sum = (options->family == 4 ? write_source4 : write_source6)(
		options, frame->rest, address);
	struct udphdr udp =
		partial_udp(port, options->destination_port,
			    (uint16_t)(sizeof(struct udphdr) + options->payload), addresses_sum);
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

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);
	stop_at(SIGTERM);
	stop_at(SIGINT);
	prepare(&options);
	run(&options, open_writer(options.interface));
	return 0;
}
