#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "exports.h"
#include "poller.h"
#include "sys_watch.h"
#include "values.h"

/* A socket that is watched for what the kernel announces. */
struct handle {
	int fd; /* -1 once closed */
	struct poller *poller;
};

static struct handle *handle_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

static void close_handle(struct handle *handle)
{
	poller_stop(handle->poller);
	if (handle->fd >= 0)
		close(handle->fd);
	handle->fd = -1;
}

static void free_handle(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	close_handle(data);
	free(data);
}

/* A handle, or the errno that opening gave. */
static napi_value handle_for(napi_env env, int fd)
{
	if (fd < 0)
		return number(env, fd);
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL) {
		close(fd);
		return number(env, -ENOMEM);
	}
	handle->fd = fd;
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

/* networkWatchOpen(): handle or errno. */
static napi_value network_open(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return handle_for(env, sys_network_watch_open());
}

/* networkWatchTake(handle): SYS_CHANGED_*, or errno. */
static napi_value network_take(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_network_watch_take(handle_of(env, arguments[0])->fd));
}

/* watchStart(handle, callback): 0 or errno; see poller.h. */
static napi_value start(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = handle_of(env, arguments[0]);
	return number(env, poller_start(env, &handle->poller, handle->fd, arguments[1]));
}

/* watchClose(handle) */
static napi_value stop(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	close_handle(handle_of(env, arguments[0]));
	return NULL;
}

/* firewallOpen(): handle or errno. */
static napi_value firewall_open(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return handle_for(env, sys_firewall_open());
}

/* firewallTake(handle, events: Uint8Array): how many, or errno. */
static napi_value firewall_take(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_firewall_event *events = typed_array_of(env, arguments[1], &bytes);
	int fd = handle_of(env, arguments[0])->fd;
	return number(env, sys_firewall_take(fd, events, bytes / sizeof(*events)));
}

/* firewallGeneration(generation: Uint32Array): 0 or errno. */
static napi_value firewall_generation(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_firewall_generation(typed_array_of(env, arguments[0], NULL)));
}

/* firewallChains(chains: Uint8Array): how many there are (struct sys_firewall_event), or errno. */
static napi_value firewall_chains(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_firewall_event *chains = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_firewall_chains(chains, bytes / sizeof(*chains)));
}

/* ipsecOpen(): handle or errno. */
static napi_value ipsec_open(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return handle_for(env, sys_ipsec_open());
}

/* ipsecPolicies(policies: Uint8Array): how many there are (struct sys_ipsec_event), or errno. */
static napi_value ipsec_policies(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_ipsec_event *policies = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_ipsec_policies(policies, bytes / sizeof(*policies)));
}

/* ipsecTake(handle, events: Uint8Array): how many, or errno. */
static napi_value ipsec_take(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_ipsec_event *events = typed_array_of(env, arguments[1], &bytes);
	int fd = handle_of(env, arguments[0])->fd;
	return number(env, sys_ipsec_take(fd, events, bytes / sizeof(*events)));
}

const struct exported watch_exports[] = {
	{"networkWatchOpen", network_open},
	{"networkWatchTake", network_take},
	{"watchStart", start},
	{"watchClose", stop},
	{"firewallOpen", firewall_open},
	{"firewallTake", firewall_take},
	{"firewallGeneration", firewall_generation},
	{"firewallChains", firewall_chains},
	{"ipsecOpen", ipsec_open},
	{"ipsecPolicies", ipsec_policies},
	{"ipsecTake", ipsec_take},
	{NULL, NULL},
};
