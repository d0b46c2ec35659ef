/* Questions to the kernel (netlink(7)): of routes (rtnetlink(7)), of sockets (sock_diag(7)). */
#ifndef NETLINK_H
#define NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* The kernel fills messages of a dump up to this size (NLMSG_GOODSIZE is less). */
#define NETLINK_BUFFER_BYTES 32768

/* A descriptor, or a negative errno. Protocol: NETLINK_ROUTE, NETLINK_SOCK_DIAG ... */
int netlink_open(int protocol);

/* The same for what the kernel announces, non-blocking, with so many bytes for what waits. */
int netlink_open_watch(int protocol, int receive_buffer);

/* Has it get what is announced to a group. 0, or a negative errno. */
int netlink_join(int fd, int group);

/* Takes one message of an answer. */
typedef void netlink_take(void *context, const struct nlmsghdr *message);

/* A list to ask for. */
struct netlink_list {
	int protocol; /* as above; NETLINK_ROUTE is 0 */
	const void *request;
	size_t bytes;
	netlink_take *take;
	void (*reset)(void *context); /* before each try */
	void *context;
};

/* Asks for it, again when it changed while it was told. 0, or a negative errno. */
int netlink_list(const struct netlink_list *list);

/*
 * Asks a question that has one answer, and does not wait for it: the kernel has answered when it
 * has taken the question. 0, or a negative errno, of the answer too; 0 without an answer that could
 * be taken is an acknowledgement.
 */
int netlink_ask(int fd, const void *request, size_t bytes, netlink_take *take, void *context);

/*
 * Takes the announcements that came last, all of one datagram, without waiting. 0, or a negative
 * errno: EAGAIN when there are none, ENOBUFS when some were lost.
 */
int netlink_take_announced(int fd, netlink_take *take, void *context);

#endif
