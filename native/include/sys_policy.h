/*
 * What this host has between a packet of its own and the link, besides a route: policy rules
 * (ip-rule(8)) and queueing disciplines (tc(8)). Looking changes nothing and needs no privileges.
 */
#ifndef SYS_POLICY_H
#define SYS_POLICY_H

#include <stddef.h>
#include <stdint.h>

/* 12 bytes. */
struct sys_policy_rule {
	uint32_t priority;
	uint32_t table;
	uint8_t family; /* 4 or 6 */
	uint8_t reserved[3];
};

/*
 * The rules but for those that each host has: 0 local, 32766 main, 32767 default, each for all
 * packets. As many as have room; returns how many there are, or a negative errno.
 */
int sys_policy_rules(struct sys_policy_rule *rules, size_t room);

#define SYS_QDISC_KIND 16

/* 24 bytes. */
struct sys_qdisc {
	uint32_t link;
	uint32_t limits; /* 1: it has a kind that only some settings make slow packets down, and
			    these */
	char kind[SYS_QDISC_KIND];
};

/*
 * The queueing disciplines of all links, those in others as well. As many as have room; returns how
 * many there are, or a negative errno.
 */
int sys_qdiscs(struct sys_qdisc *qdiscs, size_t room);

/*
 * How many filters look at packets that leave by a link which has the queueing discipline clsact
 * (tc-bpf(8)), or a negative errno.
 */
int sys_egress_filters(uint32_t link);

#endif
