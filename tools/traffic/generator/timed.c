#include "generator/timed.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "generator/burst.h"
#include "generator/options.h"
#include "generator/streams.h"
#include "payload/timed.h"
#include "shared/clock.h"

void write_timed(const struct options *options, uint32_t index, uint64_t number)
{
	uint32_t sequence = (uint32_t)number;
	const struct stream *from = &streams[sequence % stream_count];
	struct timed_header header = {
		.version = htons(TIMED_VERSION),
		.sent_at_ns = sequence % SAMPLE_EVERY == 0 ? clock_ns(CLOCK_REALTIME) : 0,
		.sequence = htonl(sequence),
		.source_port = from->port,
	};
	memcpy(&header.address, from->source + 12, sizeof(header.address));
	uint32_t length = options->sizes[0];
	uint8_t *at = write_headers(options, frame_at(index), from->source, from->port, length);
	memcpy(at, &header, sizeof(header));
	set_end(index, at + length);
}
