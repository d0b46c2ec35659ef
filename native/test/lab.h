/* A packet I/O with all its memory, and packets, collectors and copies by hand. */
#ifndef LAB_H
#define LAB_H

#include <arpa/inet.h>
#include <stdlib.h>

#include "internal.h"

#define LAB_BATCH 64u
#define LAB_COPIES 4096u
#define LAB_SLOTS 128u
#define LAB_COLLECTORS 2048u
#define LAB_FD4 104
#define LAB_FD6 106

struct lab {
	pio_t *io;
	struct pio_packet packets[LAB_BATCH];
	struct pio_copy copies[LAB_COPIES];
	uint64_t counters[PIO_COUNTERS];
	struct pio_slot slots[LAB_SLOTS];
	struct table_collector collectors[LAB_COLLECTORS];
	uint32_t packet_count, copy_count, collector_count;
};

static struct lab lab;

static inline struct pio_options lab_options(int receive_fd, int send4_fd, int send6_fd)
{
	return (struct pio_options){
		.receive_fd = receive_fd,
		.send4_fd = send4_fd,
		.send6_fd = send6_fd,
		.batch = LAB_BATCH,
		.buffer_bytes = PIO_PAYLOAD_MAX,
		.copies_max = LAB_COPIES,
		.slot_count = LAB_SLOTS,
		.takes_group = 1,
		.mapped_prefix = {[10] = 0xff, [11] = 0xff},
		.packets = lab.packets,
		.copies = lab.copies,
		.counters = lab.counters,
		.slots = lab.slots,
	};
}

static inline void lab_open(const struct pio_options *options)
{
	memset(&lab, 0, sizeof(lab));
	if (pio_new(&lab.io, options) < 0)
		abort();
}

/* With descriptors that only a replaced system call understands. */
static inline void lab_open_fake(void)
{
	struct pio_options options = lab_options(-1, LAB_FD4, LAB_FD6);
	lab_open(&options);
}

static inline void lab_close(void)
{
	pio_free(lab.io);
	lab.io = NULL;
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
	uint8_t *payload = lab.io->payloads + index * lab.io->payload_stride;
	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)(i * 7 + i / 256 + length);
	return index;
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
	pio_set_collectors(lab.io, lab.collectors, lab.collector_count);
	return index;
}

static inline void lab_copy(uint32_t packet, uint32_t collector)
{
	lab.copies[lab.copy_count++] = (struct pio_copy){packet, collector};
}

/* Ends the batch; the next one starts empty. */
static inline void lab_send(void)
{
	pio_send(lab.io, lab.packet_count, lab.copy_count);
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
