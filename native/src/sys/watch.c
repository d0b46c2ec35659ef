#include "sys_watch.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

/* What one burst of changes takes: some ten thousand routes. */
#define RECEIVE_BUFFER_BYTES (4 << 20)

/* So much is taken at once; then others have their turn. */
#define TAKES_MAX 1024

#define ALL (SYS_CHANGED_NEIGHBOURS | SYS_CHANGED_ROUTES | SYS_CHANGED_POLICY)

static const int groups[] = {
	RTNLGRP_LINK,	    RTNLGRP_NEIGH,	RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP,     RTNLGRP_IPV4_RULE,
	RTNLGRP_IPV6_RULE,  RTNLGRP_TC,
};

int sys_network_watch_open(void)
{
	int fd = netlink_open_watch(NETLINK_ROUTE, RECEIVE_BUFFER_BYTES);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int error = netlink_join(fd, groups[i]);
		/* Kernels before 5.3 know no next hop objects. */
		if (error < 0 && groups[i] != RTNLGRP_NEXTHOP) {
			close(fd);
			return error;
		}
	}
	return fd;
}

static int kind_of(const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return SYS_CHANGED_NEIGHBOURS;
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER:
		return SYS_CHANGED_POLICY;
	/* A class is a part of a queueing discipline, a chain of filters has some. */
	case RTM_NEWTCLASS:
	case RTM_DELTCLASS:
	case RTM_NEWCHAIN:
	case RTM_DELCHAIN:
		return 0;
	default:
		return SYS_CHANGED_ROUTES;
	}
}

int sys_network_watch_take(int fd)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_BYTES];
	int changed = 0;
	for (int i = 0; i < TAKES_MAX; i++) {
		ssize_t received = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (received < 0 && errno == ENOBUFS) {
			changed = ALL;
			continue;
		}
		if (received < 0)
			return errno == EAGAIN || errno == EINTR ? changed : -errno;
		size_t left = (size_t)received;
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
			changed |= kind_of(message);
	}
	return changed;
}
