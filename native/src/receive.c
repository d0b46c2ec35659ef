#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define CACHE_LINE 64u

int pio_receiver_init(struct pio *io)
{
	uint32_t batch = io->options.batch;
	io->payload_stride = (io->options.buffer_bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	io->receive_headers = calloc(batch, sizeof(*io->receive_headers));
	io->receive_names = calloc(batch, sizeof(*io->receive_names));
	io->receive_parts = calloc(batch, sizeof(*io->receive_parts));
	io->payloads = aligned_alloc(CACHE_LINE, batch * io->payload_stride);
	if (io->receive_headers == NULL || io->receive_names == NULL || io->receive_parts == NULL ||
	    io->payloads == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch; i++) {
		io->receive_parts[i].iov_base = io->payloads + i * io->payload_stride;
		io->receive_parts[i].iov_len = io->options.buffer_bytes;
		struct msghdr *header = &io->receive_headers[i].msg_hdr;
		header->msg_name = &io->receive_names[i];
		header->msg_namelen = sizeof(io->receive_names[i]);
		header->msg_iov = &io->receive_parts[i];
		header->msg_iovlen = 1;
	}
	return 0;
}

void pio_receiver_deinit(struct pio *io)
{
	free(io->receive_headers);
	free(io->receive_names);
	free(io->receive_parts);
	free(io->payloads);
}

static void take_source(struct pio_packet *packet, const struct sockaddr_in6 *name)
{
	if (name->sin6_family == AF_INET6) {
		memcpy(packet->source, &name->sin6_addr, 16);
		packet->source_port = ntohs(name->sin6_port);
		packet->flags = pio_is_ipv4(packet->source) ? 0 : PIO_PACKET_IPV6;
		return;
	}
	struct sockaddr_in ipv4;
	memcpy(&ipv4, name, sizeof(ipv4));
	memcpy(packet->source, pio_ipv4_prefix, 12);
	memcpy(packet->source + 12, &ipv4.sin_addr, 4);
	packet->source_port = ntohs(ipv4.sin_port);
	packet->flags = 0;
}

int pio_receive(pio_t *io)
{
	uint64_t *counters = io->options.counters;
	int count = recvmmsg(io->options.receive_fd, io->receive_headers, io->options.batch,
			     MSG_DONTWAIT, NULL);
	if (count < 0) {
		int error = errno;
		if (error == EAGAIN || error == EINTR)
			return 0;
		pio_count_error(io, PIO_RECEIVE_ERRORS, error, 1);
		return -error;
	}
	uint64_t bytes = 0;
	uint64_t truncated = 0;
	for (int i = 0; i < count; i++) {
		struct pio_packet *packet = &io->options.packets[i];
		struct mmsghdr *header = &io->receive_headers[i];
		take_source(packet, &io->receive_names[i]);
		packet->length = header->msg_len;
		if ((header->msg_hdr.msg_flags & MSG_TRUNC) != 0) {
			packet->flags |= PIO_PACKET_TRUNCATED;
			truncated++;
		}
		bytes += packet->length;
		/* The kernel has put the length of this name here. */
		header->msg_hdr.msg_namelen = sizeof(io->receive_names[i]);
	}
	pio_count(&counters[PIO_RECEIVED_PACKETS], (uint64_t)count);
	pio_count(&counters[PIO_RECEIVED_BYTES], bytes);
	pio_count(&counters[PIO_TRUNCATED], truncated);
	return count;
}
