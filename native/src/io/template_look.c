/* What is in a message, and what it announces. */
#include "template_messages.h"

#include <stddef.h>

/* What a message consists of. */
struct survey {
	int has_templates;
	int has_data;
};

/* Reads all of a message but its data. */
static enum flow_read survey_set(const struct flow_message *message, const struct flow_set *set,
				 struct survey *survey)
{
	survey->has_data |= set->kind == FLOW_SET_DATA || set->kind == FLOW_SET_RESERVED;
	if (set->kind != FLOW_SET_TEMPLATES && set->kind != FLOW_SET_OPTIONS_TEMPLATES)
		return FLOW_END;
	survey->has_templates = 1;
	struct flow_template seen;
	uint32_t offset = FLOW_SET_HEADER;
	enum flow_read read;
	do
		read = flow_next_template(message, set, &offset, &seen);
	while (read == FLOW_READ);
	return read;
}

static enum flow_read survey_message(const struct flow_message *message, struct survey *survey)
{
	*survey = (struct survey){0};
	uint32_t offset = message->header;
	uint32_t sets = 0;
	struct flow_set set;
	enum flow_read read;
	while ((read = flow_next_set(message, &offset, &set)) == FLOW_READ) {
		if (++sets > FLOW_SETS_MAX || survey_set(message, &set, survey) == FLOW_MALFORMED)
			return FLOW_MALFORMED;
	}
	return read;
}

static void learn_set(struct templates *templates, struct template_look *look,
		      const struct flow_set *set, uint32_t *learnt)
{
	struct flow_template seen;
	uint32_t offset = FLOW_SET_HEADER;
	while (flow_next_template(&look->message, set, &offset, &seen) == FLOW_READ) {
		int is_kept = look->session != NULL && *learnt < TEMPLATES_MESSAGE_MAX &&
			      templates_learn(templates, look->session, &seen);
		look->unkept += !is_kept;
		(*learnt)++;
	}
}

static void learn(struct templates *templates, struct template_look *look)
{
	uint32_t offset = look->message.header;
	uint32_t learnt = 0;
	struct flow_set set;
	while (flow_next_set(&look->message, &offset, &set) == FLOW_READ) {
		if (set.kind == FLOW_SET_TEMPLATES || set.kind == FLOW_SET_OPTIONS_TEMPLATES)
			learn_set(templates, look, &set, &learnt);
	}
}

/* Tells data of flows and of options apart, by what is known when all of the message is. */
static enum template_verdict tell_data(const struct template_look *look, int has_templates)
{
	uint32_t offset = look->message.header;
	int has_data = 0;
	struct flow_set set;
	while (flow_next_set(&look->message, &offset, &set) == FLOW_READ) {
		if (set.kind == FLOW_SET_RESERVED)
			has_data = 1;
		if (set.kind != FLOW_SET_DATA)
			continue;
		if (templates_options(look->session, set.id) != NULL)
			has_templates = 1;
		else
			has_data = 1;
	}
	if (!has_templates)
		return TEMPLATES_NONE;
	return has_data ? TEMPLATES_MIXED : TEMPLATES_WHOLE;
}

struct template_look templates_look(struct templates *templates,
				    const struct template_source *source, const uint8_t *payload,
				    uint32_t length)
{
	struct template_look look = {.verdict = TEMPLATES_NONE};
	enum flow_read read = flow_open(&look.message, payload, length);
	if (read == FLOW_END)
		return look;
	struct survey survey;
	if (read == FLOW_MALFORMED || survey_message(&look.message, &survey) == FLOW_MALFORMED) {
		look.verdict = TEMPLATES_UNREADABLE;
		return look;
	}
	look.session = templates_find(templates, source, &look.message);
	look.revision_before = look.session == NULL ? 0 : look.session->revision;
	if (survey.has_templates) {
		if (look.session == NULL)
			look.session = templates_open(templates, source, &look.message);
		learn(templates, &look);
	}
	if (look.session != NULL && survey.has_data && look.session->options != 0)
		look.verdict = tell_data(&look, survey.has_templates);
	else if (survey.has_templates)
		look.verdict = survey.has_data ? TEMPLATES_MIXED : TEMPLATES_WHOLE;
	return look;
}
