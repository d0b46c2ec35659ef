#include "judge/ring.h"

#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "judge/copy.h"
#include "judge/counts.h"
#include "judge/judge.h"
#include "shared/fail.h"
#include "shared/link.h"

#define BLOCK_BYTES (1u << 20)
#define BLOCKS 128u
/* A block that is not full is handed over after this. */
#define BLOCK_TIMEOUT_MS 5u

struct ring {
	uint8_t *blocks;
	uint32_t next;
};

static struct ring rings[RINGS_MAX];
int ring_fds[RINGS_MAX];
uint32_t ring_count;

int open_ring(const char *interface)
{
	int on = 1;
	struct tpacket_req3 request = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = 2048,
		.tp_frame_nr = BLOCKS * (BLOCK_BYTES / 2048),
		.tp_retire_blk_tov = BLOCK_TIMEOUT_MS,
	};
	if (ring_count == RINGS_MAX)
		return 0;
	int fd = open_link(SOCK_DGRAM);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		fail("PACKET_IGNORE_OUTGOING");
	rings[ring_count].blocks =
		map_ring(fd, TPACKET_V3, &request, sizeof(request), (size_t)BLOCKS * BLOCK_BYTES);
	bind_reader(fd, interface);
	ring_fds[ring_count++] = fd;
	return 1;
}

static void take_block(const struct tpacket_block_desc *block, uint32_t way)
{
	const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	for (uint32_t i = 0; i < block->hdr.bh1.num_pkts; i++) {
		struct tpacket3_hdr header;
		memcpy(&header, at, sizeof(header));
		struct copy copy = {
			.way = (uint16_t)way,
			.arrived_ns = (uint64_t)header.tp_sec * 1000000000u + header.tp_nsec,
		};
		enum content content = read_copy(at + header.tp_net, header.tp_snaplen, &copy);
		counts.fragments += content == LATER_FRAGMENT;
		if (content == COPY)
			take_copy(&copy);
		at += header.tp_next_offset;
	}
}

static void drain_ring(struct ring *ring, uint32_t way)
{
	for (;;) {
		struct tpacket_block_desc *block =
			(void *)(ring->blocks + (size_t)ring->next * BLOCK_BYTES);
		if ((__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		     TP_STATUS_USER) == 0)
			return;
		take_block(block, way);
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		ring->next = (ring->next + 1) % BLOCKS;
	}
}

void drain_rings(void)
{
	for (uint32_t i = 0; i < ring_count; i++)
		drain_ring(&rings[i], i + 1);
}

uint64_t ring_drops(void)
{
	static uint64_t drops;
	for (uint32_t i = 0; i < ring_count; i++) {
		struct tpacket_stats_v3 statistics;
		socklen_t bytes = sizeof(statistics);
		if (getsockopt(ring_fds[i], SOL_PACKET, PACKET_STATISTICS, &statistics, &bytes) < 0)
			fail("PACKET_STATISTICS");
		/* The kernel counts from the last time it was asked. */
		drops += statistics.tp_drops;
	}
	return drops;
}
