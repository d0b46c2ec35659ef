#include <errno.h>
#include <stdlib.h>

#include "exports.h"
#include "pio.h"
#include "poller.h"
#include "values.h"

/* What a PacketReceiver holds on to: references keep the memory alive that JavaScript lends to it.
 */
struct handle {
	pio_receiver_t *receiver;
	int fd;
	struct poller *poller; /* NULL while not polling */
	napi_ref packets, payloads, counters;
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
	pio_receiver_free(handle->receiver);
	let_go(env, &handle->packets);
	let_go(env, &handle->payloads);
	let_go(env, &handle->counters);
	free(handle);
}

/*
 * receiverCreate(fd, takesGroup, size, payloadBytes, payloadStride, packets, payloads, counters,
 *                listener): handle or negative errno.
 */
static napi_value create(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct pio_receiver_options options = {
		.fd = int_of(env, arguments[0]),
		.takes_group = uint_of(env, arguments[1]),
		.batch = batch_of(env, &arguments[2]),
		.counters = buffer_of(env, arguments[7]),
		.listener = uint_of(env, arguments[8]),
	};
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	int error = pio_receiver_new(&handle->receiver, &options);
	if (error < 0) {
		free(handle);
		return number(env, error);
	}
	handle->fd = options.fd;
	handle->packets = keep(env, arguments[5]);
	handle->payloads = keep(env, arguments[6]);
	handle->counters = keep(env, arguments[7]);
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

/* receive(handle): count or negative errno. */
static napi_value receive(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	napi_value result = NULL;
	napi_create_int32(env, pio_receive(handle_of(env, arguments[0])->receiver), &result);
	return result;
}

/* startPolling(handle, callback): 0 or errno. */
static napi_value start_polling(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = handle_of(env, arguments[0]);
	return number(env, poller_start(env, &handle->poller, handle->fd, arguments[1]));
}

/* stopPolling(handle) */
static napi_value stop_polling(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	poller_stop(handle_of(env, arguments[0])->poller);
	return NULL;
}

const struct exported receiver_exports[] = {
	{"receiverCreate", create},    {"receive", receive}, {"startPolling", start_polling},
	{"stopPolling", stop_polling}, {NULL, NULL},
};
