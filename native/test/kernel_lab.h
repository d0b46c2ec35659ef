/*
 * The program in the kernel between two links of a network namespace: packets come in by one, with
 * any checksum that a device may leave to the kernel, and copies are read at the end of the other.
 */
#ifndef KERNEL_LAB_H
#define KERNEL_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "checksum.h"
#include "headers.h"
#include "kernel_engine.h"
#include "sender.h"
#include "table_maker.h"
#include "tap.h"

#define KLAB_SLOTS 16384u
#define KLAB_BATCH 256u
#define KLAB_STRIDE 2048u
#define KLAB_RING_BYTES (1u << 20)
#define KLAB_FRAME_BYTES 65600u
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

struct klab_frame {
	uint32_t bytes;
	uint8_t data[KLAB_FRAME_BYTES];
};

static struct {
	struct kernel_engine engine;
	int in, out, link;
	uint32_t in_index, out_index;
	uint8_t in_mac[6], out_mac[6];
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

static inline int klab_check(int result, const char *what)
{
	if (result >= 0)
		return result;
	printf("Bail out! %s: %s\n", what, strerror(-result));
	exit(1);
}

/* Every packet is handled by the table from then on. states: those that it may name are less. */
static inline void klab_publish(struct kernel_engine *engine, const struct maker *maker,
				uint32_t states)
{
	klab_check(kernel_stage(engine, maker->words, maker->bytes, states), "a table");
	klab_check(kernel_put_in_force(engine), "a table in force");
}

static inline void klab_run(const char *command)
{
	if (system(command) == 0)
		return;
	printf("Bail out! %s\n", command);
	exit(1);
}

/* Nothing but what a test sends is on the links. */
static inline void klab_silence(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY);
	if (fd < 0)
		return;
	klab_check(write(fd, "1", 1) == 1 ? 0 : -errno, "disable_ipv6");
	close(fd);
}

static inline int klab_socket(const char *interface, uint8_t mac[6])
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	struct sockaddr_ll name = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(ETH_P_ALL),
				   .sll_ifindex = (int)if_nametoindex(interface)};
	int on = 1, room = 8 << 20;
	if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		klab_check(-errno, interface);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return fd;
}

static inline void klab_open_links(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		klab_check(-errno, "unshare");
	klab_silence();
	klab_run("ip link set lo up && ip link add in0 type veth peer name in1 && "
		 "ip link add out0 type veth peer name out1 && ip link set in0 up && "
		 "ip link set in1 up && ip link set out0 up && ip link set out1 up && "
		 "ip link set in0 mtu 4000 && ip link set in1 mtu 4000");
	uint8_t own[6];
	klab.in = klab_socket("in1", own);
	close(klab_socket("in0", klab.in_mac));
	klab.out = klab_socket("out1", klab.out_mac);
	klab.in_index = if_nametoindex("in0");
	klab.out_index = if_nametoindex("out0");
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
	memcpy(path->frame, klab.out_mac, 6);
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
	klab_set_path(KLAB_PATH4, klab.out_index, 1500, ETH_P_IP, 1);
	klab_set_path(KLAB_PATH6, klab.out_index, 1500, ETH_P_IPV6, 2);
	klab_set_path(KLAB_PATH_SMALL, klab.out_index, 600, ETH_P_IP, 3);
	klab_set_path(KLAB_PATH_DOWN, 0, 1500, ETH_P_IP, 4);
	klab_set_path(KLAB_PATH_HOPS, klab.out_index, 1500, ETH_P_IP, 5);
	klab_set_path(KLAB_PATH_HOP1, klab.out_index, 1500, ETH_P_IP, 6);
	klab_set_path(KLAB_PATH_HOP2, klab.out_index, 1500, ETH_P_IP, 7);
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
	klab.link = klab_check(kernel_attach(&klab.engine, klab.in_index), "a link");
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
	klab_check(sendmsg(klab.in, &message, 0) < 0 ? -errno : 0, "a frame");
	klab_await(before + 1);
}

/* The frame that left next, whole: 1; 0 when none comes for so many milliseconds. */
static inline int klab_capture(struct klab_frame *frame, int wait_ms)
{
	struct virtio_net_hdr header;
	struct iovec parts[] = {{&header, sizeof(header)}, {frame->data, sizeof(frame->data)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct pollfd ready = {klab.out, POLLIN, 0};
	if (poll(&ready, 1, wait_ms) <= 0)
		return 0;
	ssize_t bytes = recvmsg(klab.out, &message, 0);
	if (bytes < (ssize_t)sizeof(header))
		return 0;
	frame->bytes = (uint32_t)bytes - (uint32_t)sizeof(header);
	if ((header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return 1;
	/* As a device would: RFC 1071 over all from there on. */
	uint32_t sum = pio_sum(frame->data + header.csum_start, frame->bytes - header.csum_start);
	uint16_t checksum = (uint16_t)~sum;
	if (checksum == 0)
		checksum = 0xffff;
	memcpy(frame->data + header.csum_start + header.csum_offset, &checksum, 2);
	return 1;
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
	close(klab.in);
	close(klab.out);
	kernel_close(&klab.engine);
}

#endif
