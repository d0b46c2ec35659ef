#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define CACHE_LINE 64u

static int enable(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Has the kernel tell of each datagram its hop limit and where it was sent to. */
static int ask_for_control(int fd)
{
	/* Those of IPv4 hold for the IPv4 datagrams of an IPv6 socket too. */
	int error = enable(fd, IPPROTO_IP, IP_RECVTTL);
	if (error == 0)
		error = enable(fd, IPPROTO_IP, IP_PKTINFO);
	int family = 0;
	socklen_t bytes = sizeof(family);
	if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes) < 0)
		error = -errno;
	if (error < 0 || family != AF_INET6)
		return error;
	error = enable(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	return error < 0 ? error : enable(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR);
}

int pio_receiver_init(struct pio *io)
{
	uint32_t batch = io->options.batch;
	io->payload_stride = (io->options.buffer_bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	io->receive_headers = calloc(batch, sizeof(*io->receive_headers));
	io->receive_names = calloc(batch, sizeof(*io->receive_names));
	io->receive_controls = calloc(batch, sizeof(*io->receive_controls));
	io->receive_parts = calloc(batch, sizeof(*io->receive_parts));
	io->payloads = aligned_alloc(CACHE_LINE, batch * io->payload_stride);
	if (io->receive_headers == NULL || io->receive_names == NULL ||
	    io->receive_controls == NULL || io->receive_parts == NULL || io->payloads == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch; i++) {
		io->receive_parts[i].iov_base = io->payloads + i * io->payload_stride;
		io->receive_parts[i].iov_len = io->options.buffer_bytes;
		struct msghdr *header = &io->receive_headers[i].msg_hdr;
		header->msg_name = &io->receive_names[i];
		header->msg_namelen = sizeof(io->receive_names[i]);
		header->msg_iov = &io->receive_parts[i];
		header->msg_iovlen = 1;
		header->msg_control = &io->receive_controls[i];
		header->msg_controllen = sizeof(io->receive_controls[i]);
	}
	return io->options.receive_fd < 0 ? 0 : ask_for_control(io->options.receive_fd);
}

void pio_receiver_deinit(struct pio *io)
{
	free(io->receive_headers);
	free(io->receive_names);
	free(io->receive_controls);
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

/* Whether the destination is a broadcast or multicast address. */
static int is_group4(const struct cmsghdr *header)
{
	struct in_pktinfo info;
	memcpy(&info, CMSG_DATA(header), sizeof(info));
	/* ip(7): the local address of the packet; 0 where the kernel has not looked it up. */
	return info.ipi_spec_dst.s_addr != 0 && info.ipi_spec_dst.s_addr != info.ipi_addr.s_addr;
}

static int is_group6(const struct cmsghdr *header)
{
	struct sockaddr_in6 destination;
	memcpy(&destination, CMSG_DATA(header), sizeof(destination));
	return IN6_IS_ADDR_MULTICAST(&destination.sin6_addr);
}

/* Takes the hop limit. Returns whether the datagram was sent to a group. */
static int take_control(struct pio_packet *packet, struct msghdr *message)
{
	int is_group = 0;
	int hop_limit = PIO_HOP_LIMIT_MAX;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
	     header = CMSG_NXTHDR(message, header)) {
		int is_ipv4 = header->cmsg_level == IPPROTO_IP;
		int type = header->cmsg_type;
		if (is_ipv4 ? type == IP_TTL : type == IPV6_HOPLIMIT)
			memcpy(&hop_limit, CMSG_DATA(header), sizeof(hop_limit));
		else if (is_ipv4 && type == IP_PKTINFO)
			is_group = is_group4(header);
		else if (!is_ipv4 && type == IPV6_RECVORIGDSTADDR)
			is_group = is_group6(header);
	}
	packet->hop_limit = (uint8_t)hop_limit;
	if (hop_limit <= 1)
		packet->flags |= PIO_PACKET_EXPIRED;
	return is_group;
}

/* Fills in the record of a message. Returns whether the datagram was sent to a group. */
static int take_packet(struct pio_packet *packet, const struct sockaddr_in6 *name,
		       struct mmsghdr *message)
{
	take_source(packet, name);
	packet->length = (uint16_t)message->msg_len; /* buffers are no longer */
	if ((message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
		packet->flags |= PIO_PACKET_TRUNCATED;
	int is_group = take_control(packet, &message->msg_hdr);
	/* The kernel has put the length of what it told here. */
	message->msg_hdr.msg_controllen = sizeof(struct pio_control);
	return is_group;
}

int pio_receive(pio_t *io)
{
	const struct pio_options *options = &io->options;
	int count = recvmmsg(options->receive_fd, io->receive_headers, options->batch, MSG_DONTWAIT,
			     NULL);
	if (count < 0) {
		int error = errno;
		if (error == EAGAIN || error == EINTR)
			return 0;
		pio_count_error(io, PIO_RECEIVE_ERRORS, error, 1);
		return -error;
	}
	uint32_t taken = 0;
	uint64_t bytes = 0;
	uint64_t truncated = 0;
	for (uint32_t i = 0; i < (uint32_t)count; i++) {
		struct pio_packet *packet = &options->packets[taken];
		int is_group = take_packet(packet, &io->receive_names[i], &io->receive_headers[i]);
		if (is_group && !options->takes_group)
			continue;
		/* A payload lies at the index of its packet. */
		if (taken < i)
			memcpy(io->payloads + taken * io->payload_stride,
			       io->payloads + i * io->payload_stride, packet->length);
		bytes += packet->length;
		truncated += (packet->flags & PIO_PACKET_TRUNCATED) != 0;
		taken++;
	}
	pio_count(&options->counters[PIO_RECEIVED_PACKETS], taken);
	pio_count(&options->counters[PIO_RECEIVED_BYTES], bytes);
	pio_count(&options->counters[PIO_TRUNCATED], truncated);
	return (int)taken;
}
