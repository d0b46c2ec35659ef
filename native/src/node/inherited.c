#include <string.h>

#include "exports.h"
#include "sys.h"
#include "values.h"

/* processOpen(pid): descriptor or errno. */
static napi_value process_open(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_process_open(int_of(env, arguments[0])));
}

/* processKill(pidfd): 0 or errno. */
static napi_value process_kill(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_process_kill(int_of(env, arguments[0])));
}

/* processEnded(pidfd): 1, 0 or errno. */
static napi_value process_ended(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_process_ended(int_of(env, arguments[0])));
}

/* processDescriptor(pidfd, fd): descriptor or errno. */
static napi_value process_descriptor(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env,
		      sys_process_descriptor(int_of(env, arguments[0]), int_of(env, arguments[1])));
}

/*
 * socketDescribe(fd, numbers: Uint32Array, address: Uint8Array): 0 or errno. numbers gets domain,
 * type, protocol, receive buffer, port and the length of the address.
 */
static napi_value socket_describe(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct sys_socket_name name;
	int error = sys_socket_describe(int_of(env, arguments[0]), &name);
	if (error < 0)
		return number(env, error);
	uint32_t *numbers = typed_array_of(env, arguments[1], NULL);
	numbers[0] = name.domain;
	numbers[1] = name.type;
	numbers[2] = name.protocol;
	numbers[3] = name.receive_buffer;
	numbers[4] = name.port;
	numbers[5] = name.address_bytes;
	memcpy(typed_array_of(env, arguments[2], NULL), name.address, sizeof(name.address));
	return number(env, 0);
}

/* socketCutOff(fd): 0 or errno. */
static napi_value socket_cut_off(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_socket_cut_off(int_of(env, arguments[0])));
}

/* memorySeals(fd): bits or errno. */
static napi_value memory_seals(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_memory_seals(int_of(env, arguments[0])));
}

const struct exported inherited_exports[] = {
	{"processOpen", process_open},	     {"processKill", process_kill},
	{"processEnded", process_ended},     {"processDescriptor", process_descriptor},
	{"socketDescribe", socket_describe}, {"socketCutOff", socket_cut_off},
	{"memorySeals", memory_seals},	     {NULL, NULL},
};
