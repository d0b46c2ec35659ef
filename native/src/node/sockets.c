#include "exports.h"
#include "sys.h"
#include "values.h"

/* openReceiver(octets, port, receiveBufferBytes, exclusive, granted: Uint32Array): fd or errno. */
static napi_value open_receiver(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const uint8_t *address = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_open_receiver(address, bytes, (uint16_t)uint_of(env, arguments[1]),
					     uint_of(env, arguments[2]), int_of(env, arguments[3]),
					     typed_array_of(env, arguments[4], NULL)));
}

/* steerReceivers(fd, count): 0 or errno. */
static napi_value steer_receivers(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env,
		      sys_steer_receivers(int_of(env, arguments[0]), uint_of(env, arguments[1])));
}

/* openSender(family, sendBufferBytes): fd or errno. */
static napi_value open_sender(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_open_sender(int_of(env, arguments[0]), uint_of(env, arguments[1])));
}

/* openOwnSender(family, sendBufferBytes): fd or errno. */
static napi_value open_own_sender(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env,
		      sys_open_own_sender(int_of(env, arguments[0]), uint_of(env, arguments[1])));
}

/* openFrameSender(sendBufferBytes): fd or errno. */
static napi_value open_frame_sender(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_open_frame_sender(uint_of(env, arguments[0])));
}

/* socketDrops(fd): count or errno. */
static napi_value socket_drops(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_socket_drops(int_of(env, arguments[0])));
}

/* closeOnExec(fd): 0 or errno. */
static napi_value close_on_exec(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_close_on_exec(int_of(env, arguments[0])));
}

const struct exported socket_exports[] = {
	{"openReceiver", open_receiver},
	{"steerReceivers", steer_receivers},
	{"openSender", open_sender},
	{"openOwnSender", open_own_sender},
	{"openFrameSender", open_frame_sender},
	{"socketDrops", socket_drops},
	{"closeOnExec", close_on_exec},
	{NULL, NULL},
};
