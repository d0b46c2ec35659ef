#include "sys_network.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

_Static_assert(sizeof(struct sys_destination) == 20, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_route) == 52, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_neighbour) == 24, "src/native/network.ts knows the layout");
_Static_assert(sizeof(struct sys_link) == 28, "src/native/network.ts knows the layout");

/* Bytes of an address of a family of the kernel's. */
static size_t bytes_of_family(int family)
{
	return family == AF_INET ? 4 : 16;
}

static uint8_t family_number(int family)
{
	return family == AF_INET ? 4 : 6;
}

static uint32_t number_in(const struct rtattr *attribute)
{
	uint32_t value = 0;
	if (RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

/* Returns the family, 4 or 6, or 0 when it is no address of that family. */
static uint8_t address_in(const struct rtattr *attribute, int family, uint8_t address[16])
{
	size_t bytes = bytes_of_family(family);
	if (RTA_PAYLOAD(attribute) != bytes)
		return 0;
	memcpy(address, RTA_DATA(attribute), bytes);
	return family_number(family);
}

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

/* A gateway of the other family (RFC 5549). */
static uint8_t via_in(const struct rtattr *attribute, uint8_t address[16])
{
	const struct rtvia *via = RTA_DATA(attribute);
	if (RTA_PAYLOAD(attribute) < sizeof(*via))
		return 0;
	size_t bytes = bytes_of_family(via->rtvia_family);
	if (RTA_PAYLOAD(attribute) != sizeof(*via) + bytes)
		return 0;
	memcpy(address, via->rtvia_addr, bytes);
	return family_number(via->rtvia_family);
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

static int find_route(int fd, const struct sys_destination *destination, struct sys_route *route)
{
	uint8_t family = destination->family == 4 ? AF_INET : AF_INET6;
	uint16_t bytes = (uint16_t)bytes_of_family(family);
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		uint8_t address[16];
	} request = {
		.header =
			{
				.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(request.route)) +
							RTA_LENGTH(bytes)),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST,
			},
		.route = {.rtm_family = family, .rtm_dst_len = (uint8_t)(bytes * 8)},
		.attribute = {.rta_len = (uint16_t)RTA_LENGTH(bytes), .rta_type = RTA_DST},
	};
	memcpy(request.address, destination->address, bytes);
	return netlink_ask(fd, &request, request.header.nlmsg_len, take_route, route);
}

int sys_find_routes(const struct sys_destination *destinations, struct sys_route *routes,
		    size_t count)
{
	int fd = netlink_open(NETLINK_ROUTE);
	if (fd < 0)
		return fd;
	int error = 0;
	for (size_t i = 0; i < count && error == 0; i++) {
		memset(&routes[i], 0, sizeof(routes[i]));
		int failed = find_route(fd, &destinations[i], &routes[i]);
		routes[i].error = (uint32_t)-failed;
		/* Nothing came: what comes late would be taken for the answer of the next. */
		if (failed == -EAGAIN || failed == -ENOBUFS)
			error = failed;
	}
	close(fd);
	return error;
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
	int error = netlink_list(
		&(struct netlink_list){&request, sizeof(request), take_neighbour, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}

static void take_link(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	const struct ifinfomsg *link = NLMSG_DATA(message);
	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	struct sys_link found = {.index = (uint32_t)link->ifi_index, .flags = link->ifi_flags};
	const struct rtattr *attribute = IFLA_RTA(link);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*link));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == IFLA_MTU)
			found.mtu = number_in(attribute);
		else if (attribute->rta_type == IFLA_IFNAME)
			strncpy(found.name, RTA_DATA(attribute), sizeof(found.name) - 1);
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
	int error = netlink_list(
		&(struct netlink_list){&request, sizeof(request), take_link, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}
