#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exports.h"
#include "pio.h"
#include "poller.h"
#include "values.h"

/* What a PacketIo holds on to: references keep the memory alive that JavaScript lends to it. */
struct handle {
	pio_t *io;
	int receive_fd;
	struct poller *poller; /* NULL while not polling */
	napi_ref packets, copies, counters, collectors;
};

static struct handle *handle_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

static void free_handle(napi_env env, void *data, void *hint)
{
	(void)hint;
	struct handle *handle = data;
	poller_stop(handle->poller);
	pio_free(handle->io);
	let_go(env, &handle->packets);
	let_go(env, &handle->copies);
	let_go(env, &handle->counters);
	let_go(env, &handle->collectors);
	free(handle);
}

/*
 * create(receiveFd, sendIpv4Fd, sendIpv6Fd, batch, bufferBytes, copiesMax, slotCount, mappedPrefix,
 *        packets, copies, counters, slotsByteOffset, takesGroup): handle or negative errno. The
 * counters' buffer holds the slots too.
 */
static napi_value create(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint8_t *memory = buffer_of(env, arguments[10]);
	struct pio_options options = {
		.receive_fd = int_of(env, arguments[0]),
		.send4_fd = int_of(env, arguments[1]),
		.send6_fd = int_of(env, arguments[2]),
		.batch = uint_of(env, arguments[3]),
		.buffer_bytes = uint_of(env, arguments[4]),
		.copies_max = uint_of(env, arguments[5]),
		.slot_count = uint_of(env, arguments[6]),
		.packets = buffer_of(env, arguments[8]),
		.copies = buffer_of(env, arguments[9]),
		.counters = (uint64_t *)(void *)memory,
		.slots = (struct pio_slot *)(void *)(memory + bytes_of(env, arguments[11])),
		.takes_group = uint_of(env, arguments[12]),
	};
	memcpy(options.mapped_prefix, typed_array_of(env, arguments[7], NULL),
	       sizeof(options.mapped_prefix));
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	int error = pio_new(&handle->io, &options);
	if (error < 0) {
		free(handle);
		return number(env, error);
	}
	handle->receive_fd = options.receive_fd;
	handle->packets = keep(env, arguments[8]);
	handle->copies = keep(env, arguments[9]);
	handle->counters = keep(env, arguments[10]);
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

/* receive(handle): count or negative errno. */
static napi_value receive(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	napi_value result = NULL;
	napi_create_int32(env, pio_receive(handle_of(env, arguments[0])->io), &result);
	return result;
}

/* send(handle, packets, copies) */
static napi_value send_copies(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	pio_send(handle_of(env, arguments[0])->io, uint_of(env, arguments[1]),
		 uint_of(env, arguments[2]));
	return NULL;
}

/* setCollectors(handle, buffer, byteOffset, count) */
static napi_value set_collectors(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = handle_of(env, arguments[0]);
	uint8_t *memory = buffer_of(env, arguments[1]);
	napi_ref previous = handle->collectors;
	handle->collectors = keep(env, arguments[1]);
	pio_set_collectors(handle->io,
			   (struct table_collector *)(void *)(memory + bytes_of(env, arguments[2])),
			   uint_of(env, arguments[3]));
	let_go(env, &previous);
	return NULL;
}

/* startPolling(handle, callback): 0 or errno. */
static napi_value start_polling(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = handle_of(env, arguments[0]);
	return number(env, poller_start(env, &handle->poller, handle->receive_fd, arguments[1]));
}

/* stopPolling(handle) */
static napi_value stop_polling(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	poller_stop(handle_of(env, arguments[0])->poller);
	return NULL;
}

const struct exported packet_io_exports[] = {
	{"create", create},
	{"receive", receive},
	{"send", send_copies},
	{"setCollectors", set_collectors},
	{"startPolling", start_polling},
	{"stopPolling", stop_polling},
	{NULL, NULL},
};
