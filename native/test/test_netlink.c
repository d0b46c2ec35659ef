/* What is made of netlink's messages, also of ones that are cut or strange. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>

#include "sys_network.h"
#include "sys_policy.h"
#include "sys_watch.h"
#include "tap.h"

#define MESSAGES 8

static void gives(int actual, int expected, const char *name)
{
	if (!check(actual == expected, "%s", name))
		printf("# is %d, expected %d\n", actual, expected);
}

/* What the kernel says, one datagram after the other. */
static _Alignas(struct nlmsghdr) char datagrams[MESSAGES][4096];
static ssize_t lengths[MESSAGES]; /* a negative errno instead */
static int said, told;

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	(void)fd;
	(void)bytes;
	(void)flags;
	return (ssize_t)length;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
	(void)fd;
	(void)length;
	(void)flags;
	if (told == said || lengths[told] < 0) {
		errno = told == said ? EAGAIN : (int)-lengths[told++];
		return -1;
	}
	memcpy(bytes, datagrams[told], (size_t)lengths[told]);
	return lengths[told++];
}

static void forget(void)
{
	said = 0;
	told = 0;
	memset(lengths, 0, sizeof(lengths));
}

/* Begins a datagram with a message, or adds one to it. */
static struct nlmsghdr *message(int datagram, uint16_t type, const void *body, size_t bytes)
{
	struct nlmsghdr *header =
		(struct nlmsghdr *)(void *)(datagrams[datagram] + lengths[datagram]);
	memset(header, 0, NLMSG_SPACE(bytes));
	header->nlmsg_type = type;
	header->nlmsg_len = (uint32_t)NLMSG_LENGTH(bytes);
	memcpy(NLMSG_DATA(header), body, bytes);
	if (datagram >= said)
		said = datagram + 1;
	lengths[datagram] += (ssize_t)NLMSG_ALIGN(header->nlmsg_len);
	return header;
}

/* Adds an attribute to the last message of a datagram. Returns where its value is. */
static void *attribute(int datagram, struct nlmsghdr *header, unsigned short type,
		       const void *value, size_t bytes)
{
	char *end = datagrams[datagram] + lengths[datagram];
	struct rtattr *added = (struct rtattr *)(void *)end;
	memset(added, 0, RTA_SPACE(bytes));
	added->rta_type = type;
	added->rta_len = (unsigned short)RTA_LENGTH(bytes);
	if (bytes > 0)
		memcpy(RTA_DATA(added), value, bytes);
	header->nlmsg_len += (uint32_t)RTA_ALIGN(added->rta_len);
	lengths[datagram] += (ssize_t)RTA_ALIGN(added->rta_len);
	return RTA_DATA(added);
}

static void number(int datagram, struct nlmsghdr *header, unsigned short type, uint32_t value)
{
	attribute(datagram, header, type, &value, sizeof(value));
}

/* A hop of RTA_MULTIPATH with a gateway; returns its bytes. */
static size_t hop(char *at, int link, uint8_t weight, uint8_t flags, const char *gateway)
{
	struct rtnexthop next = {
		.rtnh_len = sizeof(next) + 8,
		.rtnh_ifindex = link,
		.rtnh_hops = (unsigned char)(weight - 1),
		.rtnh_flags = flags,
	};
	struct rtattr via = {.rta_len = 8, .rta_type = RTA_GATEWAY};
	memcpy(at, &next, sizeof(next));
	memcpy(at + sizeof(next), &via, sizeof(via));
	inet_pton(AF_INET, gateway, at + sizeof(next) + sizeof(via));
	return sizeof(next) + 8;
}

static struct sys_hops hops[1];

static int find(void)
{
	const struct sys_destination destination = {.address = {203, 0, 113, 1}, .family = 4};
	return sys_find_hops(&destination, hops, 1);
}

static const struct rtmsg ipv4 = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};

static void test_hops(void)
{
	forget();
	struct nlmsghdr *route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
	char list[64];
	size_t bytes = hop(list, 7, 3, 0, "192.0.2.1");
	bytes += hop(list + bytes, 8, 256 - 1, RTNH_F_LINKDOWN, "192.0.2.2");
	attribute(0, route, RTA_MULTIPATH, list, bytes);
	gives(find(), 0, "a route with several next hops is found");
	check_equal(hops[0].count, 2, "both are told");
	check_equal(hops[0].hops[0].link, 7, "with their links");
	check_equal(hops[0].hops[0].weight, 3, "their weights");
	check_equal(hops[0].hops[1].weight, 255, "large ones too");
	check_equal(hops[0].hops[1].gateway[3], 2, "their gateways");
	check_equal(hops[0].hops[0].flags, 0, "and whether");
	check_equal(hops[0].hops[1].flags, SYS_HOP_DEAD, "their links are down");

	forget();
	route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
	number(0, route, RTA_OIF, 5);
	attribute(0, route, RTA_ENCAP, list, 4);
	gives(find(), 0, "a route with a tunnel is found");
	check_equal(hops[0].count, 1, "its one next hop is told");
	check_equal(hops[0].hops[0].flags, SYS_HOP_WRAPPED, "and that packets are wrapped");

	forget();
	route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
	number(0, route, RTA_NH_ID, 9);
	gives(find(), 0, "a route may name a next hop alone");
	check_equal(hops[0].count, 0, "which is not told");
}

static void test_cut_hops(void)
{
	char list[64];
	size_t bytes = hop(list, 7, 1, 0, "192.0.2.1");
	for (size_t cut = 0; cut < bytes; cut++) {
		forget();
		struct nlmsghdr *route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
		attribute(0, route, RTA_MULTIPATH, list, cut);
		check(find() == 0 && hops[0].count == 0, "a list that is cut has none");
	}
	list[0] = 0;
	list[1] = 0;
	forget();
	struct nlmsghdr *route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
	attribute(0, route, RTA_MULTIPATH, list, bytes);
	check(find() == 0 && hops[0].count == 0, "nor has one of a hop without length");

	static char many[70 * 16];
	bytes = 0;
	for (int i = 0; i < 70; i++)
		bytes += hop(many + bytes, i + 1, 1, 0, "192.0.2.1");
	forget();
	route = message(0, RTM_NEWROUTE, &ipv4, sizeof(ipv4));
	attribute(0, route, RTA_MULTIPATH, many, bytes);
	gives(find(), 0, "a route with very many is found");
	check_equal(hops[0].count, 70, "all are counted");
	check_equal(hops[0].hops[63].link, 64, "and 64 told");
}

static void test_watch(void)
{
	forget();
	gives(sys_network_watch_take(1), 0, "nothing has changed");
	forget();
	message(0, RTM_NEWNEIGH, &ipv4, sizeof(ipv4));
	gives(sys_network_watch_take(1), SYS_CHANGED_NEIGHBOURS, "a neighbour");
	forget();
	message(0, RTM_DELROUTE, &ipv4, sizeof(ipv4));
	message(0, RTM_NEWTCLASS, &ipv4, sizeof(ipv4));
	message(1, RTM_DELRULE, &ipv4, sizeof(ipv4));
	gives(sys_network_watch_take(1), SYS_CHANGED_ROUTES | SYS_CHANGED_POLICY,
	      "a route, and a policy rule in another datagram");
	forget();
	lengths[0] = -ENOBUFS;
	message(1, RTM_NEWNEIGH, &ipv4, sizeof(ipv4));
	gives(sys_network_watch_take(1), 7, "all of it, when some was lost");
	gives(sys_network_watch_take(1), 0, "and nothing after that");
	forget();
	said = 1;
	lengths[0] = -EBADF;
	gives(sys_network_watch_take(1), -EBADF, "other errors are told");
}

static void rule(uint32_t priority, uint32_t table, unsigned short more)
{
	const struct fib_rule_hdr header = {
		.family = AF_INET, .table = (uint8_t)table, .action = FR_ACT_TO_TBL};
	struct nlmsghdr *added = message(0, RTM_NEWRULE, &header, sizeof(header));
	number(0, added, FRA_PRIORITY, priority);
	number(0, added, FRA_TABLE, table);
	number(0, added, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	if (more != 0)
		number(0, added, more, 1);
}

static void test_rules(void)
{
	struct sys_policy_rule rules[4];
	forget();
	rule(0, RT_TABLE_LOCAL, 0);
	rule(32766, RT_TABLE_MAIN, 0);
	rule(32767, RT_TABLE_DEFAULT, 0);
	rule(32766, RT_TABLE_MAIN, FRA_FWMARK);
	rule(100, RT_TABLE_MAIN, 0);
	message(1, NLMSG_DONE, "\0\0\0\0", 4);
	lengths[2] = -ENOBUFS; /* of IPv6 */
	said = 3;
	gives(sys_policy_rules(rules, 4), -ENOBUFS, "an error of a family is told");
	forget();
	rule(32766, RT_TABLE_MAIN, FRA_FWMARK);
	rule(100, RT_TABLE_MAIN, 0);
	rule(32767, RT_TABLE_DEFAULT, 0);
	message(1, NLMSG_DONE, "\0\0\0\0", 4);
	message(2, NLMSG_DONE, "\0\0\0\0", 4);
	gives(sys_policy_rules(rules, 1), 2, "rules that every host has are none");
	check_equal(rules[0].priority, 32766, "but one of these with a mark is");
}

#define NFT(type) ((NFNL_SUBSYS_NFTABLES << 8) | (type))

static const struct nfgenmsg inet = {.nfgen_family = 1};

static void test_firewall(void)
{
	static struct sys_firewall_event events[2048];
	forget();
	struct nlmsghdr *chain = message(0, NFT(NFT_MSG_NEWCHAIN), &inet, sizeof(inet));
	attribute(0, chain, NFTA_CHAIN_TABLE, "filter", 7);
	attribute(0, chain, NFTA_CHAIN_NAME, "output", 7);
	char hook[RTA_SPACE(4)];
	const struct rtattr hooknum = {.rta_len = RTA_LENGTH(4), .rta_type = NFTA_HOOK_HOOKNUM};
	const uint32_t three = htonl(3);
	memcpy(hook, &hooknum, sizeof(hooknum));
	memcpy(hook + RTA_LENGTH(0), &three, sizeof(three));
	attribute(0, chain, NFTA_CHAIN_HOOK | NLA_F_NESTED, hook, sizeof(hook));
	number(0, chain, NFTA_CHAIN_POLICY, htonl(0));
	number(0, chain, NFTA_CHAIN_USE, htonl(2));
	struct nlmsghdr *gone = message(0, NFT(NFT_MSG_DELRULE), &inet, sizeof(inet));
	attribute(0, gone, NFTA_RULE_TABLE, "filter", 7);
	static char name[200];
	memset(name, 'x', sizeof(name) - 1);
	attribute(0, gone, NFTA_RULE_CHAIN, name, sizeof(name));
	message(0, NFT(NFT_MSG_NEWSET), &inet, sizeof(inet));
	struct nlmsghdr *generation = message(0, NFT(NFT_MSG_NEWGEN), &inet, sizeof(inet));
	number(0, generation, NFTA_GEN_ID, htonl(77));
	gives(sys_firewall_take(1, events, 2048), 3, "what is of interest is told");
	check(strcmp(events[0].table, "filter") == 0 && strcmp(events[0].chain, "output") == 0,
	      "a chain by its name");
	check_equal(events[0].hook, 3, "with its hook");
	check_equal(events[0].policy, 0, "its policy");
	check_equal(events[0].rules, 2, "and how many rules it has");
	check_equal(events[1].kind, SYS_FIREWALL_RULE_GONE, "a rule that has gone");
	check_equal(strlen(events[1].chain), SYS_FIREWALL_NAME - 1, "long names are cut");
	check_equal(events[2].generation, 77, "the generation");
	gives(sys_firewall_take(1, events, 2048), -EAGAIN, "then there is no more");
	told = 0;
	gives(sys_firewall_take(1, events, 2), -ENOBUFS, "without room some are lost");
	forget();
	said = 1;
	lengths[0] = -ENOBUFS;
	gives(sys_firewall_take(1, events, 2048), -ENOBUFS, "and so the kernel may say");
}

static void test_qdiscs(void)
{
	struct sys_qdisc qdiscs[4];
	const struct tcmsg header = {.tcm_ifindex = 3};
	const uint32_t no_rate = UINT32_MAX;
	const uint64_t rate = 125000;
	char options[RTA_SPACE(8)];
	struct rtattr option = {.rta_len = RTA_LENGTH(4), .rta_type = TCA_FQ_FLOW_MAX_RATE};
	forget();
	struct nlmsghdr *fq = message(0, RTM_NEWQDISC, &header, sizeof(header));
	attribute(0, fq, TCA_KIND, "fq", 3);
	memcpy(options, &option, sizeof(option));
	memcpy(options + sizeof(option), &no_rate, sizeof(no_rate));
	attribute(0, fq, TCA_OPTIONS, options, RTA_LENGTH(4));
	struct nlmsghdr *cake = message(0, RTM_NEWQDISC, &header, sizeof(header));
	attribute(0, cake, TCA_KIND, "cake", 5);
	option = (struct rtattr){.rta_len = RTA_LENGTH(8), .rta_type = TCA_CAKE_BASE_RATE64};
	memcpy(options, &option, sizeof(option));
	memcpy(options + sizeof(option), &rate, sizeof(rate));
	attribute(0, cake, TCA_OPTIONS | NLA_F_NESTED, options, RTA_LENGTH(8));
	message(1, NLMSG_DONE, "\0\0\0\0", 4);
	gives(sys_qdiscs(qdiscs, 4), 2, "queueing disciplines are told");
	check(strcmp(qdiscs[0].kind, "fq") == 0 && qdiscs[0].link == 3, "with kind and link");
	check_equal(qdiscs[0].limits, 0, "fq without a rate limits nothing");
	check_equal(qdiscs[1].limits, 1, "cake with one does");
}

static void test_ipsec(void)
{
	static struct sys_ipsec_event events[2048];
	const struct xfrm_userpolicy_info in = {.index = 8, .dir = XFRM_POLICY_IN};
	const struct xfrm_userpolicy_info out = {.index = 9, .dir = XFRM_POLICY_OUT};
	const struct xfrm_userpolicy_id gone = {.index = 9, .dir = XFRM_POLICY_OUT};
	const struct xfrm_user_polexpire soft = {.pol = out};
	const struct xfrm_user_polexpire hard = {.pol = out, .hard = 1};
	forget();
	message(0, XFRM_MSG_NEWPOLICY, &in, sizeof(in));
	message(0, XFRM_MSG_NEWPOLICY, &out, sizeof(out));
	message(0, XFRM_MSG_NEWPOLICY, &out, sizeof(out) - 1);
	message(0, XFRM_MSG_DELPOLICY, &gone, sizeof(gone));
	message(0, XFRM_MSG_POLEXPIRE, &soft, sizeof(soft));
	message(0, XFRM_MSG_POLEXPIRE, &hard, sizeof(hard));
	message(0, XFRM_MSG_FLUSHPOLICY, "", 0);
	gives(sys_ipsec_take(1, events, 2048), 4, "policies of output are told");
	check(events[0].index == 9 && events[0].is_there, "one that has come");
	check(events[1].index == 9 && !events[1].is_there, "and gone");
	check(events[2].index == 9 && !events[2].is_there, "or has expired");
	check(events[3].index == 0 && !events[3].is_there, "and all");
	gives(sys_ipsec_take(1, events, 2048), -EAGAIN, "then there is no more");
}

int main(void)
{
	test_hops();
	test_cut_hops();
	test_watch();
	test_rules();
	test_firewall();
	test_qdiscs();
	test_ipsec();
	return tap_done();
}
