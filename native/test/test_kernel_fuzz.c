/*
 * Random tables and packets on a real link: every copy on the wire, and every count, against a
 * plain reference. KERNEL_FUZZ_TABLES and KERNEL_FUZZ_SEED repeat a run, or make it longer.
 */
#include "kernel_reference.h"

#define TABLES 40u
#define PACKETS 60u /* for each */

static struct maker maker;
static struct klab_frame arriving, expected, left;
static struct sample sample;
static uint64_t slots[KLAB_SLOTS][2], sampled[2];
static uint64_t sent, bytes_sent, without_collector, dropped;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)rand() % limit;
}

/* Few of them, so that rules and packets meet. */
static void random_address(uint8_t address[16], int is_ipv4)
{
	memset(address, 0, 16);
	if (is_ipv4) {
		memcpy(address, pio_ipv4_prefix, 12);
		memcpy(address + 12, "\xcb\0\x71", 3);
		address[13] = (uint8_t)below(2);
	} else {
		memcpy(address, "\x20\x01\x0d\xb8", 4);
		address[7] = (uint8_t)below(2);
		address[11] = (uint8_t)(below(2) << 7);
	}
	address[15] = (uint8_t)below(4);
}

static uint16_t random_listening(void)
{
	return below(2) == 0 ? 2055 : 4739;
}

static void add_collector(struct maker_output *output, int is_ipv4, uint32_t weight)
{
	uint8_t address[16];
	inet_pton(AF_INET6, is_ipv4 ? "::ffff:0:0" : "2001:db8:ffff::", address);
	memcpy(address + 12, "\xc6\x33\x64", 3);
	address[15] = (uint8_t)below(250);
	uint32_t path = is_ipv4 ? (below(4) == 0 ? KLAB_PATH_HOPS : KLAB_PATH4) : KLAB_PATH6;
	struct table_collector *collector = maker_collector(
		&maker, output, address, (uint16_t)(1 + below(65535)), path, weight);
	if (below(4) == 0)
		collector->flags |= TABLE_COLLECTOR_LISTEN_PORT;
	collector->seed = (uint32_t)rand() ^ (uint32_t)rand() << 16;
	if (below(3) != 0)
		return;
	uint32_t leave = below(maker.leave_count);
	int has_source = (maker.leaves[leave].flags & TABLE_LEAVE_SOURCE) != 0;
	/* Those without a source of their own cannot take what an IPv4 collector could of IPv6. */
	if (!has_source || is_ipv4 == pio_is_ipv4(maker.leaves[leave].source))
		collector->leave = leave + 1;
}

static void add_output(struct maker_rule *rule)
{
	static const uint32_t kinds[] = {0, 0, TABLE_OUTPUT_BY_EXPORTER, TABLE_OUTPUT_BY_ENDPOINT};
	struct maker_output *output = maker_output(&maker, rule);
	int is_weighted = below(3) == 0;
	uint32_t ipv6 = below(4), ipv4 = below(4) == 0 ? below(61) : below(4);
	output->flags = kinds[below(4)] | (is_weighted ? TABLE_OUTPUT_WEIGHTED : 0);
	if (below(6) == 0) {
		output->sample = 2 + below(4);
		output->flags |= TABLE_OUTPUT_LEAVES_OUT;
	}
	for (uint32_t i = 0; i < ipv6; i++)
		add_collector(output, 0, is_weighted ? 1 + below(1000) : 1);
	for (uint32_t i = 0; i < ipv4; i++)
		add_collector(output, 1, is_weighted ? 1 + below(1000) : 1);
	if (output->collectors == 0)
		add_collector(output, 1, 1);
}

static int is_known(const struct maker_rule *rule)
{
	for (uint32_t i = 1; i + 1 < maker.rule_count; i++) {
		const struct maker_rule *other = &maker.rules[i];
		if (other->bits == rule->bits && other->port == rule->port &&
		    other->listening == rule->listening &&
		    memcmp(other->address, rule->address, 16) == 0)
			return 1;
	}
	return 0;
}

static void add_rule(uint32_t most_outputs)
{
	uint8_t address[16];
	int is_ipv4 = (int)below(2);
	random_address(address, is_ipv4);
	uint32_t bits = below(2) == 0 ? 128 : is_ipv4 ? 96 + below(32) : below(128);
	struct maker_rule *rule = maker_rule(&maker, address, bits);
	if (below(3) == 0)
		rule->port = (uint16_t)(5000 + below(2));
	if (below(3) == 0)
		rule->listening = random_listening();
	if (is_known(rule)) {
		maker.rule_count--;
		return;
	}
	uint32_t outputs = below(5) == 0 ? below(most_outputs + 1) : below(4);
	for (uint32_t i = 0; i < outputs; i++)
		add_output(rule);
}

static void add_leaves(void)
{
	maker.leave_count = 4;
	memset(maker.leaves, 0, sizeof(maker.leaves));
	maker.leaves[0].traffic_class = 46 << 2;
	maker.leaves[1].hop_limit = 7;
	maker.leaves[1].flags = TABLE_LEAVE_PREFIX;
	memcpy(maker.leaves[1].prefix, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
	maker.leaves[2].flags = TABLE_LEAVE_SOURCE;
	maker.leaves[2].source_port = htons(777);
	memcpy(maker.leaves[2].source, pio_ipv4_prefix, 12);
	memcpy(maker.leaves[2].source + 12, "\xc0\0\2\7", 4);
	maker.leaves[3].flags = TABLE_LEAVE_SOURCE;
	memcpy(maker.leaves[3].source, "\x20\x01\x0d\xb8\0\7\0\0\0\0\0\0\0\0\0\7", 16);
}

static void random_table(void)
{
	maker_reset(&maker);
	add_leaves();
	uint32_t outputs = below(3);
	for (uint32_t i = 0; i < outputs; i++)
		add_output(&maker.rules[0]);
	uint32_t rules = 1 + below(below(4) == 0 ? 100 : 12);
	for (uint32_t i = 0; i < rules && maker.output_count + 40 < MAKER_OUTPUTS &&
			     maker.collector_count + 32 * 64 < MAKER_COLLECTORS;
	     i++)
		add_rule(below(4) == 0 ? 32 : 4);
	maker_make(&maker);
	klab_publish(&klab.engine, &maker, MAKER_OUTPUTS);
}

static void random_packet(void)
{
	int is_ipv4 = (int)below(2);
	random_address(sample.source, is_ipv4);
	memcpy(sample.destination, pio_ipv4_prefix, 12);
	memcpy(sample.destination + 12, "\xc0\0\2\x09", 4);
	if (!is_ipv4)
		inet_pton(AF_INET6, "2001:db8::9", sample.destination);
	sample.source_port = below(8) == 0 ? 0 : (uint16_t)(5000 + below(3));
	sample.destination_port = random_listening();
	sample.hop_limit = (uint8_t)(2 + below(254));
	sample.traffic_class = (uint8_t)below(256);
	sample.length = below(3) == 0 ? below(1440) : below(64);
	sample.is_partial = (int)below(2);
	for (uint32_t i = 0; i < sample.length; i++)
		sample.payload[i] = (uint8_t)rand();
	/* Now and then a message of IPFIX, which has a record of another size. */
	if (below(3) == 0 && sample.length >= 2)
		memcpy(sample.payload, "\0\x0a", 2);
}

/* The kernel takes a checksum of 0 for none: such packets are for the socket. */
static int has_checksum(uint32_t udp_at)
{
	return arriving.data[udp_at + 6] != 0 || arriving.data[udp_at + 7] != 0;
}

static void count(const struct verdict *verdict)
{
	slots[verdict->input_slot][0]++;
	slots[verdict->input_slot][1] += sample.length;
	for (uint32_t i = 0; i < verdict->copies; i++) {
		uint32_t slot = maker.collectors[verdict->collectors[i]].output_slot;
		slots[slot][0]++;
		slots[slot][1] += sample.length;
	}
	sent += verdict->copies;
	bytes_sent += (uint64_t)verdict->copies * sample.length;
	without_collector += verdict->without_collector;
	sampled[0] += verdict->sampled;
	sampled[1] += (uint64_t)verdict->sampled * sample.length;
	dropped += verdict->copies + verdict->without_collector + verdict->sampled == 0;
}

/* Copies of IPv4 leave first, and in the order of outputs. */
static int check_copies(const struct verdict *verdict, int family)
{
	int is_right = 1;
	for (uint32_t i = 0; i < verdict->copies; i++) {
		uint32_t collector = verdict->collectors[i];
		if (maker.collectors[collector].family != family)
			continue;
		reference_leave(&maker, &sample, collector, &expected);
		if (!klab_capture(&left, KLAB_ANSWER_MS) || !reference_is_same(&expected, &left))
			is_right = 0;
	}
	return is_right;
}

static int check_packet(void)
{
	random_packet();
	uint32_t udp_at = reference_arrive(&sample, &arriving);
	if (!has_checksum(udp_at))
		return 1;
	struct kernel_counters before = klab_counted();
	klab_inject(&arriving, sample.is_partial ? udp_at : 0);
	struct kernel_counters after = klab_counted();
	if (after.handled != before.handled + 1) {
		for (uint32_t i = 0; i < KERNEL_REASONS; i++) {
			if (after.up[i] != before.up[i])
				printf("# went up for reason %u\n", i);
		}
		return 0;
	}
	struct verdict verdict = reference_judge(&maker, &sample);
	count(&verdict);
	return check_copies(&verdict, 4) && check_copies(&verdict, 6) && !klab_capture(&left, 0);
}

static int check_counts(void)
{
	uint64_t left_out[2] = {0, 0};
	klab_consume();
	for (uint32_t i = 0; i < KLAB_SLOTS; i++) {
		if (klab.slots[i].packets != slots[i][0] || klab.slots[i].bytes != slots[i][1])
			return 0;
	}
	for (uint32_t i = 0; i < MAKER_OUTPUTS; i++) {
		left_out[0] += klab.left_out[i].sampled[0];
		left_out[1] += klab.left_out[i].sampled[1];
	}
	const uint64_t *counters = klab.counters;
	return counters[PIO_FORWARDED_PACKETS] == sent &&
	       counters[PIO_FORWARDED_BYTES] == bytes_sent &&
	       counters[PIO_NO_ELIGIBLE_COLLECTOR] == without_collector &&
	       counters[PIO_DROPPED_BY_RULE] == dropped && left_out[0] == sampled[0] &&
	       left_out[1] == sampled[1];
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);
	return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 10);
}

int main(void)
{
	klab_open();
	uint32_t seed = setting("KERNEL_FUZZ_SEED", (uint32_t)klab_now_ns());
	uint32_t tables = setting("KERNEL_FUZZ_TABLES", TABLES);
	printf("# KERNEL_FUZZ_SEED=%u\n", seed);
	srand(seed);
	int is_right = 1;
	for (uint32_t i = 0; is_right && i < tables; i++) {
		random_table();
		klab_set_queues((int)(i & 1));
		uint32_t right = 0;
		while (right < PACKETS && check_packet())
			right++;
		int counted = check_counts();
		is_right = right == PACKETS && counted;
		if (!is_right)
			check(0, "table %u of %u rules: %u of %u packets, counts %s", i,
			      maker.rule_count, right, PACKETS, counted ? "right" : "wrong");
	}
	check(sent > tables, "R1, R2, R16, R18 to R21: %llu copies of %u tables are right",
	      (unsigned long long)sent, tables);
	klab_close();
	return tap_done();
}
