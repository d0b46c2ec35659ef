#include "exports.h"
#include "sys_network.h"
#include "sys_routes.h"
#include "values.h"

/* localRoutes(routes: Uint8Array): how many there are (struct sys_local_route each), or errno. */
static napi_value local_routes(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_local_route *routes = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_local_routes(routes, bytes / sizeof(*routes)));
}

/* findRoutes(destinations: Uint8Array, routes: Uint8Array): 0 or errno. */
static napi_value find_routes(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const struct sys_destination *destinations = typed_array_of(env, arguments[0], &bytes);
	struct sys_route *routes = typed_array_of(env, arguments[1], NULL);
	return number(env, sys_find_routes(destinations, routes, bytes / sizeof(*destinations)));
}

/* findHops(destinations: Uint8Array, hops: Uint8Array): 0 or errno. */
static napi_value find_hops(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const struct sys_destination *destinations = typed_array_of(env, arguments[0], &bytes);
	struct sys_hops *hops = typed_array_of(env, arguments[1], NULL);
	return number(env, sys_find_hops(destinations, hops, bytes / sizeof(*destinations)));
}

/* neighbours(neighbours: Uint8Array): how many there are (struct sys_neighbour each), or errno. */
static napi_value neighbours(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_neighbour *found = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_neighbours(found, bytes / sizeof(*found)));
}

/* links(links: Uint8Array): how many there are (struct sys_link each), or errno. */
static napi_value links(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_link *found = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_links(found, bytes / sizeof(*found)));
}

const struct exported route_exports[] = {
	{"localRoutes", local_routes},
	{"findRoutes", find_routes},
	{"findHops", find_hops},
	{"neighbours", neighbours},
	{"links", links},
	{NULL, NULL},
};
