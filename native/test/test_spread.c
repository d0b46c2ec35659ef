/* What the sender makes of templates: who gets them, what is left out, what is sent again. */
#include "fake_lab.h"
#include "flow_maker.h"
#include "tap.h"

static struct flow_maker maker;
static const uint16_t versions[] = {FLOW_V9, FLOW_IPFIX};

/* A packet with the message that was made last. */
static uint32_t made_packet(const char *source, uint32_t port)
{
	uint32_t packet = lab_packet(source, port, maker.length);
	memcpy(lab_payload(packet), maker.bytes, maker.length);
	return packet;
}

/* So many collectors, which share templates. The first is number 0. */
static void open_group(uint32_t count, uint32_t flags)
{
	reset();
	for (uint32_t i = 0; i < count; i++) {
		char address[32];
		snprintf(address, sizeof(address), "198.51.100.%u", i + 1);
		lab_collector(address, 9995);
		lab.collectors[i].flags = TABLE_COLLECTOR_TEMPLATES | flags;
		lab.collectors[i].group = count << TABLE_GROUP_IPV4_SHIFT | i;
	}
}

static void open_all(uint32_t count)
{
	open_group(count, TABLE_COLLECTOR_TEMPLATES_ALL);
}

/* What was sent since the last time: the next of it, or NULL when there is no more. */
static const struct wire *next_sent(void)
{
	static uint32_t next;
	if (next >= fake.taken_count) {
		next = 0;
		fake_forget();
		return NULL;
	}
	const struct fake_packet *packet = &fake.taken[next++];
	return wire_read(&wire, packet->data, packet->bytes) == 1 ? &wire : NULL;
}

/* Sends the message to a collector; the first collectors that got it, in order, as digits. */
static const char *send_made(uint32_t collector)
{
	static char to[256];
	memset(to, 0, sizeof(to));
	lab_copy(made_packet("192.0.2.1", 5000), collector);
	lab_send();
	for (uint32_t i = 0; i < fake.taken_count && i < sizeof(to) - 1; i++) {
		wire_read(&wire, fake.taken[i].data, fake.taken[i].bytes);
		to[i] = (char)('0' + wire.destination[3]);
	}
	return to;
}

static void make_templates(uint16_t version)
{
	flow_begin(&maker, version, 7, 1);
	flow_add_template_set(&maker, 256, 3, 1);
	flow_add_options_set(&maker, 300);
	flow_finish(&maker, 2);
}

static void make_data(uint16_t version, uint32_t id)
{
	flow_begin(&maker, version, 8, 1);
	flow_add_data(&maker, id, 24, 0xdd);
	flow_finish(&maker, 2);
}

static void test_whole(uint16_t version)
{
	open_all(3);
	make_templates(version);
	check(strcmp(send_made(1), "132") == 0, "R23: version %u: templates go to all", version);
	const struct wire *sent;
	int are_same = 1;
	while ((sent = next_sent()) != NULL)
		are_same &= sent->payload_bytes == maker.length &&
			    memcmp(sent->payload, maker.bytes, maker.length) == 0 &&
			    sent->source_port == 5000 && sent->hop_limit == 63;
	check(are_same, "R23: as they came");
	check(lab.counters[PIO_TEMPLATE_COPIES] == 2 && lab.counters[PIO_FORWARDED_PACKETS] == 3,
	      "S2: two of the copies are counted apart");
	check(lab.slots[1].packets == 1 && lab.slots[3].packets == 1, "S2: and at each collector");
	make_data(version, 256);
	check(strcmp(send_made(2), "3") == 0, "R23: data goes to one");
	fake_forget();
	make_data(version, 300);
	check(strcmp(send_made(0), "231") == 0, "R23: data of options goes to all");
	fake_forget();
	make_data(version, 301);
	check(strcmp(send_made(0), "1") == 0, "R23: of what is not known it does not");
	fake_forget();
}

static void test_mixed(uint16_t version)
{
	open_all(2);
	flow_begin(&maker, version, 99, 5);
	flow_add_data(&maker, 256, 40, 0xdd);
	flow_add_template_set(&maker, 256, 3, 1);
	flow_add_data(&maker, 300, 16, 0xee);
	flow_add_options_set(&maker, 300);
	flow_add_data(&maker, 256, 12, 0xdd);
	flow_finish(&maker, 9);
	static struct flow_maker whole;
	whole = maker;
	check(strcmp(send_made(0), "21") == 0, "R23: version %u: mixed: to both", version);
	flow_begin(&maker, version, 99, 5);
	flow_add_template_set(&maker, 256, 3, 1);
	flow_add_data(&maker, 300, 16, 0xee);
	flow_add_options_set(&maker, 300);
	flow_finish(&maker, 4);
	const struct wire *sent = next_sent();
	check(sent != NULL && sent->payload_bytes == maker.length &&
		      memcmp(sent->payload, maker.bytes, maker.length) == 0,
	      "R23: the other one gets it without data sets, counts and lengths mended");
	sent = next_sent();
	check(sent != NULL && sent->payload_bytes == whole.length &&
		      memcmp(sent->payload, whole.bytes, whole.length) == 0,
	      "R23: the one whose turn it is all of it");
	next_sent();
}

/* All sets of templates are this one, which is of what a collector was sent before its data. */
static void check_resent(const struct wire *sent, uint16_t version, uint32_t sequence)
{
	flow_begin(&maker, version, sequence, 1);
	flow_add_template_set(&maker, 256, 3, 1);
	flow_add_options_set(&maker, 300);
	flow_finish(&maker, 2);
	check(sent != NULL && sent->payload_bytes == maker.length &&
		      memcmp(sent->payload, maker.bytes, maker.length) == 0,
	      "R24: all templates in one message that goes before the data");
	check(sent != NULL && sent->hop_limit == 63 && sent->source_port == 5000,
	      "R24: from the exporter, with its hop limit");
}

static void test_newcomer(uint16_t version)
{
	open_all(2);
	make_templates(version);
	send_made(0);
	fake_forget();
	char address[] = "198.51.100.3";
	lab.collectors[0].group = lab.collectors[1].group = 3u << TABLE_GROUP_IPV4_SHIFT;
	lab.collectors[1].group |= 1;
	lab_collector(address, 9995);
	lab.collectors[2].flags = lab.collectors[0].flags;
	lab.collectors[2].group = 3u << TABLE_GROUP_IPV4_SHIFT | 2;
	make_data(version, 256);
	check(strcmp(send_made(0), "31") == 0, "R24: version %u: a new collector is told", version);
	check_resent(next_sent(), version, version == FLOW_V9 ? 7 : 8);
	next_sent();
	next_sent();
	check_equal(lab.counters[PIO_TEMPLATE_RESENDS], 1, "R24: counted apart");
	make_data(version, 256);
	check(strcmp(send_made(1), "2") == 0, "R24: once");
	fake_forget();
	lab_set_collectors();
	check(strcmp(send_made(0), "1") == 0, "R24: another table tells nobody again");
	fake_forget();
	lab.collectors[1].returns++;
	lab_set_collectors();
	make_data(version, 256);
	check(strcmp(send_made(0), "21") == 0, "R24: one that has come back is told");
	fake_forget();
}

static void test_away(void)
{
	open_all(2);
	make_templates(FLOW_IPFIX);
	send_made(0);
	fake_forget();
	uint32_t together = lab.collectors[0].group;
	lab.collectors[0].group = 1u << TABLE_GROUP_IPV4_SHIFT;
	lab_set_collectors();
	make_data(FLOW_IPFIX, 256);
	send_made(0);
	fake_forget();
	lab.collectors[0].group = together;
	lab_set_collectors();
	check(strcmp(send_made(0), "21") == 0, "R24: one that was away for data is told");
	fake_forget();
}

/* Only one of them has an exporter: as with balancing by hash. */
static void test_moved(void)
{
	open_group(2, 0);
	make_templates(FLOW_V9);
	check(strcmp(send_made(0), "1") == 0, "R24: templates go to the collector of the exporter");
	fake_forget();
	make_data(FLOW_V9, 256);
	check(strcmp(send_made(0), "1") == 0, "R24: so does data");
	fake_forget();
	check(strcmp(send_made(1), "22") == 0, "R24: another collector is told first");
	fake_forget();
	check(strcmp(send_made(1), "2") == 0, "R24: once");
	fake_forget();
	flow_begin(&maker, FLOW_V9, 9, 1);
	flow_add_template_set(&maker, 256, 5, 1);
	flow_finish(&maker, 1);
	send_made(1);
	fake_forget();
	make_data(FLOW_V9, 256);
	check(strcmp(send_made(0), "11") == 0, "R24: one that has missed a change is told");
	fake_forget();
}

static void test_unreadable(void)
{
	open_all(2);
	make_templates(FLOW_V9);
	flow_put_u16(maker.bytes + FLOW_V9_HEADER + 2, 3);
	check(strcmp(send_made(0), "1") == 0, "R23: what cannot be read goes as it is");
	check_equal(lab.counters[PIO_TEMPLATES_UNREADABLE], 1, "R23: and is counted");
	const struct wire *sent = next_sent();
	check(sent != NULL && memcmp(sent->payload, maker.bytes, maker.length) == 0, "untouched");
	next_sent();
	make_data(FLOW_IPFIX, 256);
	flow_put_u16(maker.bytes + 2, maker.length + 1);
	send_made(0);
	fake_forget();
	check_equal(lab.counters[PIO_TEMPLATES_UNREADABLE], 2,
		    "R23: an IPFIX message that was cut");
	maker.bytes[1] = 5;
	send_made(0);
	fake_forget();
	check_equal(lab.counters[PIO_TEMPLATES_UNREADABLE], 2, "R23: other protocols are not read");
}

/* More messages in one batch than there is spare room, all to be told apart. */
static void test_many(void)
{
	open_all(3);
	for (uint32_t i = 0; i < LAB_BATCH; i++) {
		flow_begin(&maker, FLOW_V9, i, i);
		flow_add_template_set(&maker, 256, 3, 1);
		flow_add_options_set(&maker, 300);
		flow_add_data(&maker, 256, 12, 0xdd);
		flow_finish(&maker, 3);
		uint32_t packet = made_packet("192.0.2.1", 5000 + i);
		lab_copy(packet, i % 3);
		lab_copy(packet, (i + 1) % 3);
	}
	lab_send();
	uint32_t whole = 0;
	uint32_t others = 0;
	const struct wire *sent;
	while ((sent = next_sent()) != NULL) {
		uint32_t domain = flow_u32(sent->payload + 16);
		if (domain + 5000 != sent->source_port || domain != flow_u32(sent->payload + 12))
			continue;
		whole += sent->payload_bytes == maker.length;
		others += sent->payload_bytes == maker.length - 16;
	}
	check(whole == 2 * LAB_BATCH && others == 4 * LAB_BATCH, "R23: nothing is mixed up");
	/* Two new collectors for each of them: more than may be told in one batch. */
	for (uint32_t i = 0; i < 3; i++)
		lab.collectors[i].returns++;
	lab_set_collectors();
	for (uint32_t batch = 0; batch < 4; batch++) {
		lab.counters[PIO_TEMPLATE_RESENDS] = 0;
		for (uint32_t i = 0; i < LAB_BATCH; i++) {
			flow_begin(&maker, FLOW_V9, i, i);
			flow_add_data(&maker, 256, 12, 0xdd);
			flow_finish(&maker, 1);
			lab_copy(made_packet("192.0.2.1", 5000 + i), 0);
		}
		lab_send();
		fake_forget();
		check_equal(lab.counters[PIO_TEMPLATE_RESENDS], batch < 3 ? PIO_RESENDS_MAX : 0,
			    "R24: in one batch, of all that have to be told");
	}
}

int main(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		test_whole(versions[i]);
		test_mixed(versions[i]);
		test_newcomer(versions[i]);
	}
	test_away();
	test_moved();
	test_unreadable();
	test_many();
	lab_close();
	return tap_done();
}
