#include "generator/timed.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "generator/burst.h"
#include "generator/options.h"
#include "generator/streams.h"
#include "payload/timed.h"
#include "shared/clock.h"

/* A template of one field; zeros behind it are padding. */
static const uint8_t template[] = {1, 0, 0, 1, 0, 1, 0, 4};

void write_timed(const struct options *options, uint32_t index, uint64_t number)
{
	uint32_t sequence = (uint32_t)number;
	const struct stream *from = &streams[sequence % stream_count];
	/* The first packet of each exporter announces templates, when there are any. */
	int is_template = options->has_templates && number < stream_count;
	int is_sampled = sequence % SAMPLE_EVERY == 0 && !is_template;
	uint32_t length = options->sizes[0];
	struct timed_header header = {
		.version = htons(options->has_templates ? TIMED_TEMPLATES_VERSION : TIMED_VERSION),
		.sent_at_ns = is_sampled ? clock_ns(CLOCK_REALTIME) : 0,
		.sequence = htonl(sequence),
		.source_port = is_template ? 0 : htons(from->port),
		.rest = htons((uint16_t)(length - offsetof(struct timed_header, source_port))),
	};
	memcpy(&header.address, from->source + 12, sizeof(header.address));
	uint8_t *at = write_headers(options, frame_at(index), from->source, from->port, length);
	memcpy(at, &header, sizeof(header));
	if (is_template) {
		memset(at + sizeof(header), 0, length - sizeof(header));
		memcpy(at + sizeof(header), template, sizeof(template));
	}
	set_end(index, at + length);
}
