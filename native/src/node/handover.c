#include <errno.h>
#include <limits.h>
#include <string.h>

#include "exports.h"
#include "sys.h"
#include "values.h"

/* What handoverReceive tells before the descriptors. */
#define SENDER_WORDS 4

/* handoverListen(path): fd or errno. */
static napi_value handover_listen(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char path[PATH_MAX];
	string_of(env, arguments[0], path, sizeof(path));
	return number(env, sys_handover_listen(path));
}

/* handoverAccept(listener, user, data: Uint8Array, fds: Int32Array): connection or errno. */
static napi_value handover_accept(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	size_t count = 0;
	const uint8_t *data = typed_array_of(env, arguments[2], &bytes);
	const int *fds = typed_array_of(env, arguments[3], &count);
	return number(env,
		      sys_handover_accept(int_of(env, arguments[0]), uint_of(env, arguments[1]),
					  data, bytes, fds, count));
}

/* handoverConnect(path): connection or errno. */
static napi_value handover_connect(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char path[PATH_MAX];
	string_of(env, arguments[0], path, sizeof(path));
	return number(env, sys_handover_connect(path));
}

/*
 * handoverReceive(connection, data: Uint8Array, sender: Int32Array): bytes or errno.
 * sender gets pid, uid, pidfd, the number of descriptors, and the descriptors.
 */
static napi_value handover_receive(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	size_t room = 0;
	uint8_t *data = typed_array_of(env, arguments[1], &bytes);
	int32_t *sender = typed_array_of(env, arguments[2], &room);
	struct sys_handover taken;
	int result = sys_handover_receive(int_of(env, arguments[0]), data, bytes, &taken);
	if (result < 0)
		return number(env, result);
	if (room < SENDER_WORDS + taken.count) {
		sys_handover_drop(&taken);
		return number(env, -EMSGSIZE);
	}
	sender[0] = taken.pid;
	sender[1] = (int32_t)taken.uid;
	sender[2] = taken.pidfd;
	sender[3] = (int32_t)taken.count;
	memcpy(sender + SENDER_WORDS, taken.fds, taken.count * sizeof(int));
	return number(env, result);
}

const struct exported handover_exports[] = {
	{"handoverListen", handover_listen},
	{"handoverAccept", handover_accept},
	{"handoverConnect", handover_connect},
	{"handoverReceive", handover_receive},
	{NULL, NULL},
};
