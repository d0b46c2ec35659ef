/* Copies as frames, above a replaced kernel: what is made, and who takes the raw socket. */
#include <linux/if_packet.h>
#include <pthread.h>

#include "fake_lab.h"
#include "tap.h"

#define IPV4 "198.51.100.1"
#define IPV6 "2001:db8::99"

static void set_path(uint32_t index, uint32_t link, uint8_t neighbour, int is_ipv4)
{
	struct path *path = &lab.paths[index];
	*path = (struct path){.link = link, .mtu = 1500};
	memset(path->frame, neighbour, 6);
	memset(path->frame + 6, 0x40 + (int)link, 6);
	memcpy(path->frame + 12, is_ipv4 ? "\x08\x00" : "\x86\xdd", 2);
}

static void open_paths(void)
{
	reset();
	struct paths_header *header = (struct paths_header *)(void *)lab.paths;
	header->users = PATHS_SENDER;
	header->looked_ms = fake.now_ms;
	set_path(1, 7, 0xa1, 1);
	set_path(2, 7, 0xa2, 0);
}

/* A collector with a path. */
static uint32_t add_collector(const char *address, uint32_t path)
{
	uint32_t index = lab_collector(address, 9995);
	lab.collectors[index].flags = path << TABLE_COLLECTOR_PATH_SHIFT;
	return index;
}

static int is_frame(const struct fake_packet *packet)
{
	return packet->fd >= LAB_FRAMES;
}

static uint32_t count_frames(void)
{
	uint32_t frames = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++)
		frames += (uint32_t)is_frame(&fake.taken[i]);
	return frames;
}

/* Complete datagrams of what was taken, frames or not; 0 when one is wrong. */
static uint32_t count_right(void)
{
	uint32_t complete = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		const struct fake_packet *packet = &fake.taken[i];
		int state = (is_frame(packet) ? wire_read_frame : wire_read)(&wire, packet->data,
									     packet->bytes);
		if (state < 0) {
			printf("# packet %u: %s\n", i, wire.error);
			return 0;
		}
		complete += (uint32_t)state;
	}
	return complete;
}

/* Sends so many packets, numbered by their source ports, to a collector. */
static void send_numbered(uint32_t collector, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		lab_copy(lab_packet("192.0.2.1", first + i, 100), collector);
	lab_send();
}

/* Whether packets were taken in the order of their numbers, all of them once. */
static int are_in_order(uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		const struct fake_packet *packet = &fake.taken[i];
		(is_frame(packet) ? wire_read_frame : wire_read)(&wire, packet->data,
								 packet->bytes);
		if (wire.source_port != first + i) {
			printf("# number %u at place %u\n", wire.source_port, i);
			return 0;
		}
	}
	return fake.taken_count == count;
}

static void test_frames(void)
{
	open_paths();
	uint32_t packet = lab_packet("192.0.2.1", 2055, 100);
	lab_copy(packet, add_collector(IPV4, 1));
	lab_copy(packet, add_collector(IPV6, 2));
	lab_send();
	check_equal(count_right(), 2, "R28: IPv4 and IPv6 leave as frames that are right");
	check_equal(count_frames(), 2, "R28: both");
	const struct sockaddr_ll *name = (const void *)&fake.taken[0].name;
	check(name->sll_family == AF_PACKET && name->sll_ifindex == 7 &&
		      name->sll_protocol == htons(0x0800),
	      "by the link of their path");
	check(memcmp(fake.taken[0].data, lab.paths[1].frame, PATH_FRAME_BYTES) == 0 &&
		      memcmp(fake.taken[1].data, lab.paths[2].frame, PATH_FRAME_BYTES) == 0,
	      "with its Ethernet header");
	check(lab.slots[1].packets == 1 && lab.slots[2].bytes == 100, "S2: counted as all copies");
	check(lab.counters[PIO_FRAMES] == 2 && lab.counters[PIO_FORWARDED_PACKETS] == 2,
	      "and as frames");
	check_equal(fake.sends, 1, "in one call");
}

static void test_without_paths(void)
{
	open_paths();
	struct paths_header *header = (struct paths_header *)(void *)lab.paths;
	uint32_t collector = add_collector(IPV4, 1);
	uint32_t none = add_collector(IPV4, 0);
	uint32_t not_ready = add_collector(IPV4, 3);
	send_numbered(none, 1, 1);
	send_numbered(not_ready, 2, 1);
	header->users = PATHS_KERNEL;
	send_numbered(collector, 3, 1);
	header->users = PATHS_SENDER;
	fake.now_ms += PATHS_STALE_MS;
	send_numbered(collector, 4, 1);
	check(count_frames() == 0 && count_right() == 4,
	      "R28: no path, none at the moment, not for the sender, control is no more: raw");
	header->looked_ms = fake.now_ms + 5;
	send_numbered(collector, 5, 1);
	check_equal(count_frames(), 1, "R28: control looks again: frames");
	check(are_in_order(1, 5), "R12: in order");
}

static void test_hops(void)
{
	open_paths();
	lab.paths[1].hops = 2;
	lab.paths[1].first_hop = 10;
	set_path(10, 7, 0xb0, 1);
	set_path(11, 8, 0xb1, 1);
	uint32_t collector = add_collector(IPV4, 1);
	uint32_t seen[2] = {0};
	int is_steady = 1;
	for (uint32_t exporter = 0; exporter < 40; exporter++) {
		char source[32];
		snprintf(source, sizeof(source), "192.0.2.%u", exporter + 1);
		fake_forget();
		for (uint32_t i = 0; i < 3; i++)
			lab_copy(lab_packet(source, 2000 + i, 10), collector);
		lab_send();
		uint8_t hop = fake.taken[0].data[0];
		seen[hop - 0xb0]++;
		is_steady &= fake.taken_count == 3 && count_frames() == 3 &&
			     fake.taken[1].data[0] == hop && fake.taken[2].data[0] == hop;
	}
	check(is_steady, "R12: all packets of an exporter take one of several next hops");
	check(seen[0] > 8 && seen[1] > 8, "exporters are spread over them");
	lab.paths[11].link = 0;
	lab.paths[10].hops = 1;
	fake_forget();
	for (uint32_t exporter = 0; exporter < 40; exporter++) {
		char source[32];
		snprintf(source, sizeof(source), "192.0.2.%u", exporter + 1);
		lab_copy(lab_packet(source, 2000, 10), collector);
	}
	lab_send();
	check(count_right() == 40 && count_frames() == 0,
	      "what would go by a hop that is none takes the raw socket");
	lab.paths[1].first_hop = PATHS_MAX - 1;
	send_numbered(collector, 1, 20);
	check_equal(count_right(), 60, "rows beyond the table are none");
}

static void test_refusals(void)
{
	open_paths();
	uint32_t collector = add_collector(IPV4, 1);
	fake_script(4, (const int[]){0, 0, ENOBUFS, ENOBUFS});
	send_numbered(collector, 1, 6);
	check(are_in_order(1, 6),
	      "R12, R28: frames that are refused take the raw socket, in order");
	check_equal(count_frames(), 2, "those before were frames");
	check(lab.counters[PIO_FRAMES] == 2 && lab.counters[PIO_FRAMES_REFUSED] == 1 &&
		      lab.counters[PIO_FORWARDED_PACKETS] == 6 && lab.slots[1].packets == 6 &&
		      lab_send_errors() == 0,
	      "S2: counted once each");
	send_numbered(collector, 7, 1);
	check_equal(count_frames(), 2, "the link rests");
	fake.now_ms += PIO_LINK_REST_MS;
	send_numbered(collector, 8, 1);
	check_equal(count_frames(), 3, "and is tried again");
	check(are_in_order(1, 8), "R12: in order");
	fake_script(4, (const int[]){ENETDOWN, EPERM, 0, 0});
	send_numbered(collector, 9, 3);
	check(lab.counters[PIO_SEND_ERRORS + EPERM] == 1 && lab.slots[1].packets == 10,
	      "S2: what the raw socket refuses too is an error");
}

/* More than a queue has room for: what was refused in the middle, others follow. */
static void test_refusal_amid_a_batch(void)
{
	open_paths();
	uint32_t collector = add_collector(IPV4, 1);
	uint32_t packet = lab_packet("192.0.2.1", 1, 100);
	int verdicts[12] = {[10] = ENETDOWN, [11] = ENETDOWN};
	fake_script(12, verdicts);
	for (uint32_t i = 0; i < 3 * PIO_QUEUE_MESSAGES; i++)
		lab_copy(packet, collector);
	lab_send();
	int is_one_change = 1;
	for (uint32_t i = 1; i < fake.taken_count; i++)
		is_one_change &= is_frame(&fake.taken[i - 1]) || !is_frame(&fake.taken[i]);
	check(is_one_change && count_right() == 3 * PIO_QUEUE_MESSAGES && count_frames() == 10,
	      "R12: nothing overtakes what was refused");
}

static void test_full_buffer(void)
{
	open_paths();
	uint32_t collector = add_collector(IPV4, 1);
	fake.full_fd = LAB_FRAMES;
	fake.poll_takes_ms = 100;
	send_numbered(collector, 1, 5);
	check(are_in_order(1, 5) && count_frames() == 0 && lab_send_errors() == 0,
	      "R15: a link that stays full: copies take the raw socket");
}

static void test_settling(void)
{
	open_paths();
	uint32_t collector = add_collector(IPV4, 1);
	lab.paths[1].link = 0;
	send_numbered(collector, 1, 2);
	lab.paths[1].link = 7;
	fake.unsent = 500;
	send_numbered(collector, 3, 2);
	check(count_frames() == 0 && fake.now_ms - 1000 == PIO_SETTLE_MS,
	      "R12: no frames while something may wait behind the raw socket");
	uint32_t pauses = fake.pauses;
	send_numbered(collector, 5, 2);
	check(count_frames() == 0 && fake.pauses == pauses, "nor is it waited for again at once");
	fake.now_ms += 1000;
	fake.pauses_until_sent = 3;
	send_numbered(collector, 7, 2);
	check(count_frames() == 2 && fake.pauses == pauses + 3, "but a second later");
	check(are_in_order(1, 8), "R12: in order");
	fake.unsent = 500;
	send_numbered(collector, 9, 2);
	check_equal(count_frames(), 4, "frames do not ask");
}

static void lose_path(int fd)
{
	lab.paths[1].link = 0;
	(void)fd;
}

/* The frames of another link are sent, and the path is lost, while frames wait. */
static void test_path_lost_amid_a_batch(void)
{
	open_paths();
	set_path(3, 8, 0xa3, 1);
	uint32_t collector = add_collector(IPV4, 1);
	uint32_t other = add_collector("198.51.100.2", 3);
	uint32_t packet = lab_packet("192.0.2.1", 1, 100);
	uint32_t waiting = 10;
	uint32_t more = 2 * PIO_QUEUE_MESSAGES;
	for (uint32_t i = 0; i < waiting; i++)
		lab_copy(packet, collector);
	for (uint32_t i = 0; i < PIO_QUEUE_MESSAGES + 1; i++)
		lab_copy(packet, other);
	for (uint32_t i = 0; i < more; i++)
		lab_copy(packet, collector);
	fake.before_send = lose_path;
	lab_send();
	int is_one_change = 1;
	int was_raw = 0;
	for (uint32_t i = 0; i < fake.taken_count; i++) {
		was_raw |= !is_frame(&fake.taken[i]);
		is_one_change &= !was_raw || fake.taken[i].data[0] != 0xa1;
	}
	check(was_raw && is_one_change, "R12: a path that is lost: frames before raw copies");
	check_equal(count_right(), waiting + PIO_QUEUE_MESSAGES + 1 + more, "none is lost");
}

static void test_fragments(void)
{
	open_paths();
	uint32_t ipv4 = add_collector(IPV4, 1);
	uint32_t ipv6 = add_collector(IPV6, 2);
	uint32_t small = lab_packet("192.0.2.1", 1, 100);
	uint32_t large = lab_packet("192.0.2.1", 2, 4000);
	uint32_t just = lab_packet("192.0.2.1", 3, 1472);
	for (uint32_t i = 0; i < 2; i++) {
		lab_copy(small, ipv4);
		lab_copy(large, ipv4);
		lab_copy(just, ipv4);
		lab_copy(large, ipv6);
	}
	lab_send();
	check(count_right() == 8 && count_frames() == fake.taken_count,
	      "R8: what is larger than the MTU of its path leaves as fragments, as frames");
	check_equal(fake.taken_count, 4 + 2 * 3 + 2 * 3, "R8: whole what is not");
	check(lab.counters[PIO_FRAGMENTED] == 4 && lab.counters[PIO_FRAGMENTS] == 12 &&
		      lab.slots[1].packets == 6 && lab.slots[2].packets == 2 &&
		      lab.counters[PIO_FRAMES] == 8,
	      "S2: counted once each");
	open_paths();
	ipv4 = add_collector(IPV4, 1);
	large = lab_packet("192.0.2.1", 2, 4000);
	lab_copy(large, ipv4);
	fake.mtu = 1500;
	fake_script(2, (const int[]){0, ENOBUFS});
	lab_send();
	check(lab.slots[1].packets == 1 && lab.counters[PIO_FRAMES_REFUSED] == 1 &&
		      lab_send_errors() == 0 && fake.taken_count == 4,
	      "R28: fragments that are refused: the copy takes the raw socket");
}

static void test_links(void)
{
	open_paths();
	set_path(3, 8, 0xa3, 1);
	set_path(4, 9, 0xa4, 1);
	uint32_t packet = lab_packet("192.0.2.1", 1, 100);
	lab_copy(packet, add_collector("198.51.100.1", 1));
	lab_copy(packet, add_collector("198.51.100.2", 3));
	lab_copy(packet, add_collector("198.51.100.3", 4));
	lab_send();
	check(count_right() == 3 && count_frames() == 2,
	      "R15: each link has a socket; without one left it is the raw socket");
	check(fake.taken[0].fd != fake.taken[1].fd, "R15: of its own");
	fake_forget();
	packet = lab_packet("192.0.2.1", 1, 100);
	lab_copy(packet, 2);
	lab_copy(packet, 1);
	fake.now_ms += 2000;
	lab_send();
	check_equal(count_frames(), 2, "links that are not in use make room");
}

static int has_ended;

/* Control's part of the protocol of paths.h: the path goes by one link, then by the other. */
static void *move_path(void *unused)
{
	while (!__atomic_load_n(&has_ended, __ATOMIC_RELAXED)) {
		for (uint32_t link = 7; link <= 8; link++) {
			struct path next = {.link = link, .mtu = 1500};
			memset(next.frame, (int)link, sizeof(next.frame));
			struct path *row = &lab.paths[1];
			__atomic_add_fetch(&row->changes, 1, __ATOMIC_SEQ_CST);
			memcpy(row, &next, offsetof(struct path, changes));
			__atomic_add_fetch(&row->changes, 1, __ATOMIC_SEQ_CST);
		}
	}
	return unused;
}

static void test_paths_that_move(void)
{
	open_paths();
	lab.paths[1].link = 0;
	uint32_t collector = add_collector(IPV4, 1);
	pthread_t control;
	if (pthread_create(&control, NULL, move_path, NULL) != 0)
		abort();
	uint32_t frames = 0;
	uint32_t torn = 0;
	for (uint32_t i = 0; i < 20000; i++) {
		fake_forget();
		send_numbered(collector, 1, 8);
		for (uint32_t j = 0; j < fake.taken_count; j++) {
			const struct sockaddr_ll *name = (const void *)&fake.taken[j].name;
			if (!is_frame(&fake.taken[j]))
				continue;
			frames++;
			torn += fake.taken[j].data[0] != name->sll_ifindex ||
				fake.taken[j].data[13] != name->sll_ifindex;
		}
	}
	__atomic_store_n(&has_ended, 1, __ATOMIC_RELAXED);
	pthread_join(control, NULL);
	check(frames > 0 && torn == 0, "R28: no frame of two paths, whatever changes (%u frames)",
	      frames);
}

static void test_own_source(void)
{
	open_paths();
	uint32_t collector = add_collector(IPV4, 1);
	lab.leaves[0] = (struct table_leave){.flags = TABLE_LEAVE_PROXY};
	lab.collectors[collector].leave = 1;
	send_numbered(collector, 1, 1);
	check(count_frames() == 0 && fake.taken[0].fd >= LAB_OWN4,
	      "R25: from an address of this host: the kernel makes it");
}

int main(void)
{
	test_frames();
	test_without_paths();
	test_hops();
	test_refusals();
	test_refusal_amid_a_batch();
	test_full_buffer();
	test_settling();
	test_path_lost_amid_a_batch();
	test_fragments();
	test_links();
	test_paths_that_move();
	test_own_source();
	lab_close();
	fake_forget();
	return tap_done();
}
