#include "generator/burst.h"

#include <errno.h>
#include <sys/socket.h>

#include "generator/options.h"
#include "generator/timed.h"
#include "shared/address.h"
#include "shared/fail.h"

static struct frame frames[BURST_MAX];
static struct iovec parts[BURST_MAX];
static struct mmsghdr messages[BURST_MAX];

void prepare_burst(const struct options *options)
{
	for (uint32_t i = 0; i < BURST_MAX; i++) {
		set_macs(&frames[i].head, options->destination_mac);
		if (options->is_timed)
			memset(frames[i].ip, TIMED_FILL, sizeof(frames[i].ip));
		parts[i].iov_base = &frames[i];
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

struct frame *frame_at(uint32_t index)
{
	return &frames[index];
}

uint8_t *write_headers(const struct options *options, struct frame *frame, const uint8_t source[16],
		       uint16_t port, uint32_t payload)
{
	uint16_t udp_bytes = (uint16_t)(sizeof(struct udphdr) + payload);
	uint8_t *at = frame->ip;
	uint32_t addresses_sum;
	set_protocol(&frame->head, is_ipv4(source));
	if (is_ipv4(source)) {
		struct iphdr header = ip4_header(source + 12, options->destination4, udp_bytes);
		set_ip4_checksum(&header);
		addresses_sum = sum_words(&header.saddr, 8);
		memcpy(at, &header, sizeof(header));
		at += sizeof(header);
	} else {
		struct ip6_hdr header = ip6_header(source, options->destination6, udp_bytes);
		addresses_sum = sum_words(&header.ip6_src, 32);
		memcpy(at, &header, sizeof(header));
		at += sizeof(header);
	}
	struct udphdr udp = partial_udp(port, options->destination_port, udp_bytes, addresses_sum);
	memcpy(at, &udp, sizeof(udp));
	return at + sizeof(udp);
}

void set_end(uint32_t index, const uint8_t *end)
{
	parts[index].iov_len = (size_t)(end - (const uint8_t *)&frames[index]);
}

uint32_t send_burst(int fd, uint32_t count, uint64_t *refused)
{
	int taken = sendmmsg(fd, messages, count, 0);
	if (taken >= 0)
		return (uint32_t)taken;
	if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
		fail("sendmmsg");
	*refused += errno != EINTR;
	return 0;
}
