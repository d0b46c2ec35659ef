/*
 * Two links of a network namespace: frames come in by one, with any checksum that a device may
 * leave to others, and those that leave are read at the end of the other.
 */
#ifndef KERNEL_LINKS_H
#define KERNEL_LINKS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "checksum.h"
#include "tap.h"

#define KLAB_FRAME_BYTES 65600u

struct klab_frame {
	uint32_t bytes;
	uint8_t data[KLAB_FRAME_BYTES];
};

static struct {
	int in, out; /* sockets at the far ends: frames are sent by one and read by the other */
	uint32_t in_index, out_index; /* of the near ends */
	uint8_t in_mac[6], out_mac[6];
} links;

static inline int klab_check(int result, const char *what)
{
	if (result >= 0)
		return result;
	printf("Bail out! %s: %s\n", what, strerror(-result));
	exit(1);
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
	links.in = klab_socket("in1", own);
	close(klab_socket("in0", links.in_mac));
	links.out = klab_socket("out1", links.out_mac);
	links.in_index = if_nametoindex("in0");
	links.out_index = if_nametoindex("out0");
}

/* The frame that left next, whole: 1; 0 when none comes for so many milliseconds. */
static inline int klab_capture(struct klab_frame *frame, int wait_ms)
{
	struct virtio_net_hdr header;
	struct iovec parts[] = {{&header, sizeof(header)}, {frame->data, sizeof(frame->data)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	struct pollfd ready = {links.out, POLLIN, 0};
	if (poll(&ready, 1, wait_ms) <= 0)
		return 0;
	ssize_t bytes = recvmsg(links.out, &message, 0);
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

static inline void klab_close_links(void)
{
	close(links.in);
	close(links.out);
}

#endif
