#include "sys_policy.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "attributes.h"
#include "netlink.h"

_Static_assert(sizeof(struct sys_policy_rule) == 12, "src/native/policy.ts knows the layout");
_Static_assert(sizeof(struct sys_qdisc) == 24, "src/native/policy.ts knows the layout");

/* What a list is put into. */
struct listing {
	void *items;
	size_t room;
	size_t count;
	size_t before; /* of the families before */
};

static void reset(void *context)
{
	struct listing *listing = context;
	listing->count = listing->before;
}

/* The rules of a host that nobody has configured. */
static bool is_usual(const struct fib_rule_hdr *header, uint32_t priority, uint32_t table)
{
	bool is_for_all = header->action == FR_ACT_TO_TBL && header->dst_len == 0 &&
			  header->src_len == 0 && header->tos == 0 &&
			  (header->flags & FIB_RULE_INVERT) == 0;
	return is_for_all && ((priority == 0 && table == RT_TABLE_LOCAL) ||
			      (priority == 32766 && table == RT_TABLE_MAIN) ||
			      (priority == 32767 && table == RT_TABLE_DEFAULT));
}

/* It asks nothing of packets. */
static bool says_no_more(const struct rtattr *attribute)
{
	switch (type_of(attribute)) {
	case FRA_PRIORITY:
	case FRA_TABLE:
	case FRA_PROTOCOL:
	case FRA_PAD:
		return true;
	case FRA_SUPPRESS_PREFIXLEN:
		return number_in(attribute) == UINT32_MAX;
	default:
		return false;
	}
}

static void take_rule(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	const struct fib_rule_hdr *header = NLMSG_DATA(message);
	if (message->nlmsg_type != RTM_NEWRULE ||
	    (header->family != AF_INET && header->family != AF_INET6))
		return;
	struct sys_policy_rule found = {
		.table = header->table,
		.family = header->family == AF_INET ? 4 : 6,
	};
	bool asks = false;
	const struct rtattr *attribute =
		(const struct rtattr *)(const void *)((const char *)header +
						      NLMSG_ALIGN(sizeof(*header)));
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*header));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (type_of(attribute) == FRA_PRIORITY)
			found.priority = number_in(attribute);
		else if (type_of(attribute) == FRA_TABLE)
			found.table = number_in(attribute);
		asks |= !says_no_more(attribute);
	}
	if (!asks && is_usual(header, found.priority, found.table))
		return;
	if (listing->count < listing->room)
		((struct sys_policy_rule *)listing->items)[listing->count] = found;
	listing->count++;
}

int sys_policy_rules(struct sys_policy_rule *rules, size_t room)
{
	struct listing listing = {.items = rules, .room = room};
	const uint8_t families[] = {AF_INET, AF_INET6};
	for (size_t i = 0; i < sizeof(families); i++) {
		const struct {
			struct nlmsghdr header;
			struct fib_rule_hdr rule;
		} request = {
			.header =
				{
					.nlmsg_len = sizeof(request),
					.nlmsg_type = RTM_GETRULE,
					.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
				},
			.rule = {.family = families[i]},
		};
		listing.before = listing.count;
		int error = netlink_list(&(struct netlink_list){
			NETLINK_ROUTE, &request, sizeof(request), take_rule, reset, &listing});
		/* The kernel has no such family. */
		if (error < 0 && error != -EAFNOSUPPORT)
			return error;
	}
	return (int)listing.count;
}

/* An option of so many bytes has a value that means a limit. */
static bool has_limit(const struct rtattr *options, unsigned short type, size_t bytes,
		      uint64_t unlimited)
{
	const struct rtattr *option = RTA_DATA(options);
	size_t left = RTA_PAYLOAD(options);
	for (; RTA_OK(option, left); option = RTA_NEXT(option, left)) {
		uint64_t value = 0;
		if (type_of(option) != type || RTA_PAYLOAD(option) != bytes)
			continue;
		memcpy(&value, RTA_DATA(option), bytes);
		return value != unlimited;
	}
	return false;
}

static void take_qdisc(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	const struct tcmsg *header = NLMSG_DATA(message);
	if (message->nlmsg_type != RTM_NEWQDISC)
		return;
	struct sys_qdisc found = {.link = (uint32_t)header->tcm_ifindex};
	const struct rtattr *options = NULL;
	const struct rtattr *attribute = TCA_RTA(header);
	size_t bytes = NLMSG_PAYLOAD(message, sizeof(*header));
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (type_of(attribute) == TCA_KIND)
			text_in(attribute, found.kind, sizeof(found.kind));
		else if (type_of(attribute) == TCA_OPTIONS)
			options = attribute;
	}
	if (options != NULL && strcmp(found.kind, "fq") == 0)
		found.limits = has_limit(options, TCA_FQ_FLOW_MAX_RATE, 4, UINT32_MAX);
	else if (options != NULL && strcmp(found.kind, "cake") == 0)
		found.limits = has_limit(options, TCA_CAKE_BASE_RATE64, 8, 0);
	if (listing->count < listing->room)
		((struct sys_qdisc *)listing->items)[listing->count] = found;
	listing->count++;
}

/* Asks for what links have for traffic control. */
static int list_of_links(uint16_t type, struct tcmsg which, netlink_take *take,
			 struct listing *listing)
{
	const struct {
		struct nlmsghdr header;
		struct tcmsg which;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.which = which,
	};
	int error = netlink_list(&(struct netlink_list){NETLINK_ROUTE, &request, sizeof(request),
							take, reset, listing});
	return error < 0 ? error : (int)listing->count;
}

int sys_qdiscs(struct sys_qdisc *qdiscs, size_t room)
{
	struct listing listing = {.items = qdiscs, .room = room};
	return list_of_links(RTM_GETQDISC, (struct tcmsg){0}, take_qdisc, &listing);
}

static void count_filter(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	if (message->nlmsg_type == RTM_NEWTFILTER)
		listing->count++;
}

int sys_egress_filters(uint32_t link)
{
	struct listing listing = {0};
	struct tcmsg which = {
		.tcm_ifindex = (int)link,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
	};
	return list_of_links(RTM_GETTFILTER, which, count_filter, &listing);
}
