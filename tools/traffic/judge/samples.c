#include "judge/samples.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "payload/timed.h"
#include "shared/fail.h"
#include "shared/link.h"

#define RING_FRAME_BYTES 256u
#define RING_FRAMES 131072u
#define RING_BLOCK_BYTES (1u << 20)
#define RING_BYTES ((size_t)RING_FRAMES * RING_FRAME_BYTES)
#define SNAPSHOT_BYTES 120u

/*
 * Accepts UDP packets whose sequence number is sampled: IPv4 without fragment offset, IPv6, IPv6
 * with a fragment header of offset 0. Offsets are from the Ethernet header.
 */
static const struct sock_filter is_sampled[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 6),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 15),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 13, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 20 + 8 + TIMED_SEQUENCE_AT),
	BPF_JUMP(BPF_JMP | BPF_JA, 9, 0, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 10),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 40 + 8 + TIMED_SEQUENCE_AT),
	BPF_JUMP(BPF_JMP | BPF_JA, 4, 0, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_FRAGMENT, 0, 5),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 40 + 2),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0xfff8, 3, 0),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14 + 40 + 8 + 8 + TIMED_SEQUENCE_AT),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SAMPLE_EVERY - 1, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SNAPSHOT_BYTES),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

struct recording start_samples(const char *interface)
{
	struct recording recording = {.fd = open_link(SOCK_RAW)};
	struct sock_fprog filter = {
		.len = sizeof(is_sampled) / sizeof(is_sampled[0]),
		.filter = (struct sock_filter *)is_sampled,
	};
	struct tpacket_req request = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_frame_size = RING_FRAME_BYTES,
		.tp_block_nr = RING_FRAMES / (RING_BLOCK_BYTES / RING_FRAME_BYTES),
		.tp_frame_nr = RING_FRAMES,
	};
	if (setsockopt(recording.fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		fail("SO_ATTACH_FILTER");
	recording.frames =
		map_ring(recording.fd, TPACKET_V2, &request, sizeof(request), RING_BYTES);
	bind_reader(recording.fd, interface);
	return recording;
}

/* Where the payload begins, and the last 32 bits of the source address. The filter has checked the
 * rest. */
static const uint8_t *find_payload(const uint8_t *ethernet, uint32_t *source, uint16_t *port)
{
	const uint8_t *ip = ethernet + sizeof(struct ether_header);
	const uint8_t *udp = ip + sizeof(struct iphdr);
	if (ip[0] >> 4 == 4) {
		memcpy(source, ip + 12, 4);
	} else {
		memcpy(source, ip + 8 + 12, 4);
		udp = ip + sizeof(struct ip6_hdr) + (ip[6] == IPPROTO_FRAGMENT ? 8 : 0);
	}
	*port = (uint16_t)(udp[0] << 8 | udp[1]);
	return udp + sizeof(struct udphdr);
}

static int compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static double quantile(const int64_t *sorted, uint32_t count, double share)
{
	return count == 0 ? 0 : (double)sorted[(uint32_t)(share * (count - 1))];
}

/* Reads the latencies of all samples. Returns how many there are. */
static uint32_t read_latencies(const uint8_t *frames, int64_t *latencies, uint32_t *with_source)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < RING_FRAMES; i++) {
		const struct tpacket2_hdr *frame =
			(const void *)(frames + (size_t)i * RING_FRAME_BYTES);
		if ((frame->tp_status & TP_STATUS_USER) == 0)
			break;
		uint32_t source;
		uint16_t port;
		struct timed_header header;
		const uint8_t *payload =
			find_payload((const uint8_t *)frame + frame->tp_mac, &source, &port);
		memcpy(&header, payload, sizeof(header));
		if (header.sent_at_ns == 0)
			continue;
		int64_t arrived_at_ns =
			(int64_t)frame->tp_sec * 1000000000 + (int64_t)frame->tp_nsec;
		latencies[count++] = arrived_at_ns - (int64_t)header.sent_at_ns;
		*with_source += source == header.address && port == ntohs(header.source_port);
	}
	return count;
}

void end_samples(struct recording *recording)
{
	static int64_t latencies[RING_FRAMES];
	uint32_t with_source = 0;
	uint32_t count = read_latencies(recording->frames, latencies, &with_source);
	munmap(recording->frames, RING_BYTES);
	close(recording->fd);
	recording->fd = -1;
	qsort(latencies, count, sizeof(latencies[0]), compare);
	printf("{\"samples\": %u, \"withExporterSource\": %u, \"p50Ns\": %.0f, \"p99Ns\": %.0f, "
	       "\"p999Ns\": %.0f, \"maxNs\": %.0f}\n",
	       count, with_source, quantile(latencies, count, 0.5),
	       quantile(latencies, count, 0.99), quantile(latencies, count, 0.999),
	       quantile(latencies, count, 1));
}
