#include "generator/hostile.h"

#include "generator/burst.h"
#include "generator/options.h"
#include "shared/address.h"
#include "shared/noise.h"

/* A message of templates is a header, the header of a set, and so many records. */
#define TEMPLATE_BYTES 16u
#define TEMPLATES_COUNT ((STORM_BYTES - 20 - 4) / TEMPLATE_BYTES)

const char *const kind_names[KINDS] = {"storm",	   "empty",    "largest",
				       "fragment", "checksum", "templates"};

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

static void put_16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Of a datagram whose checksum is the sum of the pseudo header yet: makes it neither right nor
 * none. */
static void break_checksum(uint8_t *udp, const uint8_t *end)
{
	uint32_t sum = 0;
	for (const uint8_t *at = udp; at + 1 < end; at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	uint32_t right = ~sum & 0xffff;
	put_16(udp + offsetof(struct udphdr, check), right ^ (right == 0x5555 ? 0xaaaa : 0x5555));
}

/* A message with one set of templates of three fields, which fill it. */
static void write_templates(uint8_t *at)
{
	uint32_t words[5] = {htonl(9u << 16 | TEMPLATES_COUNT), next_random(), next_random(),
			     next_random(), next_random()};
	memcpy(at, words, sizeof(words));
	uint8_t *set = at + sizeof(words);
	put_16(set, 0);
	put_16(set + 2, STORM_BYTES - sizeof(words));
	for (uint32_t i = 0; i < TEMPLATES_COUNT; i++) {
		uint8_t *record = set + 4 + i * TEMPLATE_BYTES;
		put_16(record, 256 + next_random() % 65280);
		put_16(record + 2, 3);
		for (uint32_t field = 4; field < TEMPLATE_BYTES; field += 2)
			put_16(record + field, next_random());
	}
	if (next_random() % 4 == 0)
		put_16(set + 4 + 2, 65535);
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
	if (kind == TEMPLATES)
		write_templates(at);
	const uint8_t *end = at + length;
	if (kind == CHECKSUM) {
		frame->head.offload.flags = 0;
		break_checksum(at - sizeof(struct udphdr), end);
	} else if (kind == FRAGMENT) {
		end = make_fragment(frame, end);
	}
	set_end(index, end);
	return kind;
}
