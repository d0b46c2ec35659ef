#include <limits.h>

#include "exports.h"
#include "pio_sys.h"
#include "values.h"

/* handoverListen(path): fd or errno. */
static napi_value handover_listen(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char path[PATH_MAX];
	string_of(env, arguments[0], path, sizeof(path));
	return number(env, pio_handover_listen(path));
}

/* handoverAccept(listener, user, data: Uint8Array, fds: Int32Array): connection or errno. */
static napi_value handover_accept(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	size_t count = 0;
	const uint8_t *data = typed_array_of(env, arguments[2], &bytes);
	const int *fds = typed_array_of(env, arguments[3], &count);
	return number(env,
		      pio_handover_accept(int_of(env, arguments[0]), uint_of(env, arguments[1]),
					  data, bytes, fds, count));
}

/*
 * handoverConnect(path, waitMs, data: Uint8Array, fds: Int32Array, lengths: Uint32Array):
 * connection or errno. lengths gets the bytes and descriptors that came.
 */
static napi_value handover_connect(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char path[PATH_MAX];
	string_of(env, arguments[0], path, sizeof(path));
	size_t bytes = 0;
	size_t count = 0;
	uint8_t *data = typed_array_of(env, arguments[2], &bytes);
	int *fds = typed_array_of(env, arguments[3], &count);
	uint32_t *lengths = typed_array_of(env, arguments[4], NULL);
	int connection =
		pio_handover_connect(path, uint_of(env, arguments[1]), data, &bytes, fds, &count);
	lengths[0] = (uint32_t)bytes;
	lengths[1] = (uint32_t)count;
	return number(env, connection);
}

const struct exported handover_exports[] = {
	{"handoverListen", handover_listen},
	{"handoverAccept", handover_accept},
	{"handoverConnect", handover_connect},
	{NULL, NULL},
};
