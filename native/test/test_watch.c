/* What is made of what netlink announces. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>

#include "fake_netlink.h"
#include "sys_watch.h"

static const struct rtmsg ipv4 = {.rtm_family = AF_INET};

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
	gives(sys_ipsec_take(1, events, 2048), 5, "policies are told");
	check(events[0].index == 8 && events[0].is_there, "one of input has come");
	check(events[1].index == 9 && events[1].is_there, "one of output has come");
	check(events[2].index == 9 && !events[2].is_there, "and gone");
	check(events[3].index == 9 && !events[3].is_there, "or has expired");
	check(events[4].index == 0 && !events[4].is_there, "and all");
	gives(sys_ipsec_take(1, events, 2048), -EAGAIN, "then there is no more");
}

int main(void)
{
	test_watch();
	test_firewall();
	test_ipsec();
	return tap_done();
}
