/*
 * Any messages of any exporters: what is made of them can be read, says no more than they did, and
 * says all that is known; memory stays within its bounds.
 */
#include "../test/flow_maker.h"
#include "input.h"
#include "template_messages.h"

#define MESSAGE_MAX 2000u
/* Few: sessions push out others. */
#define SETS 1u

static struct templates templates;

/* Sets of any kind, mostly well-formed. */
static void make_sets(struct input *input, struct flow_maker *maker)
{
	for (uint32_t sets = take_8(input) % 8; sets > 0 && maker->length < MESSAGE_MAX; sets--) {
		uint8_t kind = take_8(input);
		uint32_t id = 250 + take_8(input) % 16;
		if (kind % 4 == 0)
			flow_add_template_set(maker, id, take_8(input) % 40, take_8(input));
		else if (kind % 4 == 1)
			flow_add_options_set(maker, id);
		else
			flow_add_data(maker, kind % 4 == 2 ? id : take_16(input),
				      take_8(input) % 64 * 4, take_8(input));
	}
}

static uint32_t make_message(struct input *input, struct flow_maker *maker)
{
	uint8_t kind = take_8(input);
	flow_begin(maker, kind % 2 == 0 ? FLOW_V9 : FLOW_IPFIX, take_32(input), take_8(input) % 3);
	if (kind % 8 < 2) {
		uint32_t bytes = take_16(input) % MESSAGE_MAX;
		take_bytes(input, maker->bytes + maker->length, bytes);
		maker->length += bytes;
	}
	make_sets(input, maker);
	flow_finish(maker, take_16(input));
	if (kind % 8 == 7)
		flow_put_u16(maker->bytes + take_16(input) % maker->length, take_16(input));
	return kind % 16 == 15 ? take_16(input) % (maker->length + 1) : maker->length;
}

/* Records of templates in a message that has to be readable. */
static uint32_t count_records(const uint8_t *bytes, uint32_t length)
{
	struct flow_message message;
	must(flow_open(&message, bytes, length) == FLOW_READ, "a proper header");
	uint32_t count = 0;
	uint32_t offset = message.header;
	struct flow_set set;
	enum flow_read read;
	while ((read = flow_next_set(&message, &offset, &set)) == FLOW_READ) {
		struct flow_template seen;
		uint32_t at = FLOW_SET_HEADER;
		if (set.kind != FLOW_SET_TEMPLATES && set.kind != FLOW_SET_OPTIONS_TEMPLATES)
			continue;
		while ((read = flow_next_template(&message, &set, &at, &seen)) == FLOW_READ)
			count++;
		must(read == FLOW_END, "proper records");
	}
	must(read == FLOW_END, "proper sets");
	return count;
}

static void check_stripped(const struct template_look *look, const struct template_source *source)
{
	static uint8_t to[65536];
	uint32_t length = templates_strip(look, to);
	must(length < look->message.length, "it has less than it had");
	must(count_records(to, length) == count_records(look->message.at, look->message.length),
	     "all templates are in it");
	struct template_look again = templates_look(&templates, source, to, length);
	must(again.verdict == TEMPLATES_WHOLE, "no data of flows is left");
	must(again.session == look->session, "it is of the same session");
}

static void check_known(const struct template_look *look)
{
	uint32_t room = TEMPLATE_ROOM_MIN + (look->session->revision * 97) % 1200;
	uint32_t count = templates_count_messages(look, room);
	uint32_t next = 0;
	uint32_t records = 0;
	for (uint32_t left = count; left-- > 0;) {
		uint8_t *to = malloc(room);
		must(to != NULL, "memory");
		uint32_t length = templates_write_message(look, &next, left, to, room);
		must(length > 0 && length <= room, "within its room");
		uint32_t those = count_records(to, length);
		must(look->message.version != FLOW_V9 || flow_u16(to + 2) == those, "counted");
		records += those;
		free(to);
	}
	uint32_t fitting = 0;
	for (uint32_t i = 0; i < look->session->record_count; i++) {
		uint32_t bytes = (look->session->records[i].length + 3u) / 4 * 4;
		fitting += look->message.header + FLOW_SET_HEADER + bytes <= room;
	}
	must(records == fitting, "all that is known is told once");
}

static void check_bounds(const struct template_session *session)
{
	must(templates.bytes <= TEMPLATES_BYTES_MAX, "all together");
	if (session == NULL)
		return;
	must(session->bytes <= TEMPLATES_SESSION_BYTES_MAX, "each session");
	must(session->record_count <= TEMPLATES_SESSION_MAX, "records of a session");
	for (uint32_t i = 1; i < session->record_count; i++)
		must(session->records[i - 1].id < session->records[i].id, "records by id");
}

static void take_message(struct input *input)
{
	static struct flow_maker maker;
	uint32_t length = make_message(input, &maker);
	/* So that nothing is read beyond it. */
	uint8_t *payload = malloc(length + (length == 0));
	must(payload != NULL, "memory");
	memcpy(payload, maker.bytes, length);
	uint8_t address[16] = {[15] = take_8(input) % 4};
	struct template_source source = {address, 2055, 1000 + take_16(input)};
	struct template_look look = templates_look(&templates, &source, payload, length);
	if (look.session != NULL && take_8(input) % 4 == 0)
		(void)templates_add_holder(&templates, look.session, take_32(input));
	if (look.verdict == TEMPLATES_MIXED)
		check_stripped(&look, &source);
	if (look.session != NULL)
		check_known(&look);
	check_bounds(look.session);
	free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	must(templates_init(&templates, SETS) == 0, "memory");
	while (input.left > 0)
		take_message(&input);
	templates_deinit(&templates);
	must(templates.bytes == 0, "all bytes are given back");
	return 0;
}
