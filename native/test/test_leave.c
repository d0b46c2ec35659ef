/* How copies leave: sources, hop limits, traffic classes and prefixes of rules. */
#include "fake_lab.h"
#include "notes_rows.h"
#include "tap.h"

static uint8_t address[16];

static struct table_leave *leave_of(uint32_t collector, uint32_t row)
{
	lab.collectors[collector].leave = row + 1;
	return &lab.leaves[row];
}

/* Whether a datagram that was sent came from here. */
static int is_from(const struct fake_packet *packet, const char *source, uint32_t port)
{
	lab_address(address, source);
	wire.may_differ = 1;
	if (wire_read(&wire, packet->data, packet->bytes) != 1 || wire.source_port != port)
		return 0;
	return wire.family == 4 ? memcmp(wire.source, address + 12, 4) == 0
				: memcmp(wire.source, address, 16) == 0;
}

static void test_fixed_source(void)
{
	reset();
	uint32_t packets[] = {lab_packet("192.0.2.1", 1000, 10),
			      lab_packet("2001:db8::1", 1001, 10)};
	uint32_t to4 = lab_collector("198.51.100.1", 9995);
	uint32_t to6 = lab_collector("2001:db8::99", 9995);
	lab_address(leave_of(to4, 0)->source, "192.0.2.9");
	lab.leaves[0].flags = TABLE_LEAVE_SOURCE;
	lab.leaves[0].source_port = htons(7);
	lab_address(leave_of(to6, 1)->source, "192.0.2.8");
	lab.leaves[1].flags = TABLE_LEAVE_SOURCE | TABLE_LEAVE_PREFIX;
	lab_address(address, "64:ff9b::");
	memcpy(lab.leaves[1].prefix, address, 12);
	for (uint32_t i = 0; i < 2; i++) {
		lab_copy(packets[i], to4);
		lab_copy(packets[i], to6);
	}
	lab_send();
	check_equal(fake.taken_count, 4, "R25: all go, also of IPv6 to IPv4");
	check(is_from(&fake.taken[0], "192.0.2.9", 7), "R25: a fixed address and port");
	check(is_from(&fake.taken[1], "192.0.2.9", 7), "R25: the same of an IPv6 packet");
	check(is_from(&fake.taken[2], "64:ff9b::192.0.2.8", 1000),
	      "R25: IPv4 to IPv6 behind the prefix, from the exporter's port");
	check(is_from(&fake.taken[3], "64:ff9b::192.0.2.8", 1001),
	      "R25: the same of an IPv6 packet");
}

static void test_hop_limit_and_class(void)
{
	reset();
	uint32_t packet = lab_packet("192.0.2.1", 1000, 2000);
	uint32_t to[] = {lab_collector("198.51.100.1", 1), lab_collector("2001:db8::99", 1),
			 lab_collector("198.51.100.2", 1)};
	for (uint32_t i = 0; i < 2; i++)
		*leave_of(to[i], 0) =
			(struct table_leave){.hop_limit = 200, .traffic_class = 46 << 2};
	fake.mtu = 1280;
	fake.path_mtu = 1280;
	for (uint32_t i = 0; i < 3; i++)
		lab_copy(packet, to[i]);
	lab_send();
	check_equal(fake.taken_count, 6, "two fragments each");
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		wire.may_differ = 1;
		int state = wire_read(&wire, fake.taken[i].data, fake.taken[i].bytes);
		int is_told = wire.destination[3] != 2 || wire.family == 6;
		check(state == (int)(i % 2) && wire.hop_limit == (is_told ? 200 : 63) &&
			      wire.traffic_class == (is_told ? 46 << 2 : 0),
		      "R26: hop limit and traffic class of fragment %u", i);
	}
	check(is_from(&fake.taken[1], "192.0.2.1", 1000) == 0, "a fragment alone is no datagram");
}

/* The values that the kernel is told with a message. */
static int is_told(const struct fake_packet *packet, int level, int hop_limit_type, int class_type)
{
	int right = 0;
	struct msghdr message = {.msg_control = (void *)packet->control,
				 .msg_controllen = packet->control_bytes};
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
	     header = CMSG_NXTHDR(&message, header)) {
		int value;
		memcpy(&value, CMSG_DATA(header), sizeof(value));
		right += header->cmsg_level == level && header->cmsg_type == hop_limit_type &&
			 value == 41;
		right += header->cmsg_level == level && header->cmsg_type == class_type &&
			 value == 8 << 2;
	}
	return right == 2;
}

static void send_own(void)
{
	uint32_t packets[] = {lab_packet("192.0.2.1", 1000, 10),
			      lab_packet("2001:db8::1", 1001, 11)};
	uint32_t to[] = {lab_collector("198.51.100.1", 9995), lab_collector("2001:db8::99", 9996)};
	for (uint32_t i = 0; i < 2; i++) {
		lab.packets[i].hop_limit = 42;
		*leave_of(to[i], 0) =
			(struct table_leave){.flags = TABLE_LEAVE_PROXY, .traffic_class = 8 << 2};
		lab_copy(packets[0], to[i]);
		lab_copy(packets[1], to[i]);
	}
	lab_send();
}

static void test_own_source(void)
{
	reset();
	send_own();
	check_equal(fake.taken_count, 4, "R25: all go, also of IPv6 to IPv4");
	const struct fake_packet *sent = fake.taken;
	struct sockaddr_in name4;
	memcpy(&name4, &sent[0].name, sizeof(name4));
	lab_address(address, "198.51.100.1");
	check(sent[0].fd >= LAB_OWN4 && sent[0].fd < LAB_OWN6 && name4.sin_port == htons(9995) &&
		      memcmp(&name4.sin_addr, address + 12, 4) == 0,
	      "IPv4: by an own socket, to address and port");
	lab_address(address, "2001:db8::99");
	check(sent[2].fd >= LAB_OWN6 && sent[2].name.sin6_port == htons(9996) &&
		      memcmp(&sent[2].name.sin6_addr, address, 16) == 0,
	      "IPv6: by an own socket, to address and port");
	check(sent[0].bytes == 10 && sent[1].bytes == 11 &&
		      memcmp(sent[1].data, lab_payload(1), 11) == 0,
	      "the payload alone");
	check(is_told(&sent[0], IPPROTO_IP, IP_TTL, IP_TOS), "R26: hop limit and class of IPv4");
	check(is_told(&sent[3], IPPROTO_IPV6, IPV6_HOPLIMIT, IPV6_TCLASS),
	      "R26: hop limit and class of IPv6");
	check(lab.slots[1].packets == 2 && lab.slots[2].bytes == 21, "S2: counted");
}

static void test_refusals(void)
{
	reset();
	static struct notes notes;
	notes_open(&notes, 1);
	lab.sender->options.notes = &notes;
	struct pio_socket_error *told = &fake.told[0];
	lab_address(told->address, "198.51.100.7");
	told->port = 9;
	told->error = ECONNREFUSED;
	fake.told_length = 1;
	fake_script(1, (const int[]){ECONNREFUSED});
	send_own();
	check_equal(fake.taken_count, 4, "R25: what came back of one copy costs no other");
	check_equal(lab.counters[PIO_REFUSALS + ECONNREFUSED], 1, "R25: it is counted apart");
	check_equal(lab_send_errors(), 0, "and is no error of sending");
	struct notes_endpoint collector = {.port = 9};
	memcpy(collector.address, told->address, 16);
	check_equal(notes_take_loss(&notes, &collector, ECONNREFUSED)->copies, 1,
		    "R25: and is noted with the collector");
	fake_script(1, (const int[]){ENETUNREACH});
	send_own();
	check_equal(lab.counters[PIO_SEND_ERRORS + ENETUNREACH], 1, "an error of sending is one");
	fake_script_always(ECONNREFUSED);
	send_own();
	check(lab.counters[PIO_SEND_ERRORS + ECONNREFUSED] > 0,
	      "a socket that tells for ever ends");
}

static void test_wrong_rows(void)
{
	reset();
	uint32_t packet = lab_packet("192.0.2.1", 1000, 10);
	uint32_t to4 = lab_collector("198.51.100.1", 9995);
	lab.collectors[to4].leave = LAB_LEAVES + 1;
	lab_copy(packet, to4);
	lab_send();
	packet = lab_packet("192.0.2.1", 1000, 10);
	lab_address(leave_of(to4, 0)->source, "2001:db8::9");
	lab.leaves[0].flags = TABLE_LEAVE_SOURCE;
	lab_copy(packet, to4);
	lab_send();
	packet = lab_packet("192.0.2.1", 1000, 10);
	lab_address(lab.leaves[0].source, "192.0.2.9");
	lab.leaves[0].flags |= TABLE_LEAVE_PROXY;
	lab_copy(packet, to4);
	lab_send();
	check_equal(lab.counters[PIO_SEND_ERRORS + EINVAL], 3,
		    "a row out of range, an IPv6 source for IPv4, two sources");
	check_equal(fake.taken_count, 0, "nothing was sent");
}

int main(void)
{
	test_fixed_source();
	test_hop_limit_and_class();
	test_own_source();
	test_refusals();
	test_wrong_rows();
	lab_close();
	fake_forget();
	return tap_done();
}
