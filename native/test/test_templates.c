/* What is read of messages, and what is kept of them: bounded, whatever comes. */
#include <stdio.h>

#include "flow_maker.h"
#include "tap.h"
#include "template_messages.h"

static struct templates templates;
static struct flow_maker maker;
static uint8_t address[16] = {[10] = 0xff, [11] = 0xff, [12] = 192};
static uint32_t now_s;

static struct template_look look(uint16_t port)
{
	struct template_source source = {address, port, now_s};
	return templates_look(&templates, &source, maker.bytes, maker.length);
}

static void begin(void)
{
	templates_deinit(&templates);
	now_s = 1000;
	memset(address + 13, 0, 3);
	if (templates_init(&templates, TEMPLATES_SETS) < 0)
		printf("Bail out! no memory\n");
}

static void make(uint16_t version, uint32_t domain, uint32_t id, uint32_t fields)
{
	flow_begin(&maker, version, 1, domain);
	flow_add_template_set(&maker, id, fields, 1);
	flow_finish(&maker, 1);
}

static uint32_t count_sessions(void)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < TEMPLATES_SETS * TEMPLATES_WAYS; i++)
		count += templates.sessions[i].version != 0;
	return count;
}

static void test_sessions(void)
{
	begin();
	make(FLOW_V9, 1, 256, 3);
	check(look(1).session != look(2).session, "another port is another exporter");
	struct template_session *first = look(1).session;
	make(FLOW_V9, 2, 256, 3);
	check(look(1).session != first, "so is another domain");
	make(FLOW_IPFIX, 1, 256, 3);
	check(look(1).session != first, "and another version");
	make(FLOW_V9, 1, 256, 3);
	check(look(1).session == first && first->revision == 2, "the same again is no change");
	make(FLOW_V9, 1, 256, 4);
	check(look(1).revision_before == 2 && first->revision == 3 && first->record_count == 1,
	      "another template of the same id takes its place");
	flow_begin(&maker, FLOW_V9, 1, 1);
	flow_add_options_set(&maker, 256);
	flow_finish(&maker, 1);
	check(look(1).session->record_count == 1 && templates_options(first, 256) != NULL,
	      "one of options, too");
	make(FLOW_V9, 1, 256, 4);
	check(look(1).session->options == 0 && templates_options(first, 256) == NULL,
	      "and the other way round");
}

static void test_withdrawals(void)
{
	begin();
	flow_begin(&maker, FLOW_IPFIX, 1, 1);
	flow_add_template_set(&maker, 256, 3, 1);
	flow_add_template_set(&maker, 257, 3, 1);
	flow_add_options_set(&maker, 300);
	flow_finish(&maker, 3);
	struct template_session *session = look(1).session;
	check_equal(session->record_count, 3, "three templates are known");
	make(FLOW_IPFIX, 1, 257, 0);
	check(look(1).verdict == TEMPLATES_WHOLE && session->record_count == 2,
	      "RFC 7011 8.1: one is withdrawn");
	make(FLOW_IPFIX, 1, 2, 0);
	look(1);
	check(session->record_count == 1 && session->records[0].id == 300, "all but options are");
	flow_begin(&maker, FLOW_IPFIX, 1, 1);
	flow_begin_set(&maker, 3);
	flow_add_16(&maker, 3);
	flow_add_16(&maker, 0);
	flow_end_set(&maker);
	flow_finish(&maker, 1);
	look(1);
	check(session->record_count == 0 && session->options == 0, "all of options are");
}

static void test_fields(void)
{
	begin();
	flow_begin(&maker, FLOW_IPFIX, 1, 1);
	flow_begin_set(&maker, 2);
	flow_add_16(&maker, 256);
	flow_add_16(&maker, 2);
	flow_add_32(&maker, 0x8001ffffu); /* of an enterprise, of variable length */
	flow_add_32(&maker, 2011);
	flow_add_32(&maker, 1u << 16 | 4);
	flow_end_set(&maker);
	flow_finish(&maker, 1);
	const struct template_session *session = look(1).session;
	check(session->record_count == 1 && session->records[0].length == 16 &&
		      session->records[0].data_length == 0,
	      "RFC 7011 3.2: enterprise numbers and variable lengths");
	make(FLOW_V9, 1, 256, 3);
	maker.length += 3; /* padding of some exporters, not counted by anybody */
	check_equal(look(1).verdict, TEMPLATES_WHOLE, "padding behind the last set");
	make(FLOW_V9, 1, 256, 3);
	flow_put_u16(maker.bytes + FLOW_V9_HEADER + FLOW_SET_HEADER + 2, 65535);
	check_equal(look(3).verdict, TEMPLATES_UNREADABLE, "65,535 fields that are not there");
	check(look(3).session == NULL, "nothing is kept of what cannot be read");
	make(FLOW_V9, 1, 255, 3);
	check_equal(look(3).verdict, TEMPLATES_UNREADABLE, "a template without a proper id");
	flow_begin(&maker, FLOW_V9, 1, 1);
	flow_add_options_set(&maker, 300);
	flow_put_u16(maker.bytes + FLOW_V9_HEADER + FLOW_SET_HEADER + 2, 5);
	check_equal(look(3).verdict, TEMPLATES_UNREADABLE, "half a scope");
	flow_begin(&maker, FLOW_V9, 1, 1);
	for (uint32_t i = 0; i <= FLOW_SETS_MAX; i++)
		flow_add_data(&maker, 256, 0, 0);
	check_equal(look(3).verdict, TEMPLATES_UNREADABLE, "more sets than anybody sends");
}

/* A set of as many records as fit into a message, each with another id. */
static void make_many(uint32_t first, uint32_t count, uint32_t fields)
{
	flow_begin(&maker, FLOW_V9, 1, 1);
	flow_begin_set(&maker, 0);
	for (uint32_t i = 0; i < count; i++)
		flow_add_template(&maker, first + i, fields, 1);
	flow_end_set(&maker);
	flow_finish(&maker, count);
}

static void test_session_bounds(void)
{
	begin();
	make_many(256, 2000, 1);
	struct template_look many = look(1);
	check_equal(many.unkept, 2000 - TEMPLATES_MESSAGE_MAX, "so many of one message are kept");
	make_many(10000, 2000, 1);
	check(look(1).unkept == 2000 && many.session->record_count == TEMPLATES_SESSION_MAX,
	      "and so many of one exporter");
	make_many(256, TEMPLATES_SESSION_MAX, 30);
	check(look(1).unkept > 0 && many.session->bytes <= TEMPLATES_SESSION_BYTES_MAX,
	      "so many bytes of it");
	make_many(256, TEMPLATES_SESSION_MAX, 1);
	look(1);
	check(look(1).unkept == 0, "when they are shorter there is room again");
	check_equal(templates.bytes, many.session->bytes, "all bytes are accounted for");
}

/* One that has been here for a while. */
static struct template_session *settle(void)
{
	make(FLOW_V9, 77, 256, 3);
	look(1);
	now_s += TEMPLATES_STRANGER_S;
	return look(1).session;
}

static void flood(uint32_t exporters, uint32_t records, uint32_t fields)
{
	for (uint32_t i = 0; i < exporters; i++) {
		address[13] = (uint8_t)(i >> 16);
		address[14] = (uint8_t)(i >> 8);
		address[15] = (uint8_t)i;
		make_many(256, records, fields);
		look(1);
	}
	memset(address + 13, 0, 3);
}

static void test_strangers(void)
{
	begin();
	const struct template_session *settled = settle();
	flood(300000, 1, 1);
	check_equal(count_sessions(), TEMPLATES_SETS * TEMPLATES_WAYS,
		    "as many exporters as there is room for");
	check(settled->version == FLOW_V9 && settled->domain == 77 && settled->record_count == 1,
	      "who has been here for a while stays");
	flood(5000, 200, 10);
	check(templates.bytes <= TEMPLATES_BYTES_MAX && templates.bytes > TEMPLATES_BYTES_MAX / 2,
	      "as many bytes as there is room for");
	check(settled->domain == 77 && settled->record_count == 1, "nor do bytes push it out");
	now_s += TEMPLATES_SILENT_S;
	flood(300000, 1, 1);
	check(settled->domain != 77, "who is silent for long gives way");
	templates_deinit(&templates);
	check_equal(templates.bytes, 0, "all bytes are given back");
}

static void test_messages(void)
{
	begin();
	flow_begin(&maker, FLOW_V9, 1000, 1);
	flow_begin_set(&maker, 0);
	for (uint32_t i = 0; i < 100; i++)
		flow_add_template(&maker, 256 + i, i == 50 ? 500 : 10, 1);
	flow_end_set(&maker);
	flow_add_options_set(&maker, 1000);
	flow_finish(&maker, 101);
	struct template_look known = look(1);
	uint32_t count = templates_count_messages(&known, TEMPLATE_MESSAGE_BYTES);
	check_equal(count, 4,
		    "as few messages as hold 99 templates of 44 bytes, and one of options");
	uint8_t to[TEMPLATE_MESSAGE_BYTES];
	uint32_t next = 0;
	uint32_t records = 0;
	int are_right = 1;
	for (uint32_t left = count; left-- > 0;) {
		uint32_t length = templates_write_message(&known, &next, left, to, sizeof(to));
		are_right &= length <= sizeof(to) && flow_u32(to + 12) == 999 - left;
		records += flow_u16(to + 2);
	}
	check(are_right, "their numbers lead to that of the message that came");
	check_equal(records, 100, "but for the template that fits into none");
	check(templates_write_message(&known, &next, 0, to, sizeof(to)) == 0, "there are no more");
}

int main(void)
{
	test_sessions();
	test_withdrawals();
	test_fields();
	test_session_bounds();
	test_strangers();
	test_messages();
	templates_deinit(&templates);
	return tap_done();
}
