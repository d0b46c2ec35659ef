#include "sys_routes.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(struct sys_local_route) == 20, "src/native/local-routes.ts knows the layout");

/* A dump that the tables changed under is begun anew, this often at most. */
#define ATTEMPTS 5

/* The kernel fills messages of a dump up to this size (NLMSG_GOODSIZE is less). */
#define BUFFER_BYTES 32768

struct dump {
	struct sys_local_route *routes;
	size_t room;
	size_t count;
	bool changed; /* the tables changed while they were dumped */
};

static int open_netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	/* Then the kernel looks at rtm_table; before Linux 4.20 it sends all tables. */
	int on = 1;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return fd;
}

static int ask(int fd, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.route = {.rtm_family = family, .rtm_table = RT_TABLE_LOCAL},
	};
	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

static void take_route(struct dump *dump, const struct rtmsg *route, size_t bytes)
{
	bool broadcast = route->rtm_type == RTN_BROADCAST;
	bool own = route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_ANYCAST;
	size_t address_bytes = route->rtm_family == AF_INET ? 4 : 16;
	if (route->rtm_table != RT_TABLE_LOCAL || (!own && !broadcast))
		return;
	struct sys_local_route found = {
		.family = route->rtm_family == AF_INET ? 4 : 6,
		.prefix_bits = route->rtm_dst_len,
		.broadcast = broadcast,
	};
	const struct rtattr *attribute = RTM_RTA(route);
	for (; RTA_OK(attribute, bytes); attribute = RTA_NEXT(attribute, bytes)) {
		if (attribute->rta_type == RTA_DST && RTA_PAYLOAD(attribute) == address_bytes)
			memcpy(found.address, RTA_DATA(attribute), address_bytes);
	}
	if (dump->count < dump->room)
		dump->routes[dump->count] = found;
	dump->count++;
}

/* Takes one message; 1 when it was the last one, or a negative errno. */
static int take_message(struct dump *dump, const struct nlmsghdr *message, uint8_t family)
{
	if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		dump->changed = true;
	if (message->nlmsg_type == NLMSG_DONE)
		return 1;
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = NLMSG_DATA(message);
		/* There is no such table: the family is off. */
		return error->error == -ENOENT ? 1 : error->error;
	}
	const struct rtmsg *route = NLMSG_DATA(message);
	if (message->nlmsg_type == RTM_NEWROUTE && route->rtm_family == family)
		take_route(dump, route, NLMSG_PAYLOAD(message, sizeof(*route)));
	return 0;
}

static int take_dump(struct dump *dump, int fd, uint8_t family)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_BYTES];
	int error = ask(fd, family);
	while (error == 0) {
		ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
		if (received < 0)
			return -errno;
		size_t left = (size_t)received;
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
		for (; error == 0 && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
			error = take_message(dump, message, family);
	}
	return error == 1 ? 0 : error;
}

int sys_local_routes(struct sys_local_route *routes, size_t room)
{
	struct dump dump = {.changed = true};
	int error = 0;
	for (int i = 0; error == 0 && dump.changed && i < ATTEMPTS; i++) {
		int fd = open_netlink();
		if (fd < 0)
			return fd;
		dump = (struct dump){.routes = routes, .room = room};
		error = take_dump(&dump, fd, AF_INET);
		if (error == 0)
			error = take_dump(&dump, fd, AF_INET6);
		close(fd);
	}
	return error < 0 ? error : (int)dump.count;
}
