#include "exports.h"
#include "sys_peers.h"
#include "values.h"

/* unixPeer(fd, peer: Uint32Array): 0 or errno. peer gets pid, uid and gid. */
static napi_value unix_peer(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct sys_peer found;
	int result = sys_unix_peer(int_of(env, arguments[0]), &found);
	if (result == 0) {
		uint32_t *peer = typed_array_of(env, arguments[1], NULL);
		peer[0] = found.pid;
		peer[1] = found.uid;
		peer[2] = found.gid;
	}
	return number(env, result);
}

/* unixPeerGroups(fd, groups: Uint32Array): how many there are, or errno. */
static napi_value unix_peer_groups(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t room = 0;
	uint32_t *groups = typed_array_of(env, arguments[1], &room);
	return number(env, sys_unix_peer_groups(int_of(env, arguments[0]), groups, room));
}

/* tcpPeerUser(fd, uid: Uint32Array): 0 or errno. */
static napi_value tcp_peer_user(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint32_t *uid = typed_array_of(env, arguments[1], NULL);
	return number(env, sys_tcp_peer_user(int_of(env, arguments[0]), uid));
}

const struct exported peer_exports[] = {
	{"unixPeer", unix_peer},
	{"unixPeerGroups", unix_peer_groups},
	{"tcpPeerUser", tcp_peer_user},
	{NULL, NULL},
};
