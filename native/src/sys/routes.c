#include "sys_routes.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

_Static_assert(sizeof(struct sys_local_route) == 20, "src/native/local-routes.ts knows the layout");

struct dump {
	struct sys_local_route *routes;
	size_t room;
	size_t count;
	size_t before; /* of the families before */
	uint8_t family;
};

static void reset(void *context)
{
	struct dump *dump = context;
	dump->count = dump->before;
}

static void take_route(void *context, const struct nlmsghdr *message)
{
	struct dump *dump = context;
	const struct rtmsg *route = NLMSG_DATA(message);
	bool broadcast = route->rtm_type == RTN_BROADCAST;
	bool own = route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_ANYCAST;
	size_t address_bytes = route->rtm_family == AF_INET ? 4 : 16;
	if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_family != dump->family ||
	    route->rtm_table != RT_TABLE_LOCAL || (!own && !broadcast))
		return;
	struct sys_local_route found = {
		.family = route->rtm_family == AF_INET ? 4 : 6,
		.prefix_bits = route->rtm_dst_len,
		.broadcast = broadcast,
	};
	const struct rtattr *attribute = RTM_RTA(route);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*route));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == RTA_DST && RTA_PAYLOAD(attribute) == address_bytes)
			memcpy(found.address, RTA_DATA(attribute), address_bytes);
	}
	if (dump->count < dump->room)
		dump->routes[dump->count] = found;
	dump->count++;
}

static int take_family(struct dump *dump, uint8_t family)
{
	const struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.route = {.rtm_family = family, .rtm_table = RT_TABLE_LOCAL},
	};
	dump->family = family;
	dump->before = dump->count;
	int error = netlink_list(&(struct netlink_list){NETLINK_ROUTE, &request, sizeof(request),
							take_route, reset, dump});
	/* There is no such table: the family is off. */
	return error == -ENOENT ? 0 : error;
}

int sys_local_routes(struct sys_local_route *routes, size_t room)
{
	struct dump dump = {.routes = routes, .room = room};
	int error = take_family(&dump, AF_INET);
	if (error == 0)
		error = take_family(&dump, AF_INET6);
	return error < 0 ? error : (int)dump.count;
}
