#include "shared/link.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/mman.h>

#include "shared/fail.h"

#define SEND_BUFFER_BYTES (8 << 20)

static void bind_to(int fd, const char *interface, uint16_t protocol)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	address.sll_ifindex = (int)if_nametoindex(interface);
	if (address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail(interface);
}

int open_link(int type)
{
	int fd = socket(AF_PACKET, type, 0);
	if (fd < 0)
		fail("socket");
	return fd;
}

int open_writer(const char *interface)
{
	int fd = open_link(SOCK_RAW);
	int on = 1;
	int buffer_bytes = SEND_BUFFER_BYTES;
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(buffer_bytes)) < 0)
		fail("setsockopt");
	bind_to(fd, interface, 0);
	return fd;
}

uint8_t *map_ring(int fd, int version, const void *request, socklen_t request_bytes, size_t bytes)
{
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, request, request_bytes) < 0)
		fail("setsockopt");
	uint8_t *ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (ring == MAP_FAILED)
		fail("mmap");
	return ring;
}

void bind_reader(int fd, const char *interface)
{
	bind_to(fd, interface, ETH_P_ALL);
}
