/*
 * Any batch against a kernel that answers anything: every copy is counted exactly once, as sent or
 * as an error, those of templates too; what the kernel took is what is counted as sent; it ends.
 */
#include <errno.h>
#include <poll.h>

#include "../test/flow_maker.h"
#include "../test/lab.h"
#include "../test/wire.h"
#include "input.h"
#include "kernel.h"

#define COLLECTORS_MAX 8u
#define COPIES_MAX 2100u

static struct input input;
static struct wire wire;
static uint64_t datagrams;
static uint64_t now_ms;

static void take_message(const struct msghdr *message,
			 int (*read)(struct wire *wire, const uint8_t *at, uint32_t bytes))
{
	static uint8_t packet[WIRE_MAX * 2];
	uint32_t bytes = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		memcpy(packet + bytes, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
		bytes += (uint32_t)message->msg_iov[i].iov_len;
	}
	int state = read(&wire, packet, bytes);
	if (state < 0) {
		/* After a fragment that was refused comes the start of a datagram. */
		wire.collected = 0;
		state = read(&wire, packet, bytes);
	}
	must(state >= 0, wire.error);
	datagrams += (uint64_t)state;
}

static uint32_t bytes_of(const struct msghdr *message)
{
	uint32_t bytes = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		bytes += (uint32_t)message->msg_iov[i].iov_len;
	return bytes;
}

/* What the kernel would make of the message of an own socket. */
static void take_own_message(const struct msghdr *message, int is_ipv4)
{
	must(message->msg_iovlen == 1, "a payload alone");
	must(bytes_of(message) <= (is_ipv4 ? PIO_PAYLOAD4_MAX : PIO_PAYLOAD6_MAX), "it fits");
	must(message->msg_namelen ==
		     (is_ipv4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)),
	     "an address of the family of the socket");
	uint32_t told = 0;
	struct msghdr copy = *message;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&copy); header != NULL;
	     header = CMSG_NXTHDR(&copy, header)) {
		must(header->cmsg_len == CMSG_LEN(sizeof(int)), "as long as the kernel wants it");
		must(header->cmsg_level == (is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6), "its family");
		int value;
		memcpy(&value, CMSG_DATA(header), sizeof(value));
		int is_hop_limit = header->cmsg_type == (is_ipv4 ? IP_TTL : IPV6_HOPLIMIT);
		must(value >= is_hop_limit && value <= 255, "what the kernel takes");
		told++;
	}
	must(told == 2, "hop limit and traffic class");
	datagrams++;
}

int __wrap_pio_next_error(int fd, struct pio_socket_error *error);
int __wrap_pio_next_error(int fd, struct pio_socket_error *error)
{
	if (fd < LAB_OWN4)
		return 0;
	uint8_t byte = take_8(&input);
	*error = (struct pio_socket_error){.port = byte, .error = byte};
	return byte % 4 == 3;
}

static int verdict(uint32_t bytes)
{
	static const int errors[] = {EMSGSIZE, EMSGSIZE,     EAGAIN, EINTR,
				     ENOBUFS,  ECONNREFUSED, EINVAL, 4095};
	uint8_t byte = take_8(&input);
	if (byte < 200)
		return 0;
	/* Only something large gets EMSGSIZE, or no fragment would ever go. */
	int error = errors[byte % 8];
	return error == EMSGSIZE && bytes < 100 ? 0 : error;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	(void)flags;
	int is_raw = (fd >= LAB_FD4 && fd < LAB_FD4 + 2) || (fd >= LAB_FD6 && fd < LAB_FD6 + 3);
	int is_own = fd == LAB_OWN4 || fd == LAB_OWN4 + 1 || fd == LAB_OWN6 || fd == LAB_OWN6 + 1;
	int is_frame = fd >= LAB_FRAMES && fd < LAB_FRAMES + (int)LAB_LINKS;
	must(is_raw || is_own || is_frame, "only sends on its sockets");
	must(count > 0 && count <= 1024, "as many messages as the kernel takes");
	uint32_t most = take_8(&input) % 16 == 0 ? take_16(&input) % 8 : count;
	for (unsigned int i = 0; i < count; i++) {
		const struct msghdr *message = &messages[i].msg_hdr;
		if (i == most)
			return (int)i;
		errno = verdict(bytes_of(message));
		if (errno != 0)
			return i > 0 ? (int)i : -1;
		if (is_own)
			take_own_message(message, fd < LAB_OWN6);
		else
			take_message(message, is_frame ? wire_read_frame : wire_read);
	}
	return (int)count;
}

int __wrap_poll(struct pollfd *sockets, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *sockets, nfds_t count, int timeout)
{
	must(sockets != NULL && count == 1, "waits for one socket");
	must(timeout > 0 && timeout <= PIO_SEND_WAIT_MS, "waits no longer than it may");
	uint8_t byte = take_8(&input);
	now_ms += 1u + byte;
	errno = EINTR;
	return byte % 2 == 0 ? 1 : -1;
}

uint64_t __wrap_pio_unsent_bytes(int fd);
uint64_t __wrap_pio_unsent_bytes(int fd)
{
	(void)fd;
	return take_8(&input) % 4;
}

void __wrap_pio_pause_us(uint32_t us);
void __wrap_pio_pause_us(uint32_t us)
{
	now_ms += us / 1000 + take_8(&input) % 2;
}

uint64_t __wrap_pio_clock_ms(void);
uint64_t __wrap_pio_clock_ms(void)
{
	return now_ms;
}

int __wrap_pio_path_mtu(const uint8_t address[16]);
int __wrap_pio_path_mtu(const uint8_t address[16])
{
	(void)address;
	int16_t answer = (int16_t)take_16(&input);
	now_ms += take_8(&input) * 100u;
	return answer;
}

/* A message of templates and data, in which something may be wrong. */
static uint32_t make_message(uint8_t kind)
{
	static struct flow_maker maker;
	flow_begin(&maker, kind % 3 == 0 ? FLOW_V9 : FLOW_IPFIX, take_32(&input), kind % 2);
	flow_add_template_set(&maker, 256 + kind % 4, take_8(&input), kind);
	if (kind % 4 != 0)
		flow_add_options_set(&maker, 300 + kind % 8);
	flow_add_data(&maker, 300 + take_8(&input) % 8, take_8(&input) * 4u, kind);
	flow_finish(&maker, 3);
	if (take_8(&input) % 8 == 0)
		flow_put_u16(maker.bytes + take_16(&input) % maker.length, take_16(&input));
	uint32_t index = lab_packet(kind % 2 == 0 ? "192.0.2.1" : "2001:db8::1", take_8(&input) % 4,
				    maker.length);
	memcpy(lab_payload(index), maker.bytes, maker.length);
	return index;
}

static void make_packets(void)
{
	lab.packet_count = 0;
	uint32_t count = take_8(&input) % 4;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind = take_8(&input);
		uint32_t index = kind % 4 < 2
					 ? make_message(kind / 4)
					 : lab_packet(kind % 2 == 0 ? "192.0.2.1" : "2001:db8::1",
						      take_16(&input), take_16(&input) % 5000);
		if (kind % 32 == 31)
			lab.packets[index].length = take_32(&input);
		if (kind % 8 == 5)
			lab.packets[index].hop_limit = take_8(&input);
		if (kind % 16 == 14)
			lab.packets[index].input_slot = take_32(&input);
	}
}

static void make_collectors(void)
{
	lab.collector_count = 0;
	uint32_t count = 1 + take_8(&input) % COLLECTORS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind = take_8(&input);
		uint32_t index =
			lab_collector(kind % 2 == 0 ? "198.51.100.1" : "2001:db8::99", 9995);
		lab.collectors[index].address[15] = take_8(&input) % 4;
		if (kind % 8 > 3) {
			lab.collectors[index].flags = kind % 8 & 6;
			lab.collectors[index].group = count << 16 | count << 8 | i;
			lab.collectors[index].returns = take_8(&input) % 2;
		}
		if (kind % 32 == 30)
			lab.collectors[index].group = take_32(&input);
		if (kind % 8 == 4 || kind % 8 == 5)
			lab.collectors[index].leave = take_8(&input) % (LAB_LEAVES + 2u);
		if (kind % 16 == 15)
			lab.collectors[index].family = take_8(&input);
		if (kind % 16 == 14)
			lab.collectors[index].output_slot = take_32(&input);
	}
}

/* Rows of the path table that are of each family: the first ones of IPv4. */
#define PATHS_OF_FAMILY 4u

/* Paths of some collectors, and whatever else may stand in the table. */
static void make_paths(void)
{
	struct paths_header *header = (struct paths_header *)(void *)lab.paths;
	header->users = take_8(&input);
	header->looked_ms = now_ms + take_8(&input);
	for (uint32_t i = 1; i <= 2 * PATHS_OF_FAMILY; i++) {
		int is_ipv4 = i <= PATHS_OF_FAMILY;
		struct path *path = &lab.paths[i];
		*path = (struct path){.link = take_8(&input) % 4u, .mtu = take_8(&input) * 32u};
		uint8_t kind = take_8(&input);
		if (kind % 8 == 7) {
			path->hops = kind / 8 % PATHS_OF_FAMILY;
			path->first_hop = is_ipv4 ? 1 : 1 + PATHS_OF_FAMILY;
			if (kind % 16 == 15)
				path->first_hop = take_32(&input) | 16u;
		}
		memcpy(path->frame + 12, is_ipv4 ? "\x08\x00" : "\x86\xdd", 2);
	}
	for (uint32_t i = 0; i < lab.collector_count; i++) {
		struct table_collector *collector = &lab.collectors[i];
		uint32_t index = take_8(&input) % (PATHS_OF_FAMILY + 1);
		if (index != 0 && collector->family == 6)
			index += PATHS_OF_FAMILY;
		collector->flags &= (1u << TABLE_COLLECTOR_PATH_SHIFT) - 1;
		collector->flags |= index << TABLE_COLLECTOR_PATH_SHIFT;
	}
}

static void make_leaves(void)
{
	for (uint32_t i = 0; i < LAB_LEAVES; i++) {
		struct table_leave *leave = &lab.leaves[i];
		uint8_t kind = take_8(&input);
		memset(leave, 0, sizeof(*leave));
		lab_address(leave->source, kind % 2 == 0 ? "192.0.2.9" : "2001:db8::9");
		leave->flags = kind / 2 % 8;
		leave->hop_limit = take_8(&input);
		leave->traffic_class = (uint8_t)(kind & 0xfc);
		leave->source_port = kind % 8 == 2 ? htons(take_16(&input)) : 0;
	}
}

static void make_copies(void)
{
	uint32_t count = take_8(&input) % 64;
	if (take_8(&input) % 16 == 0)
		count = take_16(&input) % COPIES_MAX;
	lab.copy_count = 0;
	uint8_t packets = take_8(&input);
	uint8_t collectors = take_8(&input);
	for (uint32_t i = 0; i < count; i++)
		lab_copy(i * packets % (lab.packet_count + packets % 2 + 1u),
			 i * collectors % (lab.collector_count + collectors % 2));
}

static void send_batch(void)
{
	memset(lab.counters, 0, sizeof(lab.counters));
	memset(lab.slots, 0, sizeof(lab.slots));
	datagrams = 0;
	make_packets();
	make_collectors();
	make_leaves();
	make_paths();
	make_copies();
	uint64_t copies = lab.copy_count;
	/* Counted apart from outputs. */
	for (uint32_t i = 0; i < lab.packet_count; i++)
		if (lab.packets[i].input_slot < COLLECTORS_MAX)
			lab.packets[i].input_slot = LAB_SLOTS - 1;
	for (uint32_t i = 0; i < lab.collector_count; i++)
		if (lab.collectors[i].output_slot < LAB_SLOTS)
			lab.collectors[i].output_slot = i;
	lab_send();

	uint64_t outputs = 0;
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < COLLECTORS_MAX; i++) {
		outputs += lab.slots[i].packets;
		bytes += lab.slots[i].bytes;
	}
	uint64_t sent = lab.counters[PIO_FORWARDED_PACKETS];
	copies += lab.counters[PIO_TEMPLATE_COPIES] + lab.counters[PIO_TEMPLATE_RESENDS];
	must(sent + lab_send_errors() == copies, "every copy is counted once");
	must(sent == datagrams, "what is counted as sent is what the kernel took");
	must(sent == outputs && lab.counters[PIO_FORWARDED_BYTES] == bytes,
	     "collectors add up to what was forwarded");
	must(lab.counters[PIO_FRAGMENTED] <= sent, "fragmented copies are sent copies");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (lab.sender == NULL)
		lab_open_fake(2, 3);
	input = (struct input){data, size};
	now_ms = 1000;
	wire.collected = 0;
	wire.may_differ = 1;
	pio_mtu_init(&lab.sender->mtus);
	templates_deinit(&lab.sender->spread.templates);
	lab.sender->next_identification = take_16(&input);
	do
		send_batch();
	while (input.left > 0);
	return 0;
}
