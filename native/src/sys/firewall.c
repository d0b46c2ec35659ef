#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attributes.h"
#include "netlink.h"
#include "sys_watch.h"

_Static_assert(sizeof(struct sys_firewall_event) == 280, "src/native/firewall.ts knows the layout");

/* A ruleset that is loaded anew is some hundred bytes for each rule. */
#define RECEIVE_BUFFER_BYTES (16 << 20)

#define TYPE(message) ((NFNL_SUBSYS_NFTABLES << 8) | (message))

struct request {
	struct nlmsghdr header;
	struct nfgenmsg which;
};

static struct request request_of(uint16_t message, uint16_t flags)
{
	return (struct request){
		.header =
			{
				.nlmsg_len = sizeof(struct request),
				.nlmsg_type = TYPE(message),
				.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			},
		.which = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0},
	};
}

static uint32_t hook_in(const struct rtattr *hook)
{
	const struct rtattr *attribute = RTA_DATA(hook);
	size_t bytes = RTA_PAYLOAD(hook);
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (type_of(attribute) == NFTA_HOOK_HOOKNUM)
			return ntohl(number_in(attribute));
	}
	return UINT32_MAX;
}

/* The numbers of attributes are others in each kind of message. */
static void take_chain(struct sys_firewall_event *event, const struct rtattr *attribute)
{
	switch (type_of(attribute)) {
	case NFTA_CHAIN_TABLE:
		text_in(attribute, event->table, sizeof(event->table));
		break;
	case NFTA_CHAIN_NAME:
		text_in(attribute, event->chain, sizeof(event->chain));
		break;
	case NFTA_CHAIN_HOOK:
		event->hook = hook_in(attribute);
		break;
	case NFTA_CHAIN_POLICY:
		event->policy = ntohl(number_in(attribute));
		break;
	case NFTA_CHAIN_USE:
		event->rules = ntohl(number_in(attribute));
		break;
	default:
		break;
	}
}

static void take_rule(struct sys_firewall_event *event, const struct rtattr *attribute)
{
	if (type_of(attribute) == NFTA_RULE_TABLE)
		text_in(attribute, event->table, sizeof(event->table));
	else if (type_of(attribute) == NFTA_RULE_CHAIN)
		text_in(attribute, event->chain, sizeof(event->chain));
}

static void take_table(struct sys_firewall_event *event, const struct rtattr *attribute)
{
	if (type_of(attribute) == NFTA_TABLE_NAME)
		text_in(attribute, event->table, sizeof(event->table));
}

static void take_generation(struct sys_firewall_event *event, const struct rtattr *attribute)
{
	if (type_of(attribute) == NFTA_GEN_ID)
		event->generation = ntohl(number_in(attribute));
}

typedef void take_attribute(struct sys_firewall_event *event, const struct rtattr *attribute);

static const struct {
	int message;
	uint32_t kind;
	take_attribute *take;
} kinds[] = {
	{TYPE(NFT_MSG_NEWCHAIN), SYS_FIREWALL_CHAIN, take_chain},
	{TYPE(NFT_MSG_DELCHAIN), SYS_FIREWALL_CHAIN_GONE, take_chain},
	{TYPE(NFT_MSG_NEWRULE), SYS_FIREWALL_RULE, take_rule},
	{TYPE(NFT_MSG_DELRULE), SYS_FIREWALL_RULE_GONE, take_rule},
	{TYPE(NFT_MSG_DELTABLE), SYS_FIREWALL_TABLE_GONE, take_table},
	{TYPE(NFT_MSG_NEWGEN), SYS_FIREWALL_GENERATION, take_generation},
};

/* Returns 1 when the message is an event. */
static size_t take_event(struct sys_firewall_event *event, const struct nlmsghdr *message)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (message->nlmsg_type != kinds[i].message)
			continue;
		const struct nfgenmsg *header = NLMSG_DATA(message);
		memset(event, 0, sizeof(*event));
		event->kind = kinds[i].kind;
		event->family = header->nfgen_family;
		event->hook = UINT32_MAX;
		event->policy = NF_ACCEPT;
		event->rules = UINT32_MAX;
		const struct rtattr *attribute = (const struct rtattr *)(const void *)(header + 1);
		size_t bytes = NLMSG_PAYLOAD(message, sizeof(*header));
		for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes))
			kinds[i].take(event, attribute);
		return 1;
	}
	return 0;
}

struct listing {
	struct sys_firewall_event *events;
	size_t room;
	size_t count;
};

static void reset(void *context)
{
	struct listing *listing = context;
	listing->count = 0;
}

static void take_message(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	struct sys_firewall_event event;
	if (take_event(&event, message) == 0)
		return;
	if (listing->count < listing->room)
		listing->events[listing->count] = event;
	listing->count++;
}

int sys_firewall_open(void)
{
	int fd = netlink_open_watch(NETLINK_NETFILTER, RECEIVE_BUFFER_BYTES);
	if (fd < 0)
		return fd;
	int error = netlink_join(fd, NFNLGRP_NFTABLES);
	if (error < 0) {
		close(fd);
		return error;
	}
	return fd;
}

int sys_firewall_generation(uint32_t *generation)
{
	int fd = netlink_open(NETLINK_NETFILTER);
	if (fd < 0)
		return fd;
	struct request request = request_of(NFT_MSG_GETGEN, 0);
	struct sys_firewall_event event = {0};
	struct listing listing = {.events = &event, .room = 1};
	int error = netlink_ask(fd, &request, sizeof(request), take_message, &listing);
	close(fd);
	*generation = event.generation;
	return error < 0 ? error : listing.count == 0 ? -EBADMSG : 0;
}

int sys_firewall_chains(struct sys_firewall_event *chains, size_t room)
{
	struct request request = request_of(NFT_MSG_GETCHAIN, NLM_F_DUMP);
	struct listing listing = {.events = chains, .room = room};
	int error = netlink_list(&(struct netlink_list){
		NETLINK_NETFILTER, &request, sizeof(request), take_message, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}

int sys_firewall_take(int fd, struct sys_firewall_event *events, size_t room)
{
	struct listing listing = {.events = events, .room = room};
	int error = netlink_take_announced(fd, take_message, &listing);
	if (error < 0)
		return error;
	return listing.count > room ? -ENOBUFS : (int)listing.count;
}
