#include <stddef.h>

#include "exports.h"
#include "pio.h"
#include "values.h"

/* The test that compares TypeScript's constants with them asks for these. */
static const struct {
	const char *name;
	size_t value;
} layout[] = {
	{"sizeof packet", sizeof(struct pio_packet)},
	{"packet.source", offsetof(struct pio_packet, source)},
	{"packet.source_port", offsetof(struct pio_packet, source_port)},
	{"packet.length", offsetof(struct pio_packet, length)},
	{"packet.flags", offsetof(struct pio_packet, flags)},
	{"packet.input_slot", offsetof(struct pio_packet, input_slot)},
	{"flag IPV6", PIO_PACKET_IPV6},
	{"flag TRUNCATED", PIO_PACKET_TRUNCATED},
	{"sizeof copy", sizeof(struct pio_copy)},
	{"copy.packet", offsetof(struct pio_copy, packet)},
	{"copy.collector", offsetof(struct pio_copy, collector)},
	{"sizeof collector", sizeof(struct pio_collector)},
	{"collector.address", offsetof(struct pio_collector, address)},
	{"collector.port", offsetof(struct pio_collector, port)},
	{"collector.family", offsetof(struct pio_collector, family)},
	{"collector.output_slot", offsetof(struct pio_collector, output_slot)},
	{"sizeof slot", sizeof(struct pio_slot)},
	{"sizeof counters", PIO_COUNTERS * sizeof(uint64_t)},
	{"counter RECEIVED_PACKETS", PIO_RECEIVED_PACKETS},
	{"counter RECEIVED_BYTES", PIO_RECEIVED_BYTES},
	{"counter FORWARDED_PACKETS", PIO_FORWARDED_PACKETS},
	{"counter FORWARDED_BYTES", PIO_FORWARDED_BYTES},
	{"counter TRUNCATED", PIO_TRUNCATED},
	{"counter FRAGMENTED", PIO_FRAGMENTED},
	{"counter FRAGMENTS", PIO_FRAGMENTS},
	{"counter SEND_RETRIES", PIO_SEND_RETRIES},
	{"counter DROPPED_BY_RULE", PIO_DROPPED_BY_RULE},
	{"counter NO_ELIGIBLE_COLLECTOR", PIO_NO_ELIGIBLE_COLLECTOR},
	{"counter HEARTBEAT", PIO_HEARTBEAT},
	{"counter SEND_ERRORS", PIO_SEND_ERRORS},
	{"counter RECEIVE_ERRORS", PIO_RECEIVE_ERRORS},
};

napi_value layout_of_contract(napi_env env)
{
	napi_value values = NULL;
	napi_create_object(env, &values);
	for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++)
		napi_set_named_property(env, values, layout[i].name,
					number(env, (int64_t)layout[i].value));
	return values;
}
