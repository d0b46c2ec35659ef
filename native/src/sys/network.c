#include "sys_network.h"

#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "attributes.h"
#include "find.h"
#include "netlink.h"

_Static_assert(sizeof(struct sys_destination) == 20, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_route) == 52, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_neighbour) == 32, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_link) == 44, "src/native/network.ts knows the layout");

static uint32_t mtu_in(const struct rtattr *metrics)
{
	const struct rtattr *metric = RTA_DATA(metrics);
	size_t bytes = RTA_PAYLOAD(metrics);
	for (; RTA_OK(metric, bytes); metric = RTA_NEXT(metric, bytes)) {
		if (metric->rta_type == RTAX_MTU)
			return number_in(metric);
	}
	return 0;
}

static void take_route(void *context, const struct nlmsghdr *message)
{
	struct sys_route *found = context;
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *attribute = RTM_RTA(route);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*route));
	found->type = route->rtm_type;
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == RTA_OIF)
			found->link = number_in(attribute);
		else if (attribute->rta_type == RTA_GATEWAY)
			found->gateway_family =
				address_in(attribute, route->rtm_family, found->gateway);
		else if (attribute->rta_type == RTA_VIA)
			found->gateway_family = via_in(attribute, found->gateway);
		else if (attribute->rta_type == RTA_PREFSRC)
			found->source_family =
				address_in(attribute, route->rtm_family, found->source);
		else if (attribute->rta_type == RTA_METRICS)
			found->mtu = mtu_in(attribute);
	}
}

int sys_find_routes(const struct sys_destination *destinations, struct sys_route *routes,
		    size_t count)
{
	memset(routes, 0, count * sizeof(*routes));
	return find_each(&(struct find){
		.destinations = destinations,
		.count = count,
		.answers = routes,
		.answer_bytes = sizeof(*routes),
		.error_at = offsetof(struct sys_route, error),
		.take = take_route,
	});
}

/* What a list is put into. */
struct listing {
	void *items;
	size_t room;
	size_t count;
};

static void reset(void *context)
{
	struct listing *listing = context;
	listing->count = 0;
}

static void take_neighbour(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	const struct ndmsg *neighbour = NLMSG_DATA(message);
	if (message->nlmsg_type != RTM_NEWNEIGH ||
	    (neighbour->ndm_family != AF_INET && neighbour->ndm_family != AF_INET6))
		return;
	struct sys_neighbour found = {
		.link = (uint32_t)neighbour->ndm_ifindex,
		.state = neighbour->ndm_state,
	};
	const struct rtattr *attribute =
		(const struct rtattr *)(const void *)((const char *)neighbour +
						      NLMSG_ALIGN(sizeof(*neighbour)));
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*neighbour));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == NDA_DST)
			found.family = address_in(attribute, neighbour->ndm_family, found.address);
		else if (attribute->rta_type == NDA_LLADDR)
			found.hardware_bytes = hardware_in(attribute, found.hardware);
	}
	if (listing->count < listing->room)
		((struct sys_neighbour *)listing->items)[listing->count] = found;
	listing->count++;
}

int sys_neighbours(struct sys_neighbour *neighbours, size_t room)
{
	const struct {
		struct nlmsghdr header;
		struct ndmsg neighbour;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETNEIGH,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.neighbour = {.ndm_family = AF_UNSPEC},
	};
	struct listing listing = {.items = neighbours, .room = room};
	int error = netlink_list(&(struct netlink_list){NETLINK_ROUTE, &request, sizeof(request),
							take_neighbour, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}

/* In the list of values of /proc/sys/net/ipv6/conf (DEVCONF_MTU6 of linux/ipv6.h). */
#define IPV6_MTU_AT 2

/* The first attribute of this type in another one, or NULL. */
static const struct rtattr *attribute_in(const struct rtattr *outer, int type)
{
	const struct rtattr *attribute = RTA_DATA(outer);
	size_t bytes = RTA_PAYLOAD(outer);
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (type_of(attribute) == type)
			return attribute;
	}
	return NULL;
}

/* Of a link; families: IFLA_AF_SPEC. */
static uint32_t ipv6_mtu_in(const struct rtattr *families)
{
	uint32_t values[IPV6_MTU_AT + 1];
	const struct rtattr *ipv6 = attribute_in(families, AF_INET6);
	const struct rtattr *list = ipv6 == NULL ? NULL : attribute_in(ipv6, IFLA_INET6_CONF);
	if (list == NULL || RTA_PAYLOAD(list) < sizeof(values))
		return 0;
	memcpy(values, RTA_DATA(list), sizeof(values));
	return values[IPV6_MTU_AT];
}

static void take_link(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	const struct ifinfomsg *link = NLMSG_DATA(message);
	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	struct sys_link found = {
		.index = (uint32_t)link->ifi_index,
		.flags = link->ifi_flags,
		.type = link->ifi_type,
	};
	const struct rtattr *attribute = IFLA_RTA(link);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*link));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == IFLA_MTU)
			found.mtu = number_in(attribute);
		else if (attribute->rta_type == IFLA_IFNAME)
			text_in(attribute, found.name, sizeof(found.name));
		else if (attribute->rta_type == IFLA_ADDRESS)
			found.hardware_bytes = hardware_in(attribute, found.hardware);
		else if (type_of(attribute) == IFLA_AF_SPEC)
			found.ipv6_mtu = ipv6_mtu_in(attribute);
	}
	if (listing->count < listing->room)
		((struct sys_link *)listing->items)[listing->count] = found;
	listing->count++;
}

int sys_links(struct sys_link *links, size_t room)
{
	const struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETLINK,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.link = {.ifi_family = AF_UNSPEC},
	};
	struct listing listing = {.items = links, .room = room};
	int error = netlink_list(&(struct netlink_list){NETLINK_ROUTE, &request, sizeof(request),
							take_link, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}
