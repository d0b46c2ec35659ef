/*
 * Being told by the kernel that something has changed: netlink sockets that are subscribed to what
 * it announces (netlink(7)).
 */
#ifndef SYS_WATCH_H
#define SYS_WATCH_H

#include <stddef.h>
#include <stdint.h>

#define SYS_CHANGED_NEIGHBOURS 1
#define SYS_CHANGED_ROUTES 2 /* routes, next hops, links and addresses */
#define SYS_CHANGED_POLICY 4 /* policy rules, queueing disciplines and filters of links */

/* A descriptor, non-blocking; needs no privileges. */
int sys_network_watch_open(void);

/*
 * Takes what has been announced, and says what it was about: SYS_CHANGED_*, 0 when nothing was.
 * All of them when there was more than the socket had room for.
 */
int sys_network_watch_take(int fd);

/*
 * Watching nftables. Only who has CAP_NET_ADMIN may begin to watch, or list what is there; what is
 * announced from then on comes without it.
 */

#define SYS_FIREWALL_NAME 128 /* of a table or chain, with a zero behind; what is longer is cut */

enum sys_firewall_kind {
	SYS_FIREWALL_CHAIN = 1, /* it is there, or has changed */
	SYS_FIREWALL_CHAIN_GONE,
	SYS_FIREWALL_RULE, /* one more in the chain */
	SYS_FIREWALL_RULE_GONE,
	SYS_FIREWALL_TABLE_GONE, /* with all that it had; no chain is named */
	/* All before it since the last one of these has become true at once; the number is its. */
	SYS_FIREWALL_GENERATION,
};

/* What has changed, or a chain that is there. 280 bytes. */
struct sys_firewall_event {
	uint32_t kind;	 /* enum sys_firewall_kind */
	uint32_t family; /* NFPROTO_* of linux/netfilter.h: 1 inet, 2 ip, 10 ip6 ... */
	uint32_t hook;	 /* of a chain: NF_INET_*; UINT32_MAX where no packets come by themselves */
	uint32_t policy; /* of a chain: 0 drop, 1 accept */
	uint32_t rules;	 /* how many a chain has; UINT32_MAX: not told */
	uint32_t generation;
	char table[SYS_FIREWALL_NAME];
	char chain[SYS_FIREWALL_NAME];
};

/* A descriptor, non-blocking; -EPERM without the right to. */
int sys_firewall_open(void);

/*
 * Number of the state that nftables is in, which grows with each change; -EPERM without the right
 * to ask. -EINVAL or -ENOENT: the kernel has no nftables.
 */
int sys_firewall_generation(uint32_t *generation);

/* The chains that are there. As many as have room; returns how many there are, or an errno. */
int sys_firewall_chains(struct sys_firewall_event *chains, size_t room);

/*
 * Takes some of what has been announced, and returns how many events that are: perhaps none.
 * -EAGAIN when there is no more, -ENOBUFS when some are lost: there were more than the socket, or
 * events, had room for. The kernel tells at most 2,048 at once.
 */
int sys_firewall_take(int fd, struct sys_firewall_event *events, size_t room);

/*
 * Watching the policies of IPsec (ip-xfrm(8)), in the same way. Only those of output are told, and
 * none of sockets.
 */

/* What has become of a policy. 8 bytes. */
struct sys_ipsec_event {
	uint32_t index; /* of the policy; 0: of all there are */
	uint32_t is_there;
};

/* A descriptor, non-blocking; -EPERM without the right to, -EPROTONOSUPPORT without IPsec. */
int sys_ipsec_open(void);

/* The policies that are there. As many as have room; returns how many there are, or an errno. */
int sys_ipsec_policies(struct sys_ipsec_event *policies, size_t room);

/* As sys_firewall_take(). */
int sys_ipsec_take(int fd, struct sys_ipsec_event *events, size_t room);

#endif
