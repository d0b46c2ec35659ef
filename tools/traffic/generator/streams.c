#include "generator/streams.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "shared/address.h"
#include "shared/fail.h"

#define FIRST_PORT 1024u

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

static void add_to_address(uint8_t *last_word, uint32_t by)
{
	uint32_t word;
	memcpy(&word, last_word, sizeof(word));
	word = htonl(ntohl(word) + by);
	memcpy(last_word, &word, sizeof(word));
}

void make_streams(const struct pattern *pattern)
{
	uint32_t spread = pattern->addresses / pattern->exporters;
	for (uint32_t i = 0; i < pattern->exporters; i++) {
		struct stream *stream = &streams[stream_count++];
		memcpy(stream->source, pattern->first, sizeof(stream->source));
		add_to_address(stream->source + 12,
			       spread > 1 ? i * spread : i % pattern->addresses);
		stream->port = (uint16_t)(FIRST_PORT + (spread > 1 ? 0 : i / pattern->addresses));
	}
}
