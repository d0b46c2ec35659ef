/* The frames that leave together, and the headers that all packets have. */
#ifndef GENERATOR_BURST_H
#define GENERATOR_BURST_H

#include <stdint.h>

#include "shared/frame.h"

#define BURST_MAX 64u
#define IP_BYTES_MAX 65535u

struct frame {
	struct frame_head head;
	uint8_t ip[IP_BYTES_MAX];
} __attribute__((packed));

struct options;

/* Writes what is the same in every packet. */
void prepare_burst(const struct options *options);

/* One of BURST_MAX. */
struct frame *frame_at(uint32_t index);

/* Writes Ethernet, IP and UDP headers. Returns where the payload goes. */
uint8_t *write_headers(const struct options *options, struct frame *frame, const uint8_t source[16],
		       uint16_t port, uint32_t payload);

/* Says where the packet in a frame ends. */
void set_end(uint32_t index, const uint8_t *end);

/* Sends the first frames. Returns how many of them the interface took. */
uint32_t send_burst(int fd, uint32_t count, uint64_t *refused);

#endif
