#include "exports.h"
#include "sys_policy.h"
#include "values.h"

/* policyRules(rules: Uint8Array): how many there are (struct sys_policy_rule each), or errno. */
static napi_value policy_rules(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_policy_rule *rules = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_policy_rules(rules, bytes / sizeof(*rules)));
}

/* qdiscs(qdiscs: Uint8Array): how many there are (struct sys_qdisc each), or errno. */
static napi_value qdiscs(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	struct sys_qdisc *found = typed_array_of(env, arguments[0], &bytes);
	return number(env, sys_qdiscs(found, bytes / sizeof(*found)));
}

/* egressFilters(link): how many there are, or errno. */
static napi_value egress_filters(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_egress_filters(uint_of(env, arguments[0])));
}

const struct exported policy_exports[] = {
	{"policyRules", policy_rules},
	{"qdiscs", qdiscs},
	{"egressFilters", egress_filters},
	{NULL, NULL},
};
