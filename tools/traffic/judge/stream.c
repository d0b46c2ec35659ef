#include "judge/stream.h"

#include <stdlib.h>
#include <string.h>

#include "judge/counts.h"
#include "shared/address.h"
#include "shared/fail.h"

/* Packets of one exporter that are under way at the same time, at most. A power of 2. */
#define WINDOW 32768u

/* One packet that may still get copies. */
struct packet {
	uint16_t generation;
	uint8_t outputs; /* that got it */
	uint8_t reserved;
};

struct class classes[CLASSES];
struct stream *streams;
uint32_t stream_count;

void prepare_streams(void)
{
	streams = calloc(STREAMS_MAX, sizeof(*streams));
	if (streams == NULL)
		fail("calloc");
}

int add_stream(const char *address, uint16_t port, uint32_t class)
{
	if (stream_count == STREAMS_MAX)
		return 0;
	struct stream *stream = &streams[stream_count];
	if (!read_address(address, stream->source))
		return 0;
	stream->port = port;
	stream->class = (uint8_t)(class % CLASSES);
	stream->window = calloc(WINDOW, sizeof(*stream->window));
	if (stream->window == NULL)
		fail("calloc");
	stream_count++;
	return 1;
}

static uint8_t outputs_of(const struct stream *stream, uint16_t generation)
{
	return classes[stream->class].outputs[generation & 1];
}

/* No more copies of the oldest packet can come: judges it. */
static void retire(struct stream *stream)
{
	struct packet *packet = &stream->window[stream->first % WINDOW];
	if (packet->outputs == 0) {
		stream->missing++;
	} else {
		uint8_t wanted = outputs_of(stream, packet->generation);
		int lacking = __builtin_popcount(wanted & (uint8_t)~packet->outputs);
		counts.copies_missing += (uint64_t)lacking;
		counts.incomplete += lacking > 0;
	}
	memset(packet, 0, sizeof(*packet));
	stream->first++;
}

/* Whether generation a is before b, as numbers that begin again after the last. */
static int is_before(uint16_t a, uint16_t b)
{
	uint32_t ahead = (uint32_t)(b - a) % GENERATIONS;
	return ahead > 0 && ahead < GENERATIONS / 2;
}

void judge_copy(struct stream *stream, const struct copy *copy, uint64_t sequence)
{
	uint16_t number = (uint16_t)(copy->destination_port - FIRST_PORT);
	uint16_t generation = (uint16_t)(number / OUTPUTS);
	uint8_t output = (uint8_t)(1u << number % OUTPUTS);
	if (classes[stream->class].destination != copy->host >> 4 ||
	    (outputs_of(stream, generation) & output) == 0)
		counts.misrouted++;
	while (sequence >= stream->first + WINDOW)
		retire(stream);
	if (sequence < stream->first) {
		counts.disordered++;
		return;
	}
	struct packet *packet = &stream->window[sequence % WINDOW];
	if (packet->outputs == 0)
		stream->packets++;
	else if (packet->generation != generation)
		counts.mixed++;
	if ((packet->outputs & output) != 0)
		counts.doubled++;
	packet->outputs |= output;
	packet->generation = generation;
	if (stream->end > 0 && is_before(generation, stream->generation))
		counts.stale++;
	stream->generation = generation;
	if (sequence >= stream->end)
		stream->end = sequence + 1;
	uint64_t *next = &stream->next[copy->family][number % OUTPUTS][copy->host & 15];
	if (sequence < *next)
		counts.disordered++;
	else
		*next = sequence + 1;
}

void end_stream(struct stream *stream, uint64_t sent)
{
	if (stream->end > sent)
		counts.unknown += stream->end - sent;
	while (stream->first < sent)
		retire(stream);
}
