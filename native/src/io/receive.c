#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "address.h"
#include "batch.h"
#include "count.h"
#include "headers.h"

/* Room for what the kernel tells of a datagram: its hop limit and where it was sent to. */
struct control {
	_Alignas(struct cmsghdr)
		uint8_t bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct sockaddr_in6))];
};

/* One message, name, control and payload for each packet of a batch. */
struct pio_receiver {
	struct pio_receiver_options options;
	uint16_t listen_port;
	struct mmsghdr *headers;
	struct sockaddr_in6 *names;
	struct control *controls;
	struct iovec *parts;
};

static int enable(int fd, int level, int option)
{
	int on = 1;
	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Has the kernel tell of each datagram its hop limit and where it was sent to. */
static int ask_for_control(int fd, int family)
{
	/* Those of IPv4 hold for the IPv4 datagrams of an IPv6 socket too. */
	int error = enable(fd, IPPROTO_IP, IP_RECVTTL);
	if (error == 0)
		error = enable(fd, IPPROTO_IP, IP_PKTINFO);
	if (error < 0 || family != AF_INET6)
		return error;
	error = enable(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	return error < 0 ? error : enable(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR);
}

static int init(struct pio_receiver *receiver, const struct pio_receiver_options *options)
{
	uint32_t size = options->batch.size;
	receiver->options = *options;
	receiver->headers = calloc(size, sizeof(*receiver->headers));
	receiver->names = calloc(size, sizeof(*receiver->names));
	receiver->controls = calloc(size, sizeof(*receiver->controls));
	receiver->parts = calloc(size, sizeof(*receiver->parts));
	if (receiver->headers == NULL || receiver->names == NULL || receiver->controls == NULL ||
	    receiver->parts == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++) {
		receiver->parts[i].iov_base = pio_payload(&options->batch, i);
		receiver->parts[i].iov_len = options->batch.payload_bytes;
		struct msghdr *header = &receiver->headers[i].msg_hdr;
		header->msg_name = &receiver->names[i];
		header->msg_namelen = sizeof(receiver->names[i]);
		header->msg_iov = &receiver->parts[i];
		header->msg_iovlen = 1;
		header->msg_control = &receiver->controls[i];
		header->msg_controllen = sizeof(receiver->controls[i]);
	}
	struct sockaddr_in6 name;
	socklen_t bytes = sizeof(name);
	if (getsockname(options->fd, (struct sockaddr *)&name, &bytes) < 0)
		return -errno;
	receiver->listen_port = ntohs(name.sin6_port); /* at the same place in sockaddr_in */
	return ask_for_control(options->fd, name.sin6_family);
}

int pio_receiver_new(pio_receiver_t **receiver, const struct pio_receiver_options *options)
{
	*receiver = NULL;
	if (!pio_is_batch_valid(&options->batch) || options->counters == NULL ||
	    options->listener > PIO_LISTENER_NONE)
		return -EINVAL;
	struct pio_receiver *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return -ENOMEM;
	int error = init(made, options);
	if (error < 0) {
		pio_receiver_free(made);
		return error;
	}
	*receiver = made;
	return 0;
}

void pio_receiver_free(pio_receiver_t *receiver)
{
	if (receiver == NULL)
		return;
	free(receiver->headers);
	free(receiver->names);
	free(receiver->controls);
	free(receiver->parts);
	free(receiver);
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
static int take_packet(struct pio_receiver *receiver, struct pio_packet *packet, uint32_t index)
{
	struct mmsghdr *message = &receiver->headers[index];
	take_source(packet, &receiver->names[index]);
	packet->listen_port = receiver->listen_port;
	packet->listener = (uint8_t)receiver->options.listener;
	packet->length = (uint16_t)message->msg_len; /* buffers are no longer */
	if ((message->msg_hdr.msg_flags & MSG_TRUNC) != 0)
		packet->flags |= PIO_PACKET_TRUNCATED;
	int is_group = take_control(packet, &message->msg_hdr);
	/* The kernel has put the length of what it told here. */
	message->msg_hdr.msg_controllen = sizeof(struct control);
	return is_group;
}

static uint32_t take_packets(struct pio_receiver *receiver, uint32_t count)
{
	const struct pio_batch *batch = &receiver->options.batch;
	uint64_t *counters = receiver->options.counters;
	uint32_t taken = 0;
	uint64_t bytes = 0;
	uint64_t truncated = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct pio_packet *packet = &batch->packets[taken];
		int is_group = take_packet(receiver, packet, i);
		if (is_group && !receiver->options.takes_group)
			continue;
		/* A payload lies at the index of its packet. */
		if (taken < i)
			memcpy(pio_payload(batch, taken), pio_payload(batch, i), packet->length);
		bytes += packet->length;
		truncated += (packet->flags & PIO_PACKET_TRUNCATED) != 0;
		taken++;
	}
	pio_count(&counters[PIO_RECEIVED_PACKETS], taken);
	pio_count(&counters[PIO_RECEIVED_BYTES], bytes);
	pio_count(&counters[PIO_TRUNCATED], truncated);
	return taken;
}

int pio_receive(pio_receiver_t *receiver)
{
	const struct pio_receiver_options *options = &receiver->options;
	int count =
		recvmmsg(options->fd, receiver->headers, options->batch.size, MSG_DONTWAIT, NULL);
	if (count >= 0)
		return (int)take_packets(receiver, (uint32_t)count);
	int error = errno;
	if (error == EAGAIN || error == EINTR)
		return 0;
	pio_count_error(options->counters, PIO_RECEIVE_ERRORS, error, 1);
	return -error;
}
