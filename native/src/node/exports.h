/* What the units of this folder give to JavaScript (src/native/addon.ts). */
#ifndef FLOXY_NODE_EXPORTS_H
#define FLOXY_NODE_EXPORTS_H

#include <node_api.h>

#define ARGUMENTS_MAX 20

/* A function by the name that JavaScript knows. Arguments are positional, undefined where missing.
 */
struct exported {
	const char *name;
	napi_value (*function)(napi_env env, const napi_value arguments[ARGUMENTS_MAX]);
};

/* Each list ends with a name of NULL. */
extern const struct exported receiver_exports[];
extern const struct exported sender_exports[];
extern const struct exported socket_exports[];
extern const struct exported memory_exports[];
extern const struct exported process_exports[];
extern const struct exported handover_exports[];
extern const struct exported inherited_exports[];
extern const struct exported route_exports[];
extern const struct exported policy_exports[];
extern const struct exported watch_exports[];
extern const struct exported ring_exports[];
extern const struct exported notes_exports[];
extern const struct exported peer_exports[];
extern const struct exported probe_exports[];
extern const struct exported kernel_exports[];

#endif
