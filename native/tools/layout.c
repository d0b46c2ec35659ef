/*
 * Prints what TypeScript must know of the C headers, one constant a line: file, group, name, value.
 * scripts/build-layout.ts makes modules of it.
 */
#include <stddef.h>
#include <stdio.h>

#include "kernel_engine.h"
#include "notes.h"
#include "paths.h"
#include "pio.h"
#include "ring.h"
#include "table.h"

static void print(const char *file, const char *group, const char *name, unsigned long value)
{
	printf("%s %s %s %lu\n", file, group, name, value);
}

/* A member that is made of words by the index of the first; smaller ones by their byte. */
static void print_member(const char *file, const char *group, const char *name, size_t offset,
			 size_t size)
{
	if (offset % 4 == 0 && size % 4 == 0) {
		print(file, group, name, offset / 4);
		return;
	}
	char byte[64];
	snprintf(byte, sizeof(byte), "%s_byte", name);
	print(file, group, byte, offset);
}

#define STRUCT(file, group, type)                                                                  \
	print(file, group, "words", sizeof(type) / 4);                                             \
	print(file, group, "size", sizeof(type))
#define MEMBER(file, group, type, name)                                                            \
	print_member(file, group, #name, offsetof(type, name), sizeof(((type *)NULL)->name))
#define VALUE(file, group, prefix, name) print(file, group, #name, prefix##name)

static void print_table(void)
{
	VALUE("table", "TABLE", TABLE_, MAGIC);
	VALUE("table", "TABLE", TABLE_, LAYOUT);
	VALUE("table", "TABLE", TABLE_, PROBE_MAX);
	VALUE("table", "TABLE", TABLE_, KEY_WORDS);
	VALUE("table", "TABLE", TABLE_, PORT_FILTER_SHIFT);
	VALUE("table", "TABLE", TABLE_, SLOT_MISMATCHED);
	VALUE("table", "TABLE", TABLE_, SLOT_PROBE);
	VALUE("table", "TABLE", TABLE_, RULE_PRESENT);
	VALUE("table", "TABLE", TABLE_, RULE_PREFIX);
	VALUE("table", "TABLE", TABLE_, RULE_PREFIX_LENGTH_SHIFT);
	VALUE("table", "TABLE", TABLE_, RULE_OUTPUTS);
	VALUE("table", "TABLE", TABLE_, RULE_LISTENING_SHIFT);
	VALUE("table", "TABLE", TABLE_, PREFIX_RULE);
	VALUE("table", "TABLE", TABLE_, OUTPUT_WEIGHTED);
	VALUE("table", "TABLE", TABLE_, OUTPUT_PIPELINE);
	VALUE("table", "TABLE", TABLE_, OUTPUT_BY_EXPORTER);
	VALUE("table", "TABLE", TABLE_, OUTPUT_BY_ENDPOINT);
	VALUE("table", "TABLE", TABLE_, OUTPUT_LEAVES_OUT);
	VALUE("table", "TABLE", TABLE_, COLLECTOR_LISTEN_PORT);
	VALUE("table", "TABLE", TABLE_, COLLECTOR_TEMPLATES);
	VALUE("table", "TABLE", TABLE_, COLLECTOR_TEMPLATES_ALL);
	VALUE("table", "TABLE", TABLE_, COLLECTOR_PATH_SHIFT);
	VALUE("table", "TABLE", TABLE_, GROUP_IPV4_SHIFT);
	VALUE("table", "TABLE", TABLE_, GROUP_IPV6_SHIFT);
	VALUE("table", "TABLE", TABLE_, LEAVE_PROXY);
	VALUE("table", "TABLE", TABLE_, LEAVE_SOURCE);
	VALUE("table", "TABLE", TABLE_, LEAVE_PREFIX);
	STRUCT("table", "HEADER", struct table_header);
	MEMBER("table", "HEADER", struct table_header, magic);
	MEMBER("table", "HEADER", struct table_header, layout);
	MEMBER("table", "HEADER", struct table_header, buckets);
	MEMBER("table", "HEADER", struct table_header, hash_shift);
	MEMBER("table", "HEADER", struct table_header, longest_probe);
	MEMBER("table", "HEADER", struct table_header, port_rules);
	MEMBER("table", "HEADER", struct table_header, address_rules);
	MEMBER("table", "HEADER", struct table_header, default_rule);
	MEMBER("table", "HEADER", struct table_header, outputs);
	MEMBER("table", "HEADER", struct table_header, collectors);
	MEMBER("table", "HEADER", struct table_header, output_count);
	MEMBER("table", "HEADER", struct table_header, collector_count);
	MEMBER("table", "HEADER", struct table_header, listening_port_rules);
	MEMBER("table", "HEADER", struct table_header, listening_address_rules);
	MEMBER("table", "HEADER", struct table_header, prefixes);
	MEMBER("table", "HEADER", struct table_header, prefix_count);
	MEMBER("table", "HEADER", struct table_header, prefix_port_rules);
	MEMBER("table", "HEADER", struct table_header, ipv4_prefix);
	MEMBER("table", "HEADER", struct table_header, ipv6_prefix);
	MEMBER("table", "HEADER", struct table_header, leaves);
	MEMBER("table", "HEADER", struct table_header, leave_count);
	MEMBER("table", "HEADER", struct table_header, filters);
	MEMBER("table", "HEADER", struct table_header, filter_values);
	MEMBER("table", "HEADER", struct table_header, filter_count);
	MEMBER("table", "HEADER", struct table_header, filter_value_count);
	MEMBER("table", "HEADER", struct table_header, port_filter);
	MEMBER("table", "HEADER", struct table_header, key);
	STRUCT("table", "RULE", struct table_rule);
	MEMBER("table", "RULE", struct table_rule, address);
	MEMBER("table", "RULE", struct table_rule, port);
	MEMBER("table", "RULE", struct table_rule, input_slot);
	MEMBER("table", "RULE", struct table_rule, first_output);
	MEMBER("table", "RULE", struct table_rule, outputs);
	STRUCT("table", "PREFIX", struct table_prefix);
	MEMBER("table", "PREFIX", struct table_prefix, address);
	MEMBER("table", "PREFIX", struct table_prefix, length);
	MEMBER("table", "PREFIX", struct table_prefix, rules);
	MEMBER("table", "PREFIX", struct table_prefix, children);
	STRUCT("table", "OUTPUT", struct table_output);
	MEMBER("table", "OUTPUT", struct table_output, first_collector);
	MEMBER("table", "OUTPUT", struct table_output, collectors);
	MEMBER("table", "OUTPUT", struct table_output, ipv6_collectors);
	MEMBER("table", "OUTPUT", struct table_output, state);
	MEMBER("table", "OUTPUT", struct table_output, flags);
	MEMBER("table", "OUTPUT", struct table_output, sample);
	MEMBER("table", "OUTPUT", struct table_output, filter);
	STRUCT("table", "COLLECTOR", struct table_collector);
	MEMBER("table", "COLLECTOR", struct table_collector, address);
	MEMBER("table", "COLLECTOR", struct table_collector, port);
	MEMBER("table", "COLLECTOR", struct table_collector, family);
	MEMBER("table", "COLLECTOR", struct table_collector, pipeline);
	MEMBER("table", "COLLECTOR", struct table_collector, output_slot);
	MEMBER("table", "COLLECTOR", struct table_collector, flags);
	MEMBER("table", "COLLECTOR", struct table_collector, weights);
	MEMBER("table", "COLLECTOR", struct table_collector, leave);
	MEMBER("table", "COLLECTOR", struct table_collector, seed);
	MEMBER("table", "COLLECTOR", struct table_collector, group);
	MEMBER("table", "COLLECTOR", struct table_collector, returns);
	STRUCT("table", "LEAVE", struct table_leave);
	MEMBER("table", "LEAVE", struct table_leave, source);
	MEMBER("table", "LEAVE", struct table_leave, prefix);
	MEMBER("table", "LEAVE", struct table_leave, source_port);
	MEMBER("table", "LEAVE", struct table_leave, hop_limit);
	MEMBER("table", "LEAVE", struct table_leave, traffic_class);
	MEMBER("table", "LEAVE", struct table_leave, flags);
	STRUCT("table", "FILTER", struct table_filter);
	MEMBER("table", "FILTER", struct table_filter, protocols);
	MEMBER("table", "FILTER", struct table_filter, first_value);
	MEMBER("table", "FILTER", struct table_filter, domains);
	MEMBER("table", "FILTER", struct table_filter, ports);
	MEMBER("table", "FILTER", struct table_filter, agents);
	STRUCT("table", "STATE", struct table_state);
	MEMBER("table", "STATE", struct table_state, next_ipv4);
	MEMBER("table", "STATE", struct table_state, next_ipv6);
	MEMBER("table", "STATE", struct table_state, next_sample);
	STRUCT("table", "LEFT_OUT", struct table_left_out);
	MEMBER("table", "LEFT_OUT", struct table_left_out, sampled);
	MEMBER("table", "LEFT_OUT", struct table_left_out, filtered);
}

static void print_paths(void)
{
	VALUE("paths", "PATHS", PATHS_, MAGIC);
	VALUE("paths", "PATHS", PATHS_, LAYOUT);
	VALUE("paths", "PATHS", PATHS_, MAX);
	VALUE("paths", "PATHS", PATHS_, SENDER);
	VALUE("paths", "PATHS", PATHS_, KERNEL);
	print("paths", "PATHS", "frame_bytes", PATH_FRAME_BYTES);
	print("paths", "PATHS", "hops_max", PATH_HOPS_MAX);
	STRUCT("paths", "HEADER", struct paths_header);
	MEMBER("paths", "HEADER", struct paths_header, magic);
	MEMBER("paths", "HEADER", struct paths_header, layout);
	MEMBER("paths", "HEADER", struct paths_header, looked_ms);
	MEMBER("paths", "HEADER", struct paths_header, users);
	STRUCT("paths", "PATH", struct path);
	MEMBER("paths", "PATH", struct path, link);
	MEMBER("paths", "PATH", struct path, mtu);
	MEMBER("paths", "PATH", struct path, frame);
	MEMBER("paths", "PATH", struct path, hops);
	MEMBER("paths", "PATH", struct path, first_hop);
	MEMBER("paths", "PATH", struct path, changes);
}

static void print_kernel(void)
{
	VALUE("kernel", "KERNEL", KERNEL_, CONSUMERS);
	VALUE("kernel", "KERNEL", KERNEL_, LISTENERS);
	VALUE("kernel", "KERNEL", KERNEL_, COPIES);
	VALUE("kernel", "KERNEL", KERNEL_, LINK_WORDS);
	VALUE("kernel", "KERNEL", KERNEL_, LOOPBACK);
	VALUE("kernel", "KERNEL", KERNEL_, ON);
	VALUE("kernel", "KERNEL", KERNEL_, LISTENER_EXACT);
	VALUE("kernel", "KERNEL", KERNEL_, LISTENER_ANY);
	VALUE("kernel", "KERNEL", KERNEL_, LISTENER_ANY4);
#define PRINT_REASON(name, number) VALUE("kernel", "REASON", KERNEL_UP_, name);
	KERNEL_REASON_LIST(PRINT_REASON)
	STRUCT("kernel", "SETTINGS", struct kernel_settings);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, flags);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, payload_bytes);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, hold_ns);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, forwarders);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, empty_ns);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, mapped_prefix);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, keeps_holds);
	MEMBER("kernel", "SETTINGS", struct kernel_settings, direct);
	STRUCT("kernel", "LISTENER", struct kernel_listener);
	MEMBER("kernel", "LISTENER", struct kernel_listener, address);
	MEMBER("kernel", "LISTENER", struct kernel_listener, port);
	MEMBER("kernel", "LISTENER", struct kernel_listener, kind);
	MEMBER("kernel", "LISTENER", struct kernel_listener, row);
	STRUCT("kernel", "PROCESSOR", struct kernel_cpu);
	MEMBER("kernel", "PROCESSOR", struct kernel_cpu, counters);
	MEMBER("kernel", "COUNTERS", struct kernel_counters, handled);
	MEMBER("kernel", "COUNTERS", struct kernel_counters, handled_bytes);
	MEMBER("kernel", "COUNTERS", struct kernel_counters, up);
	print("kernel", "JOURNAL", "size", sizeof(struct kernel_journal));
}

static void print_packet_io(void)
{
	STRUCT("native", "PACKET", struct pio_packet);
	MEMBER("native", "PACKET", struct pio_packet, source);
	MEMBER("native", "PACKET", struct pio_packet, source_port);
	MEMBER("native", "PACKET", struct pio_packet, flags);
	MEMBER("native", "PACKET", struct pio_packet, input_slot);
	MEMBER("native", "PACKET", struct pio_packet, length);
	MEMBER("native", "PACKET", struct pio_packet, listen_port);
	MEMBER("native", "PACKET", struct pio_packet, hop_limit);
	VALUE("native", "PACKET_FLAG", PIO_PACKET_, IPV6);
	VALUE("native", "PACKET_FLAG", PIO_PACKET_, TRUNCATED);
	VALUE("native", "PACKET_FLAG", PIO_PACKET_, EXPIRED);
	VALUE("native", "PACKET_FLAG", PIO_PACKET_, ENDED);
	VALUE("native", "PACKET_FLAG", PIO_PACKET_, NO_COLLECTOR);
	STRUCT("native", "COPY", struct pio_copy);
	MEMBER("native", "COPY", struct pio_copy, packet);
	MEMBER("native", "COPY", struct pio_copy, collector);
	STRUCT("native", "SLOT", struct pio_slot);
	MEMBER("native", "SLOT", struct pio_slot, packets);
	MEMBER("native", "SLOT", struct pio_slot, bytes);
#define PRINT_COUNTER(name, index) VALUE("native", "COUNTER", PIO_, name);
	PIO_COUNTER_LIST(PRINT_COUNTER)
	print("native", "COUNTERS", "size", PIO_COUNTERS * sizeof(uint64_t));
	print("native", "COUNTERS", "errnos", PIO_ERRNO_COUNT);
	print("native", "COUNTERS", "layout", PIO_COUNTERS_LAYOUT);
	print("native", "COUNTERS", "listeners", PIO_LISTENERS);
	print("native", "COUNTERS", "listeners_max", PIO_LISTENERS_MAX);
	print("native", "COUNTERS", "listener_none", PIO_LISTENER_NONE);
	STRUCT("native", "LISTENER", struct pio_listener);
	MEMBER("native", "LISTENER", struct pio_listener, address);
	MEMBER("native", "LISTENER", struct pio_listener, port);
	MEMBER("native", "LISTENER", struct pio_listener, packets);
	MEMBER("native", "LISTENER", struct pio_listener, bytes);
	MEMBER("native", "LISTENER", struct pio_listener, kernel_drops);
	STRUCT("native", "TAP", struct pio_tap);
	MEMBER("native", "TAP", struct pio_tap, source);
	MEMBER("native", "TAP", struct pio_tap, source_port);
	MEMBER("native", "TAP", struct pio_tap, index);
	MEMBER("native", "TAP", struct pio_tap, flags);
	MEMBER("native", "TAP", struct pio_tap, listen_port);
	MEMBER("native", "TAP", struct pio_tap, host_bits);
	VALUE("native", "TAP_FLAG", PIO_TAP_, ALL);
	print("native", "LIMIT", "taps", PIO_TAPS_MAX);
	print("native", "LIMIT", "batch", PIO_BATCH_MAX);
	print("native", "LIMIT", "spare", PIO_SPARE);
	print("native", "LIMIT", "payload", PIO_PAYLOAD_MAX);
	print("native", "LIMIT", "sockets", PIO_SOCKETS_MAX);
	print("native", "LIMIT", "links", PIO_LINKS_MAX);
	print("native", "LIMIT", "mapped_prefix",
	      sizeof(((struct pio_sender_options *)NULL)->mapped_prefix));
}

static void print_notes(void)
{
	VALUE("notes", "NOTES", NOTES_, LAYOUT);
	VALUE("notes", "NOTES", NOTES_, EVENTS);
	VALUE("notes", "NOTES", NOTES_, ROWS);
	print("notes", "NOTES", "first_stranger", NOTES_EXPORTERS);
	print("notes", "NOTES", "first_loss", NOTES_EXPORTERS + NOTES_STRANGERS);
	print("notes", "NOTES", "first_sequence", NOTES_EXPORTERS + NOTES_STRANGERS + NOTES_LOSSES);
	VALUE("notes", "NOTES", NOTES_, LOST_SEND);
	VALUE("notes", "NOTES", NOTES_, LOST_TRUNCATED);
	VALUE("notes", "NOTES", NOTES_, LOST_HOP_LIMIT);
	VALUE("notes", "NOTES", NOTES_, LOST_NO_COLLECTOR);
#define PRINT_PROTOCOL(name, index) VALUE("notes", "PROTOCOL", NOTES_, name);
	NOTES_PROTOCOL_LIST(PRINT_PROTOCOL)
	STRUCT("notes", "HEADER", struct notes);
	MEMBER("notes", "HEADER", struct notes, layout);
	MEMBER("notes", "HEADER", struct notes, since_s);
	MEMBER("notes", "HEADER", struct notes, events);
	MEMBER("notes", "HEADER", struct notes, forgotten_exporters);
	MEMBER("notes", "HEADER", struct notes, forgotten_strangers);
	MEMBER("notes", "HEADER", struct notes, forgotten_copies);
	MEMBER("notes", "HEADER", struct notes, forgotten_sequences);
	STRUCT("notes", "EXPORTER", struct notes_exporter);
	MEMBER("notes", "EXPORTER", struct notes_exporter, address);
	MEMBER("notes", "EXPORTER", struct notes_exporter, port);
	MEMBER("notes", "EXPORTER", struct notes_exporter, protocols);
	MEMBER("notes", "EXPORTER", struct notes_exporter, protocol);
	MEMBER("notes", "EXPORTER", struct notes_exporter, first_s);
	MEMBER("notes", "EXPORTER", struct notes_exporter, last_s);
	MEMBER("notes", "EXPORTER", struct notes_exporter, packets);
	MEMBER("notes", "EXPORTER", struct notes_exporter, bytes);
	MEMBER("notes", "EXPORTER", struct notes_exporter, truncated);
	MEMBER("notes", "EXPORTER", struct notes_exporter, lost);
	STRUCT("notes", "LOSS", struct notes_loss);
	MEMBER("notes", "LOSS", struct notes_loss, collector);
	MEMBER("notes", "LOSS", struct notes_loss, port);
	MEMBER("notes", "LOSS", struct notes_loss, error);
	MEMBER("notes", "LOSS", struct notes_loss, copies);
	MEMBER("notes", "LOSS", struct notes_loss, last_s);
	MEMBER("notes", "LOSS", struct notes_loss, exporter_port);
	MEMBER("notes", "LOSS", struct notes_loss, exporter);
	STRUCT("notes", "SEQUENCE", struct notes_sequence);
	MEMBER("notes", "SEQUENCE", struct notes_sequence, address);
	MEMBER("notes", "SEQUENCE", struct notes_sequence, port);
	MEMBER("notes", "SEQUENCE", struct notes_sequence, protocol);
	MEMBER("notes", "SEQUENCE", struct notes_sequence, lost);
	STRUCT("notes", "EVENT", struct notes_event);
	MEMBER("notes", "EVENT", struct notes_event, exporter);
	MEMBER("notes", "EVENT", struct notes_event, exporter_port);
	MEMBER("notes", "EVENT", struct notes_event, kind);
	MEMBER("notes", "EVENT", struct notes_event, at_ms);
	MEMBER("notes", "EVENT", struct notes_event, collector);
	MEMBER("notes", "EVENT", struct notes_event, collector_port);
	MEMBER("notes", "EVENT", struct notes_event, error);
	MEMBER("notes", "EVENT", struct notes_event, number);
}

#define ACCOUNT(name)                                                                              \
	print("ring", "ACCOUNT", #name, offsetof(struct ring_account, name) / sizeof(uint64_t))

static void print_ring(void)
{
	VALUE("ring", "RING", RING_, DATA);
	VALUE("ring", "RING", RING_, BYTES_MIN);
	VALUE("ring", "RING", RING_, BYTES_MAX);
	VALUE("ring", "RING", RING_, PIPELINES);
	VALUE("ring", "RING", RING_, SLOTS);
	VALUE("ring", "RING", RING_, SHARDS);
	VALUE("ring", "RING", RING_, PAYLOAD_MAX);
	VALUE("ring", "RING", RING_, RECORD_TRUNCATED);
	print("ring", "READER_STATE", "size", sizeof(struct ring_reader_state));
	print("ring", "ACCOUNT", "doubles", sizeof(struct ring_account) / sizeof(uint64_t));
	ACCOUNT(position);
	ACCOUNT(sequence);
	ACCOUNT(first);
	ACCOUNT(batch);
	ACCOUNT(taken);
	ACCOUNT(bytes);
	ACCOUNT(done);
	ACCOUNT(abandoned);
	ACCOUNT(other_pipelines);
	ACCOUNT(other_shards);
	ACCOUNT(lost);
	ACCOUNT(own_lost);
	ACCOUNT(truncated);
	ACCOUNT(resyncs);
}

int main(void)
{
	print_table();
	print_paths();
	print_kernel();
	print_packet_io();
	print_ring();
	print_notes();
	return 0;
}
