#include "judge/judge.h"

#include <string.h>

#include "judge/counts.h"
#include "judge/latency.h"
#include "payload/numbered.h"
#include "shared/clock.h"
#include "shared/noise.h"
#include "shared/record.h"

struct counts counts;
struct destination destinations[2][256][OUTPUTS];
uint64_t last_sent_ns[GENERATIONS];
uint32_t buffer_bytes = 65535;
int is_counting;

static int is_intact(const struct copy *copy, const struct numbered_header *header,
		     const struct stream *stream)
{
	uint32_t length = header->length < buffer_bytes ? header->length : buffer_bytes;
	return copy->length == length && memcmp(header->source, stream->source, 16) == 0 &&
	       memcmp(copy->source, stream->source, 16) == 0 && header->port == stream->port &&
	       copy->source_port == stream->port && copy->available >= sizeof(*header) &&
	       memcmp(copy->payload + sizeof(*header),
		      noise + noise_place(header->stream, header->sequence),
		      (copy->available < length ? copy->available : length) - sizeof(*header)) == 0;
}

static void note_time(struct stream *stream, const struct copy *copy, uint64_t sent_ns)
{
	uint64_t latency = copy->arrived_ns > sent_ns ? copy->arrived_ns - sent_ns : 0;
	add_latency(latency);
	if (stream->last_ns != 0 && copy->arrived_ns > stream->last_ns &&
	    copy->arrived_ns - stream->last_ns > stream->longest_gap_ns)
		stream->longest_gap_ns = copy->arrived_ns - stream->last_ns;
	stream->last_ns = copy->arrived_ns;
}

/* When it arrived by the clock of the records. */
static uint64_t monotonic_ns(uint64_t realtime_ns)
{
	return realtime_ns + clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_REALTIME);
}

static void note_record(const struct copy *copy, const struct numbered_header *header)
{
	write_record(&(struct record){
		.exporter = (uint16_t)header->stream,
		.way = copy->way,
		.sequence = header->sequence,
		.nanoseconds = monotonic_ns(copy->arrived_ns),
	});
}

void take_copy(const struct copy *copy)
{
	if (!is_counting || copy->destination_port < FIRST_PORT ||
	    copy->destination_port >= FIRST_PORT + GENERATIONS * OUTPUTS)
		return;
	uint32_t number = copy->destination_port - FIRST_PORT;
	struct destination *destination = &destinations[copy->family][copy->host][number % OUTPUTS];
	destination->copies++;
	destination->bytes += copy->length;
	counts.copies++;
	counts.bytes += copy->length;
	struct numbered_header header = {0};
	if (copy->available >= sizeof(header))
		memcpy(&header, copy->payload, sizeof(header));
	if (header.magic != NUMBERED_MAGIC) {
		counts.unnumbered++;
		return;
	}
	if (header.stream >= stream_count) {
		counts.unknown++;
		return;
	}
	struct stream *stream = &streams[header.stream];
	if (!is_intact(copy, &header, stream)) {
		counts.damaged++;
		return;
	}
	if (header.sent_at_ns > last_sent_ns[number / OUTPUTS])
		last_sent_ns[number / OUTPUTS] = header.sent_at_ns;
	note_time(stream, copy, header.sent_at_ns);
	judge_copy(stream, copy, header.sequence);
	if (has_records())
		note_record(copy, &header);
}
