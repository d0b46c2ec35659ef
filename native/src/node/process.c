#include <limits.h>
#include <stdbool.h>

#include "exports.h"
#include "sys.h"
#include "sys_seccomp.h"
#include "values.h"

/* dieWithParent(parentPid): 0 or errno. */
static napi_value die_with_parent(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_die_with_parent(int_of(env, arguments[0])));
}

/* restrictPrivileges(keep: bigint): 0 or errno. */
static napi_value restrict_privileges(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint64_t capabilities = 0;
	bool is_whole = false;
	napi_get_value_bigint_uint64(env, arguments[0], &capabilities, &is_whole);
	return number(env, sys_restrict_privileges(capabilities));
}

/* restrictCalls(): 0 or errno. */
static napi_value restrict_calls(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return number(env, sys_restrict_calls());
}

/* denyIoUring(): 0 or errno. */
static napi_value deny_io_uring(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return number(env, sys_deny_io_uring());
}

/* canRestrictCalls(): 1 or 0. */
static napi_value can_restrict_calls(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return number(env, sys_can_restrict_calls());
}

/* clockIsSynchronised(): 1, 0 or errno. */
static napi_value clock_is_synchronised(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	(void)arguments;
	return number(env, sys_clock_is_synchronised());
}

/* notify(path, text: Uint8Array): 0 or errno. */
static napi_value notify(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char path[PATH_MAX];
	string_of(env, arguments[0], path, sizeof(path));
	size_t bytes = 0;
	const uint8_t *text = typed_array_of(env, arguments[1], &bytes);
	return number(env, sys_notify(path, text, bytes));
}

const struct exported process_exports[] = {
	{"dieWithParent", die_with_parent},
	{"restrictPrivileges", restrict_privileges},
	{"restrictCalls", restrict_calls},
	{"denyIoUring", deny_io_uring},
	{"canRestrictCalls", can_restrict_calls},
	{"clockIsSynchronised", clock_is_synchronised},
	{"notify", notify},
	{NULL, NULL},
};
