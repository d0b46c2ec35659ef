#include "generator/hostile.h"

#include "generator/burst.h"
#include "generator/options.h"
#include "shared/address.h"
#include "shared/noise.h"

const char *const kind_names[KINDS] = {"storm", "empty", "largest", "fragment", "checksum"};

static uint64_t random_state = 88172645463325252u;

/* Xorshift: the same storm each time. */
static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32);
}

/* An address that a packet may come from: the kernel drops others before any socket sees them. */
static void random_source(uint8_t source[16])
{
	uint32_t words[4] = {next_random(), next_random(), next_random(), next_random()};
	memcpy(source, words, 16);
	if ((words[0] & 1) == 0) {
		source[0] = (uint8_t)(0x20 | (source[0] & 0x1f)); /* 2000::/3 */
		return;
	}
	memcpy(source, ipv4_prefix, sizeof(ipv4_prefix));
	source[12] = (uint8_t)(1 + source[12] % 126); /* 1 to 126 */
}

/* Turns a whole datagram into the first fragment of a longer one. */
static const uint8_t *make_fragment(struct frame *frame, const uint8_t *end)
{
	frame->head.offload.flags = 0;
	if (frame->head.ethernet.ether_type == htons(ETHERTYPE_IP)) {
		struct iphdr header;
		memcpy(&header, frame->ip, sizeof(header));
		header.id = (uint16_t)next_random();
		header.frag_off = htons(IP_MF);
		set_ip4_checksum(&header);
		memcpy(frame->ip, &header, sizeof(header));
		return end;
	}
	struct ip6_frag fragment = {.ip6f_nxt = IPPROTO_UDP, .ip6f_offlg = IP6F_MORE_FRAG};
	fragment.ip6f_ident = next_random();
	uint8_t *after_header = frame->ip + sizeof(struct ip6_hdr);
	size_t rest = (size_t)(end - after_header);
	memmove(after_header + sizeof(fragment), after_header, rest);
	memcpy(after_header, &fragment, sizeof(fragment));
	frame->ip[offsetof(struct ip6_hdr, ip6_nxt)] = IPPROTO_FRAGMENT;
	uint16_t payload = htons((uint16_t)(rest + sizeof(fragment)));
	memcpy(frame->ip + offsetof(struct ip6_hdr, ip6_plen), &payload, sizeof(payload));
	return end + sizeof(fragment);
}

enum kind write_hostile(const struct options *options, uint32_t index, uint64_t number)
{
	enum kind kind = options->kinds[number % options->kind_count];
	uint32_t length = kind == EMPTY ? 0 : kind == LARGEST ? options->largest : STORM_BYTES;
	uint8_t source[16];
	random_source(source);
	if (kind == LARGEST && !is_ipv4(source))
		length -= (uint32_t)(sizeof(struct ip6_hdr) - sizeof(struct iphdr));
	struct frame *frame = frame_at(index);
	uint16_t port = (uint16_t)(1 + next_random() % 65535);
	uint8_t *at = write_headers(options, frame, source, port, length);
	memcpy(at, noise, length);
	const uint8_t *end = at + length;
	if (kind == CHECKSUM) {
		/* The sum that is there is that of the pseudo header alone. */
		frame->head.offload.flags = 0;
	} else if (kind == FRAGMENT) {
		end = make_fragment(frame, end);
	}
	set_end(index, end);
	return kind;
}
