/* A real packet socket, on the loopback interface of a network namespace of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys.h"
#include "tap.h"

/* An EtherType for experiments (IEEE 802). */
#define TYPE 0x88b5

static void bring_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	check(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "lo is up");
	close(fd);
}

static struct sockaddr_ll name_of(uint16_t protocol)
{
	return (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex("lo"),
		.sll_protocol = htons(protocol),
		.sll_halen = ETH_ALEN,
	};
}

int main(void)
{
	tap_need_root();
	check(unshare(CLONE_NEWNET) == 0, "a network namespace");
	bring_up();
	struct sockaddr_ll to = name_of(TYPE);
	int listener = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	check(bind(listener, (struct sockaddr *)&to, sizeof(to)) == 0, "somebody listens");
	int fd = sys_open_frame_sender(1 << 20);
	check(fd >= 0, "opened");
	struct sockaddr_ll all = name_of(ETH_P_ALL);
	check(bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0, "whoever has it can bind it");
	uint8_t frame[64] = {[12] = TYPE >> 8, [13] = TYPE & 0xff, [14] = 42};
	check(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) ==
		      (ssize_t)sizeof(frame),
	      "it sends a frame");
	uint8_t seen[64] = {0};
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	check(poll(&waiting, 1, 60000) == 1 &&
		      recv(listener, seen, sizeof(seen), 0) == (ssize_t)sizeof(seen) &&
		      seen[14] == 42,
	      "which arrives");
	check(recv(fd, seen, sizeof(seen), MSG_DONTWAIT) < 0 && errno == EAGAIN,
	      "but it hears nothing of it");
	check(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, seen, 4) < 0 && errno == EPERM,
	      "nor can it be made to");
	return tap_done();
}
