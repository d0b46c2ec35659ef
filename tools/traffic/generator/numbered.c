#include "generator/numbered.h"

#include "generator/burst.h"
#include "generator/options.h"
#include "generator/streams.h"
#include "payload/numbered.h"
#include "shared/clock.h"
#include "shared/noise.h"

void write_numbered(const struct options *options, uint32_t index, uint64_t number)
{
	uint32_t stream = (uint32_t)(number % stream_count);
	uint32_t sequence = (uint32_t)(number / stream_count);
	const struct stream *from = &streams[stream];
	uint32_t length = options->sizes[(stream + sequence) % options->size_count];
	struct numbered_header header = {
		.magic = NUMBERED_MAGIC,
		.stream = stream,
		.sequence = sequence,
		.length = (uint16_t)length,
		.port = from->port,
		.sent_at_ns = clock_ns(CLOCK_REALTIME),
	};
	memcpy(header.source, from->source, 16);
	uint8_t *at = write_headers(options, frame_at(index), from->source, from->port, length);
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), noise + noise_place(stream, sequence), length - sizeof(header));
	set_end(index, at + length);
}
