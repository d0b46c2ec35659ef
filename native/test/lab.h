/* A receiver and a sender with all their memory, and packets, collectors and copies by hand. */
#ifndef LAB_H
#define LAB_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "address.h"
#include "batch.h"
#include "sender.h"

#define LAB_BATCH 64u
#define LAB_COPIES 4096u
#define LAB_SLOTS 128u
#define LAB_COLLECTORS 8192u
#define LAB_LEAVES 16u
#define LAB_LINKS 2u
#define LAB_PAYLOAD_STRIDE 65536u
/* The first of the sockets that only a replaced system call understands. */
#define LAB_FD4 200
#define LAB_FD6 300
#define LAB_OWN4 400
#define LAB_OWN6 500
#define LAB_FRAMES 600

struct lab {
	pio_receiver_t *receiver;
	pio_sender_t *sender;
	struct pio_packet packets[LAB_BATCH + PIO_SPARE];
	struct pio_copy copies[LAB_COPIES];
	uint64_t counters[PIO_COUNTERS];
	struct pio_slot slots[LAB_SLOTS];
	struct table_collector collectors[LAB_COLLECTORS];
	struct table_leave leaves[LAB_LEAVES];
	struct path paths[PATHS_MAX];
	uint32_t packet_count, copy_count, collector_count;
};

static struct lab lab;
static uint8_t lab_payloads[(LAB_BATCH + PIO_SPARE) * LAB_PAYLOAD_STRIDE];

static inline struct pio_batch lab_batch(void)
{
	return (struct pio_batch){
		.size = LAB_BATCH,
		.payload_bytes = PIO_PAYLOAD_MAX,
		.payload_stride = LAB_PAYLOAD_STRIDE,
		.packets = lab.packets,
		.payloads = lab_payloads,
	};
}

static inline struct pio_receiver_options lab_receiver_options(int fd)
{
	return (struct pio_receiver_options){
		.fd = fd,
		.takes_group = 1,
		.batch = lab_batch(),
		.counters = lab.counters,
	};
}

static inline struct pio_sender_options lab_sender_options(const int *ipv4_fds, uint32_t ipv4_count,
							   const int *ipv6_fds, uint32_t ipv6_count)
{
	return (struct pio_sender_options){
		.ipv4_fds = ipv4_fds,
		.ipv6_fds = ipv6_fds,
		.ipv4_count = ipv4_count,
		.ipv6_count = ipv6_count,
		.mapped_prefix = {[10] = 0xff, [11] = 0xff},
		.batch = lab_batch(),
		.copies_max = LAB_COPIES,
		.slot_count = LAB_SLOTS,
		.copies = lab.copies,
		.counters = lab.counters,
		.slots = lab.slots,
	};
}

static inline void lab_check(int result, const char *what)
{
	if (result >= 0)
		return;
	printf("Bail out! %s: %s\n", what, strerror(-result));
	exit(1);
}

static inline void lab_open_receiver(const struct pio_receiver_options *options)
{
	memset(&lab, 0, sizeof(lab));
	lab_check(pio_receiver_new(&lab.receiver, options), "no receiver");
}

static inline void lab_open_sender(const struct pio_sender_options *options)
{
	memset(&lab, 0, sizeof(lab));
	lab_check(pio_sender_new(&lab.sender, options), "no sender");
}

/* So many sockets of each family. */
static inline void lab_open_fake(uint32_t ipv4_count, uint32_t ipv6_count)
{
	static int ipv4_fds[PIO_SOCKETS_MAX], ipv6_fds[PIO_SOCKETS_MAX];
	static const int own_ipv4_fds[] = {LAB_OWN4, LAB_OWN4 + 1};
	static const int own_ipv6_fds[] = {LAB_OWN6, LAB_OWN6 + 1};
	static const int frame_fds[LAB_LINKS] = {LAB_FRAMES, LAB_FRAMES + 1};
	for (uint32_t i = 0; i < PIO_SOCKETS_MAX; i++) {
		ipv4_fds[i] = LAB_FD4 + (int)i;
		ipv6_fds[i] = LAB_FD6 + (int)i;
	}
	struct pio_sender_options options =
		lab_sender_options(ipv4_fds, ipv4_count, ipv6_fds, ipv6_count);
	options.own_ipv4_fds = own_ipv4_fds;
	options.own_ipv6_fds = own_ipv6_fds;
	options.own_ipv4_count = 2;
	options.own_ipv6_count = 2;
	options.frame_fds = frame_fds;
	options.frame_count = LAB_LINKS;
	options.paths = (const struct paths_header *)(const void *)lab.paths;
	lab_open_sender(&options);
}

static inline void lab_close(void)
{
	pio_receiver_free(lab.receiver);
	pio_sender_free(lab.sender);
	lab.receiver = NULL;
	lab.sender = NULL;
}

static inline uint8_t *lab_payload(uint32_t packet)
{
	return lab_payloads + packet * LAB_PAYLOAD_STRIDE;
}

static inline void lab_address(uint8_t address[16], const char *text)
{
	memcpy(address, pio_ipv4_prefix, 12);
	if (inet_pton(AF_INET, text, address + 12) != 1 && inet_pton(AF_INET6, text, address) != 1)
		abort();
}

/* A packet as pio_receive leaves it, its payload a pattern of its length; counted at slot 0. */
static inline uint32_t lab_packet(const char *source, uint32_t source_port, uint32_t length)
{
	uint32_t index = lab.packet_count++;
	struct pio_packet *packet = &lab.packets[index];
	lab_address(packet->source, source);
	packet->source_port = source_port;
	packet->length = (uint16_t)length;
	packet->flags = pio_is_ipv4(packet->source) ? 0 : PIO_PACKET_IPV6;
	packet->hop_limit = 64;
	packet->input_slot = 0;
	uint8_t *payload = lab_payload(index);
	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256 + length);
	return index;
}

static inline void lab_set_collectors(void)
{
	pio_set_collectors(lab.sender, lab.collectors, lab.collector_count, lab.leaves, LAB_LEAVES);
}

/* A collector counted at the slot after its index. */
static inline uint32_t lab_collector(const char *address, uint16_t port)
{
	uint32_t index = lab.collector_count++;
	struct table_collector *collector = &lab.collectors[index];
	lab_address(collector->address, address);
	collector->port = htons(port);
	collector->family = pio_is_ipv4(collector->address) ? 4 : 6;
	collector->output_slot = (index + 1) % LAB_SLOTS;
	lab_set_collectors();
	return index;
}

static inline void lab_copy(uint32_t packet, uint32_t collector)
{
	lab.copies[lab.copy_count++] = (struct pio_copy){packet, collector};
}

/* Ends the batch; the next one starts empty. */
static inline void lab_send(void)
{
	pio_send(lab.sender, lab.packet_count, lab.copy_count);
	lab.packet_count = 0;
	lab.copy_count = 0;
}

static inline uint64_t lab_send_errors(void)
{
	uint64_t sum = 0;
	for (int i = 0; i < 256; i++)
		sum += lab.counters[PIO_SEND_ERRORS + i];
	return sum;
}

#endif
