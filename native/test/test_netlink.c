/* What is made of netlink's answers, also of ones that are cut or strange. */
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/pkt_sched.h>

#include "fake_netlink.h"
#include "sys_network.h"
#include "sys_policy.h"

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

int main(void)
{
	test_hops();
	test_cut_hops();
	test_rules();
	test_qdiscs();
	return tap_done();
}
