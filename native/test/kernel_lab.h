/* The program in the kernel between two links, with a consumer that counts for it. */
#ifndef KERNEL_LAB_H
#define KERNEL_LAB_H

#include <sys/mman.h>
#include <time.h>

#include "address.h"
#include "headers.h"
#include "kernel_engine.h"
#include "kernel_links.h"
#include "sender.h"
#include "table_maker.h"

#define KLAB_SLOTS 16384u
#define KLAB_BATCH 256u
#define KLAB_STRIDE 2048u
#define KLAB_RING_BYTES (1u << 20)
#define KLAB_ANSWER_MS 5000

/* Rows of the path table. */
enum klab_path {
	KLAB_PATH4 = 1,
	KLAB_PATH6,
	KLAB_PATH_SMALL, /* IPv4, with an MTU of 600 */
	KLAB_PATH_DOWN,
	KLAB_PATH_HOPS, /* two next hops, by the exporter */
	KLAB_PATH_HOP1,
	KLAB_PATH_HOP2,
	KLAB_PATH_GONE, /* an interface that is no more */
};

static struct {
	struct kernel_engine engine;
	int link;
	pio_sender_t *sender;
	kernel_consumer_t *consumer;
	uint64_t counters[PIO_COUNTERS];
	struct pio_slot slots[KLAB_SLOTS];
	struct table_left_out left_out[MAKER_OUTPUTS];
	struct kernel_journal journal;
	struct pio_packet packets[KLAB_BATCH + PIO_SPARE];
	struct notes *notes;
} klab;
static uint8_t klab_payloads[(KLAB_BATCH + PIO_SPARE) * KLAB_STRIDE];
static uint8_t klab_object[1u << 20];
static char klab_log[1u << 20];

/* Every packet is handled by the table from then on. states: those that it may name are less. */
static inline void klab_publish(struct kernel_engine *engine, const struct maker *maker,
				uint32_t states)
{
	klab_check(kernel_stage(engine, maker->words, maker->bytes, states), "a table");
	klab_check(kernel_put_in_force(engine), "a table in force");
}

static inline struct path *klab_path(uint32_t index)
{
	return (struct path *)(void *)klab.engine.paths + index;
}

static inline void klab_set_path(uint32_t index, uint32_t link, uint32_t mtu, uint16_t type,
				 uint8_t last)
{
	struct path *path = klab_path(index);
	path->mtu = mtu;
	memcpy(path->frame, links.out_mac, 6);
	memcpy(path->frame + 6, "\x02\0\0\0\0\0", 6);
	path->frame[11] = last;
	path->frame[12] = (uint8_t)(type >> 8);
	path->frame[13] = (uint8_t)type;
	__atomic_store_n(&path->link, link, __ATOMIC_RELEASE);
}

static inline uint64_t klab_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct paths_header *klab_paths(void)
{
	return (struct paths_header *)(void *)klab.engine.paths;
}

static inline void klab_set_paths(void)
{
	*klab_paths() = (struct paths_header){
		.magic = PATHS_MAGIC,
		.layout = PATHS_LAYOUT,
		.users = PATHS_KERNEL,
		/* Nobody looks again in a test that takes long. */
		.looked_ms = klab_now_ns() / 1000000 + 3600000,
	};
	klab_set_path(KLAB_PATH4, links.out_index, 1500, ETH_P_IP, 1);
	klab_set_path(KLAB_PATH6, links.out_index, 1500, ETH_P_IPV6, 2);
	klab_set_path(KLAB_PATH_SMALL, links.out_index, 600, ETH_P_IP, 3);
	klab_set_path(KLAB_PATH_DOWN, 0, 1500, ETH_P_IP, 4);
	klab_set_path(KLAB_PATH_HOPS, links.out_index, 1500, ETH_P_IP, 5);
	klab_set_path(KLAB_PATH_HOP1, links.out_index, 1500, ETH_P_IP, 6);
	klab_set_path(KLAB_PATH_HOP2, links.out_index, 1500, ETH_P_IP, 7);
	klab_set_path(KLAB_PATH_GONE, 0x7fff0000, 1500, ETH_P_IP, 8);
	klab_path(KLAB_PATH_HOPS)->first_hop = KLAB_PATH_HOP1;
	klab_path(KLAB_PATH_HOPS)->hops = 2;
}

static inline struct kernel_options klab_options(void)
{
	return (struct kernel_options){.processors = (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
				       .consumers = 1,
				       .ring_bytes = KLAB_RING_BYTES};
}

static inline void klab_load(void)
{
	int fd = open("build/kernel/floxy.o", O_RDONLY);
	if (fd < 0) {
		printf("1..0 # SKIP there is no clang to build the program\n");
		exit(0);
	}
	ssize_t bytes = read(fd, klab_object, sizeof(klab_object));
	close(fd);
	struct kernel_options options = klab_options();
	int error = kernel_load(&klab.engine, klab_object, (size_t)bytes, &options, klab_log,
				sizeof(klab_log));
	if (error < 0)
		fprintf(stderr, "%s\n", klab_log);
	klab_check(error, "the program");
}

static inline struct pio_batch klab_batch(void)
{
	return (struct pio_batch){
		.size = KLAB_BATCH,
		.payload_bytes = KLAB_STRIDE,
		.payload_stride = KLAB_STRIDE,
		.packets = klab.packets,
		.payloads = klab_payloads,
	};
}

static inline void klab_open_column(void)
{
	klab.notes = mmap(NULL, sizeof(struct notes), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	klab_check(notes_open(klab.notes, 1), "notes");
	struct pio_sender_options options = {
		.batch = klab_batch(),
		.counters = klab.counters,
		.slots = klab.slots,
		.slot_count = KLAB_SLOTS,
		.notes = klab.notes,
	};
	klab_check(pio_sender_new(&klab.sender, &options), "a sender");
	struct kernel_consumer_options consumer = {
		.ring = klab.engine.rings[0],
		.ring_bytes = KLAB_RING_BYTES,
		.journal = &klab.journal,
		.sender = klab.sender,
		.left_out = klab.left_out,
		.left_out_count = MAKER_OUTPUTS,
	};
	klab_check(kernel_consumer_new(&klab.consumer, &consumer), "a consumer");
}

/* Listens at 192.0.2.9:2055, 2001:db8::9:2055, any:4739 and any IPv4:6343. */
static inline void klab_listen(void)
{
	struct kernel_listener listeners[] = {
		{.port = 4739, .kind = KERNEL_LISTENER_ANY, .row = 2},
		{.port = 2055, .kind = KERNEL_LISTENER_EXACT, .row = 0},
		{.port = 2055, .kind = KERNEL_LISTENER_EXACT, .row = 1},
		{.port = 6343, .kind = KERNEL_LISTENER_ANY4, .row = 3},
	};
	memcpy(listeners[1].address, pio_ipv4_prefix, 12);
	inet_pton(AF_INET, "192.0.2.9", listeners[1].address + 12);
	inet_pton(AF_INET6, "2001:db8::9", listeners[2].address);
	klab_check(kernel_set_listeners(&klab.engine, listeners, 4), "listeners");
	klab_check(kernel_set_address(&klab.engine, listeners[1].address, 1), "an address");
	klab_check(kernel_set_address(&klab.engine, listeners[2].address, 1), "an address");
}

/* Each processor has turns of its own: all packets come by one. */
static inline void klab_pin(void)
{
	cpu_set_t first;
	CPU_ZERO(&first);
	CPU_SET((size_t)sched_getcpu(), &first);
	klab_check(sched_setaffinity(0, sizeof(first), &first) < 0 ? -errno : 0, "affinity");
}

/* The same as fork(), but the child is on any processor. */
static inline pid_t klab_fork(void)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	cpu_set_t all;
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	return 0;
}

/* Whether links have queues: then the last copy is a clone, too. */
static inline void klab_set_queues(int have)
{
	struct kernel_settings *settings = klab.engine.settings;
	memset(settings->direct, have ? 0 : 0xff, sizeof(settings->direct));
}

/* All but a table. */
static inline void klab_open(void)
{
	tap_need_root();
	klab_pin();
	klab_open_links();
	klab_load();
	struct kernel_settings *settings = klab.engine.settings;
	settings->payload_bytes = KLAB_STRIDE;
	settings->hold_ns = 0;
	settings->forwarders = 1;
	settings->empty_ns[0] = ~0ull;
	klab_set_queues(0);
	memcpy(settings->mapped_prefix, pio_ipv4_prefix, 12);
	klab_set_paths();
	klab_listen();
	settings->flags = KERNEL_ON;
	klab.link = klab_check(kernel_attach(&klab.engine, links.in_index), "a link");
	klab_open_column();
}

/* What the program has counted, of all processors. */
static inline struct kernel_counters klab_counted(void)
{
	struct kernel_counters sum = {0};
	for (uint32_t i = 0; i < klab.engine.processors; i++) {
		const struct kernel_counters *counters = &klab.engine.cpus[i].counters;
		sum.handled += counters->handled;
		sum.handled_bytes += counters->handled_bytes;
		for (uint32_t reason = 0; reason < KERNEL_REASONS; reason++)
			sum.up[reason] += counters->up[reason];
	}
	return sum;
}

static inline uint64_t klab_seen(void)
{
	struct kernel_counters sum = klab_counted();
	uint64_t all = sum.handled;
	for (uint32_t reason = 0; reason < KERNEL_REASONS; reason++)
		all += sum.up[reason];
	return all;
}

/* Waits for what the kernel does in the background. */
static inline void klab_await(uint64_t seen)
{
	for (int i = 0; klab_seen() < seen && i < KLAB_ANSWER_MS; i++)
		usleep(1000);
}

/* A frame comes; the program has seen it when this returns. partial: its UDP checksum, at this
 * place behind the IP header, is for a device to finish. */
static inline void klab_inject(const struct klab_frame *frame, uint32_t partial_at)
{
	struct virtio_net_hdr header = {0};
	if (partial_at != 0) {
		header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		header.csum_start = (uint16_t)partial_at;
		header.csum_offset = 6;
	}
	struct iovec parts[] = {{&header, sizeof(header)},
				{(void *)(uintptr_t)frame->data, frame->bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	uint64_t before = klab_seen();
	klab_check(sendmsg(links.in, &message, 0) < 0 ? -errno : 0, "a frame");
	klab_await(before + 1);
}

static inline uint32_t klab_consume(void)
{
	uint32_t records = 0;
	int count;
	while ((count = kernel_consume(klab.consumer)) > 0)
		records += (uint32_t)count;
	return records;
}

static inline void klab_forget(void)
{
	struct klab_frame *frame = malloc(sizeof(*frame));
	while (klab_capture(frame, 0))
		;
	free(frame);
	klab_consume();
	memset(klab.counters, 0, sizeof(klab.counters));
	memset(klab.slots, 0, sizeof(klab.slots));
	memset(klab.left_out, 0, sizeof(klab.left_out));
}

static inline void klab_close(void)
{
	kernel_consumer_free(klab.consumer);
	pio_sender_free(klab.sender);
	munmap(klab.notes, sizeof(*klab.notes));
	close(klab.link);
	klab_close_links();
	kernel_close(&klab.engine);
}

#endif
