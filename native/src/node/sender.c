#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exports.h"
#include "pio.h"
#include "values.h"

/* What a PacketSender holds on to: references keep the memory alive that JavaScript lends to it. */
struct handle {
	pio_sender_t *sender;
	struct ring_writer ring, tap;
	napi_ref memory, tap_memory; /* of these */
	napi_ref packets, payloads, copies, counters, collectors, paths;
};

static struct handle *handle_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

pio_sender_t *sender_of(napi_env env, napi_value value)
{
	return handle_of(env, value)->sender;
}

static void free_handle(napi_env env, void *data, void *hint)
{
	(void)hint;
	struct handle *handle = data;
	pio_sender_free(handle->sender);
	let_go(env, &handle->memory);
	let_go(env, &handle->tap_memory);
	let_go(env, &handle->packets);
	let_go(env, &handle->payloads);
	let_go(env, &handle->copies);
	let_go(env, &handle->counters);
	let_go(env, &handle->collectors);
	let_go(env, &handle->paths);
	free(handle);
}

static uint32_t fds_of(napi_env env, napi_value value, const int **fds)
{
	size_t count = 0;
	*fds = typed_array_of(env, value, &count);
	return (uint32_t)count;
}

/* NULL when there is no path table, or none of this layout. */
static const struct paths_header *paths_of(napi_env env, napi_value value)
{
	size_t bytes = 0;
	void *memory = NULL;
	if (napi_get_arraybuffer_info(env, value, &memory, &bytes) != napi_ok ||
	    bytes < PATHS_MAX * sizeof(struct path))
		return NULL;
	const struct paths_header *paths = memory;
	return paths->magic == PATHS_MAGIC && paths->layout == PATHS_LAYOUT ? paths : NULL;
}

/* 0, also when there is none, or errno. */
static int open_ring(napi_env env, struct ring_writer *ring, napi_ref *reference, napi_value value)
{
	size_t bytes = 0;
	void *memory = NULL;
	if (napi_get_arraybuffer_info(env, value, &memory, &bytes) != napi_ok)
		return 0;
	int error = ring_writer_open(ring, memory, bytes);
	if (error == 0)
		*reference = keep(env, value);
	return error;
}

/*
 * senderCreate(ipv4Fds: Int32Array, ipv6Fds: Int32Array, mappedPrefix, size, payloadBytes,
 *              payloadStride, packets, payloads, copies, copiesMax, counters, slotsByteOffset,
 *              slotCount, ring, notesByteOffset, tap, ownIpv4Fds, ownIpv6Fds, frameFds, paths):
 * handle or negative errno. The counters' buffer holds slots and notes too; notesByteOffset is 0
 * when there are none. Ring and tap are the memory of one each, or undefined; so is paths.
 */
static napi_value create(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint8_t *counters = buffer_of(env, arguments[10]);
	struct pio_sender_options options = {
		.batch = batch_of(env, &arguments[3]),
		.copies = buffer_of(env, arguments[8]),
		.copies_max = uint_of(env, arguments[9]),
		.counters = (uint64_t *)(void *)counters,
		.slots = (struct pio_slot *)(void *)(counters + bytes_of(env, arguments[11])),
		.slot_count = uint_of(env, arguments[12]),
	};
	uint64_t notes_offset = bytes_of(env, arguments[14]);
	if (notes_offset > 0)
		options.notes = (struct notes *)(void *)(counters + notes_offset);
	options.ipv4_count = fds_of(env, arguments[0], &options.ipv4_fds);
	options.ipv6_count = fds_of(env, arguments[1], &options.ipv6_fds);
	options.own_ipv4_count = fds_of(env, arguments[16], &options.own_ipv4_fds);
	options.own_ipv6_count = fds_of(env, arguments[17], &options.own_ipv6_fds);
	options.frame_count = fds_of(env, arguments[18], &options.frame_fds);
	options.paths = paths_of(env, arguments[19]);
	memcpy(options.mapped_prefix, typed_array_of(env, arguments[2], NULL),
	       sizeof(options.mapped_prefix));
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	int error = open_ring(env, &handle->ring, &handle->memory, arguments[13]);
	if (error == 0)
		error = open_ring(env, &handle->tap, &handle->tap_memory, arguments[15]);
	if (handle->memory != NULL)
		options.ring = &handle->ring;
	if (handle->tap_memory != NULL)
		options.tap = &handle->tap;
	if (error == 0)
		error = pio_sender_new(&handle->sender, &options);
	if (error < 0) {
		free_handle(env, handle, NULL);
		return number(env, error);
	}
	handle->packets = keep(env, arguments[6]);
	handle->payloads = keep(env, arguments[7]);
	handle->copies = keep(env, arguments[8]);
	handle->counters = keep(env, arguments[10]);
	if (options.paths != NULL)
		handle->paths = keep(env, arguments[19]);
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

/* send(handle, packets, copies) */
static napi_value send_copies(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	pio_send(handle_of(env, arguments[0])->sender, uint_of(env, arguments[1]),
		 uint_of(env, arguments[2]));
	return NULL;
}

/* setCollectors(handle, buffer, byteOffset, count, leavesByteOffset, leaveCount) */
static napi_value set_collectors(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = handle_of(env, arguments[0]);
	uint8_t *memory = buffer_of(env, arguments[1]);
	napi_ref previous = handle->collectors;
	handle->collectors = keep(env, arguments[1]);
	pio_set_collectors(handle->sender,
			   (struct table_collector *)(void *)(memory + bytes_of(env, arguments[2])),
			   uint_of(env, arguments[3]),
			   (struct table_leave *)(void *)(memory + bytes_of(env, arguments[4])),
			   uint_of(env, arguments[5]));
	let_go(env, &previous);
	return NULL;
}

/* setTaps(handle, taps: Uint8Array): 0 or errno. */
static napi_value set_taps(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const struct pio_tap *taps = typed_array_of(env, arguments[1], &bytes);
	return number(env, pio_set_taps(handle_of(env, arguments[0])->sender, taps,
					(uint32_t)(bytes / sizeof(*taps))));
}

/* tap(handle, packets) */
static napi_value tap(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	pio_tap(handle_of(env, arguments[0])->sender, uint_of(env, arguments[1]));
	return NULL;
}

const struct exported sender_exports[] = {
	{"senderCreate", create}, {"send", send_copies}, {"setCollectors", set_collectors},
	{"setTaps", set_taps},	  {"tap", tap},		 {NULL, NULL},
};
