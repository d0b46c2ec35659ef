/*
 * The addon. Only this folder knows Node-API. Arguments are already checked by
 * src/native/; system errors are returned as negative errnos.
 */
#include <stddef.h>

#include "exports.h"

static const struct exported *const lists[] = {
	receiver_exports, sender_exports,    socket_exports, memory_exports, process_exports,
	handover_exports, inherited_exports, route_exports,  policy_exports, watch_exports,
	ring_exports,	  notes_exports,     peer_exports,   probe_exports,  kernel_exports,
};

static napi_value call(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	size_t count = ARGUMENTS_MAX;
	void *exported = NULL;
	napi_get_cb_info(env, info, &count, arguments, NULL, &exported);
	return ((const struct exported *)exported)->function(env, arguments);
}

NAPI_MODULE_INIT()
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct exported *next = lists[i]; next->name != NULL; next++) {
			napi_value function = NULL;
			napi_create_function(env, next->name, NAPI_AUTO_LENGTH, call, (void *)next,
					     &function);
			napi_set_named_property(env, exports, next->name, function);
		}
	}
	return exports;
}
