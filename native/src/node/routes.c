#include "exports.h"
#include "sys_routes.h"
#include "values.h"

/* localRoutes(routes: Uint8Array): how many there are (struct sys_local_route each), or errno. */
static napi_value local_routes(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_local_route *routes = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_local_routes(routes, bytes / sizeof(*routes)));
}

const struct exported route_exports[] = {
	{"localRoutes", local_routes},
	{NULL, NULL},
};
