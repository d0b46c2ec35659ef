/* Headers of any datagram, and its fragments at any MTU: a receiver must get the datagram back. */
#include <arpa/inet.h>

#include "../test/wire.h"
#include "checksum.h"
#include "headers.h"
#include "input.h"

static uint8_t payload[65535];
static uint8_t packet[WIRE_MAX];
static struct wire wire;

static int read_back(const uint8_t *header, uint32_t header_bytes, uint32_t offset, uint32_t bytes)
{
	must(header_bytes <= PIO_HEADER_MAX_BYTES, "headers fit their place");
	memcpy(packet, header, header_bytes);
	memcpy(packet + header_bytes, payload + offset, bytes);
	int state = wire_read(&wire, packet, header_bytes + bytes);
	must(state >= 0, wire.error);
	return state;
}

static void check_datagram(uint32_t length, const struct pio_datagram *datagram)
{
	must(wire.payload_bytes == length && memcmp(wire.payload, payload, length) == 0,
	     "the payload comes back");
	must(wire.source_port == ntohs(datagram->source_port) &&
		     wire.destination_port == ntohs(datagram->destination_port),
	     "the ports come back");
	must(wire.hop_limit == datagram->hop_limit, "the hop limit comes back");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint8_t source[16];
	uint8_t destination[16];
	int family = take_8(&input) % 2 == 0 ? 4 : 6;
	uint32_t mtu = take_16(&input) + (take_8(&input) % 8 == 0 ? 65536u : 0u);
	uint32_t identification = take_32(&input) | 1;
	uint32_t length = take_16(&input);
	uint32_t length_max = family == 4 ? PIO_PAYLOAD4_MAX : PIO_PAYLOAD6_MAX;
	if (length > length_max)
		length = length_max;
	take_bytes(&input, source, 16);
	take_bytes(&input, destination, 16);
	struct pio_datagram datagram = {
		.source_port = take_16(&input),
		.destination_port = take_16(&input),
		.length = (uint16_t)(length + 8),
		.hop_limit = 1 + take_8(&input) % 64,
	};
	uint8_t fill = take_8(&input);
	for (uint32_t i = 0; i < length; i++)
		payload[i] = (uint8_t)(fill + i);
	take_bytes(&input, payload, input.left < length ? input.left : length);
	datagram.payload_sum = pio_sum(payload, length);

	uint8_t whole[PIO_HEADER_MAX_BYTES];
	(family == 4 ? pio_build_ipv4 : pio_build_ipv6)(whole, source, destination, &datagram);
	uint32_t whole_bytes = family == 4 ? PIO_WHOLE4_BYTES : PIO_WHOLE6_BYTES;
	wire.collected = 0;
	must(read_back(whole, whole_bytes, 0, length) == 1, "a whole datagram is complete");
	check_datagram(length, &datagram);

	uint32_t capacity = pio_fragment_capacity(family, mtu);
	if (capacity == 0)
		return 0;
	int state = 0;
	for (uint32_t offset = 0; offset < length + 8; offset += capacity) {
		must(state == 0, "complete with the last fragment only");
		uint8_t header[PIO_HEADER_MAX_BYTES];
		struct pio_fragment fragment =
			pio_build_fragment(header, whole, capacity, offset, identification);
		must(fragment.header_bytes + fragment.payload_bytes <= mtu,
		     "fragments fit the MTU");
		must(fragment.payload_offset + fragment.payload_bytes <= length,
		     "fragments stay in the payload");
		state = read_back(header, fragment.header_bytes, fragment.payload_offset,
				  fragment.payload_bytes);
	}
	must(state == 1, "all fragments are a datagram");
	check_datagram(length, &datagram);
	return 0;
}
