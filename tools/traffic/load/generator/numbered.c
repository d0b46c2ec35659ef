#include "load/generator/numbered.h"

#include <stdio.h>

#include "load/generator/burst.h"
#include "load/generator/options.h"
#include "load/noise.h"
#include "load/payload.h"
#include "shared/address.h"
#include "shared/clock.h"
#include "shared/fail.h"

struct stream streams[STREAMS_MAX];
uint32_t stream_count;

void read_streams(void)
{
	char line[128], address[64];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (stream_count == STREAMS_MAX)
			refuse("too many exporters");
		struct stream *stream = &streams[stream_count++];
		if (sscanf(line, "%63s %hu", address, &stream->port) != 2 ||
		    !read_address(address, stream->source))
			refuse("an exporter is ADDRESS PORT");
	}
}

void write_numbered(const struct options *options, uint32_t index, uint64_t number)
{
	uint32_t stream = (uint32_t)(number % stream_count);
	uint32_t sequence = (uint32_t)(number / stream_count);
	const struct stream *from = &streams[stream];
	uint32_t length = options->sizes[(stream + sequence) % options->size_count];
	struct payload_header header = {
		.magic = PAYLOAD_MAGIC,
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
