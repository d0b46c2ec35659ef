#include "exports.h"
#include "sys_probe.h"
#include "values.h"

/* probeOpen(family): fd or errno. */
static napi_value probe_open(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_probe_open(int_of(env, arguments[0])));
}

/* probeSend(fd, octets, port): 0 or errno. */
static napi_value probe_send(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const uint8_t *address = typed_array_of(env, arguments[1], &bytes);
	return number(env, sys_probe_send(int_of(env, arguments[0]), address, bytes,
					  (uint16_t)uint_of(env, arguments[2])));
}

/* probeErrors(fd, errors: Uint8Array): how many there are, or errno. */
static napi_value probe_errors(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	void *errors = typed_array_of(env, arguments[1], &bytes);
	return number(env, sys_probe_errors(int_of(env, arguments[0]), errors,
					    bytes / sizeof(struct sys_probe_error)));
}

const struct exported probe_exports[] = {
	{"probeOpen", probe_open},
	{"probeSend", probe_send},
	{"probeErrors", probe_errors},
	{NULL, NULL},
};
