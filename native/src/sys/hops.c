#include <string.h>

#include "attributes.h"
#include "find.h"

_Static_assert(sizeof(struct sys_hop) == 24, "src/native/hops.ts knows the layout");
_Static_assert(sizeof(struct sys_hops) == 1544, "src/native/hops.ts knows the layout");

/* Takes what one attribute says of a hop, of a route or of its list of hops. */
static void take_attribute(struct sys_hop *hop, const struct rtattr *attribute, int family)
{
	switch (type_of(attribute)) {
	case RTA_OIF:
		hop->link = number_in(attribute);
		break;
	case RTA_GATEWAY:
		hop->gateway_family = address_in(attribute, family, hop->gateway);
		break;
	case RTA_VIA:
		hop->gateway_family = via_in(attribute, hop->gateway);
		break;
	case RTA_ENCAP:
	case RTA_ENCAP_TYPE:
	case RTA_NEWDST:
		hop->flags |= SYS_HOP_WRAPPED;
		break;
	default:
		break;
	}
}

static uint8_t state_of(uint32_t flags)
{
	return (flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0 ? SYS_HOP_DEAD : 0;
}

static void add(struct sys_hops *hops, const struct sys_hop *hop)
{
	if (hops->count < SYS_HOPS_MAX)
		hops->hops[hops->count] = *hop;
	hops->count++;
}

/* RTA_MULTIPATH. */
static void take_list(struct sys_hops *hops, const struct rtattr *list, int family)
{
	const struct rtnexthop *next = RTA_DATA(list);
	size_t left = RTA_PAYLOAD(list);
	while (left >= sizeof(*next) && next->rtnh_len >= sizeof(*next) && next->rtnh_len <= left) {
		struct sys_hop hop = {
			.link = (uint32_t)next->rtnh_ifindex,
			.weight = (uint16_t)(next->rtnh_hops + 1),
			.flags = state_of(next->rtnh_flags),
		};
		const struct rtattr *attribute = (const struct rtattr *)(const void *)(next + 1);
		size_t bytes = next->rtnh_len - sizeof(*next);
		for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes))
			take_attribute(&hop, attribute, family);
		add(hops, &hop);
		size_t step = RTNH_ALIGN(next->rtnh_len);
		left = step < left ? left - step : 0;
		next = RTNH_NEXT(next);
	}
}

static void take_hops(void *context, const struct nlmsghdr *message)
{
	struct sys_hops *hops = context;
	const struct rtmsg *route = NLMSG_DATA(message);
	const struct rtattr *attribute = RTM_RTA(route);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*route));
	struct sys_hop only = {.weight = 1, .flags = state_of(route->rtm_flags)};
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (type_of(attribute) == RTA_MULTIPATH)
			take_list(hops, attribute, route->rtm_family);
		else
			take_attribute(&only, attribute, route->rtm_family);
	}
	if (hops->count == 0 && only.link != 0)
		add(hops, &only);
}

int sys_find_hops(const struct sys_destination *destinations, struct sys_hops *hops, size_t count)
{
	memset(hops, 0, count * sizeof(*hops));
	return find_each(&(struct find){
		.destinations = destinations,
		.count = count,
		.flags = RTM_F_FIB_MATCH,
		.answers = hops,
		.answer_bytes = sizeof(*hops),
		.error_at = offsetof(struct sys_hops, error),
		.take = take_hops,
	});
}
