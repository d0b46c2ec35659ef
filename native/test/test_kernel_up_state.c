/* Packets that the program lets go up for how things are, and what has to follow them. */
#include "kernel_up_lab.h"

static void expect_up(uint32_t reason, const char *name)
{
	publish();
	usual();
	expect(reason, name);
	check(is_received(), "it is received as it came");
}

static void test_rules(void)
{
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_PIPELINE;
	expect_up(KERNEL_UP_PIPELINE, "R17: an output with a pipeline");
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_LEAVES_OUT;
	maker.outputs[0].filter = 1;
	expect_up(KERNEL_UP_FILTER, "R22: an output with a filter");
	one_collector("198.51.100.1", KLAB_PATH4)->flags |= TABLE_COLLECTOR_TEMPLATES;
	expect_up(KERNEL_UP_TEMPLATES, "R23: templates are looked after");
	one_collector("198.51.100.1", KLAB_PATH4)->leave = 1;
	maker.leave_count = 1;
	maker.leaves[0] = (struct table_leave){.flags = TABLE_LEAVE_PROXY};
	expect_up(KERNEL_UP_LEAVE, "R25: a copy that leaves by a socket of its own");
	one_collector("198.51.100.1", KLAB_PATH4);
	maker.outputs[0].flags = TABLE_OUTPUT_LEAVES_OUT;
	maker.outputs[0].sample = 2;
	maker_make(&maker);
	maker_output_row(&maker, 0)->state = KERNEL_CHUNK * KERNEL_CHUNKS;
	klab_publish(&klab.engine, &maker, 1);
	usual();
	expect(KERNEL_UP_NO_STATE, "an output whose state has no place");
	check(is_received(), "it is received as it came");
	one_collector("198.51.100.1", 0);
	expect_up(KERNEL_UP_NO_PATH, "a collector without a path");
	one_collector("198.51.100.1", KLAB_PATH_DOWN);
	expect_up(KERNEL_UP_NO_PATH, "a path that is not ready");
	/* IPv6 packets to an IPv4 collector with a source of its own. */
	one_collector("198.51.100.1", KLAB_PATH4)->leave = 1;
	maker.leave_count = 1;
	maker.leaves[0] = (struct table_leave){.flags = TABLE_LEAVE_SOURCE};
	reference_address(maker.leaves[0].source, "192.0.2.7");
	maker.outputs[0].ipv6_collectors = 1;
	publish();
	usual6();
	expect(KERNEL_UP_LEAVE, "R25: an IPv6 packet to an IPv4 collector");
	publish_usual();
}

static void test_settings(void)
{
	struct paths_header *paths = klab_paths();
	uint64_t looked = paths->looked_ms;
	usual();
	klab.engine.settings->flags = 0;
	expect(KERNEL_UP_OFF, "switched off");
	klab.engine.settings->flags = KERNEL_ON;
	paths->users = PATHS_SENDER;
	expect(KERNEL_UP_PATHS_OLD, "frames are for others to make");
	paths->users = PATHS_KERNEL;
	paths->looked_ms = klab_now_ns() / 1000000 - PATHS_STALE_MS - 1000;
	expect(KERNEL_UP_PATHS_OLD, "nobody looks after paths any more");
	paths->looked_ms = looked;
	uint32_t consumers = klab.engine.settings->consumers;
	klab.engine.settings->consumers = 0;
	expect(KERNEL_UP_RING_FULL, "nobody counts");
	klab.engine.settings->consumers = consumers;
	expect(KERNEL_UP_NONE, "all is as it was");
	forget_received();
}

static void hold_up(void)
{
	usual();
	sample.hop_limit = 1;
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_EXPIRED, "a packet goes up");
}

static void test_holds(void)
{
	struct kernel_settings *settings = klab.engine.settings;
	settings->hold_ns = 3600000000000u;
	hold_up();
	usual();
	expect(KERNEL_UP_HOLD, "R12: the next one of the exporter follows it");
	sample.source_port++;
	reference_arrive(&sample, &frame);
	expect(KERNEL_UP_HOLD, "so does one of another port");
	from("203.0.113.2", "192.0.2.9", 2055, 100);
	expect(KERNEL_UP_NONE, "one of another exporter does not");
	settings->hold_ns = 1000;
	settings->empty_ns[0] = klab_now_ns();
	usual();
	expect(KERNEL_UP_HOLD, "it is still held");
	hold_up();
	usual();
	usleep(1000);
	expect(KERNEL_UP_HOLD, "R12: the time is over, but the socket may not be empty");
	usleep(1000);
	settings->empty_ns[0] = klab_now_ns();
	settings->empty_ns[1] = 0;
	settings->forwarders = 2;
	expect(KERNEL_UP_HOLD, "one forwarder has found its sockets empty, another has not");
	usleep(1000);
	settings->empty_ns[0] = settings->empty_ns[1] = klab_now_ns();
	settings->keeps_holds = 1;
	expect(KERNEL_UP_HOLD, "R13: all have, but forwarders may have a later table");
	settings->keeps_holds = 0;
	usleep(1000);
	settings->empty_ns[0] = settings->empty_ns[1] = klab_now_ns();
	expect(KERNEL_UP_NONE, "all have: it is over");
	expect(KERNEL_UP_NONE, "and stays so");
	settings->forwarders = 0;
	hold_up();
	usual();
	usleep(1000);
	expect(KERNEL_UP_HOLD, "without forwarders it is never over");
	settings->forwarders = 1;
	settings->empty_ns[0] = ~0ull;
	settings->hold_ns = 0;
	expect(KERNEL_UP_NONE, "all is as it was");
}

/* No packet is handled that cannot be told of. */
static void test_full_ring(void)
{
	klab_forget();
	usual();
	uint32_t handled = 0, up = 0;
	while (up < 100 && handled < KLAB_RING_BYTES / sizeof(struct kernel_small)) {
		uint32_t reason = inject();
		handled += reason == KERNEL_UP_NONE;
		up += reason == KERNEL_UP_RING_FULL;
	}
	check(up == 100 && handled > KLAB_RING_BYTES / (sizeof(struct kernel_small) + 64),
	      "the ring is full after %u packets: others go up", handled);
	check(klab_consume() == handled && klab.counters[PIO_RECEIVED_PACKETS] == handled &&
		      klab.counters[PIO_FORWARDED_PACKETS] == handled,
	      "those that were handled are counted");
	klab_forget();
	expect(KERNEL_UP_NONE, "there is room again");
}

int main(void)
{
	open_lab();
	usual();
	expect(KERNEL_UP_NO_TABLE, "there is no table yet");
	check(is_received(), "it is received as it came");
	publish_usual();
	test_rules();
	test_settings();
	test_holds();
	test_full_ring();
	return close_lab();
}
