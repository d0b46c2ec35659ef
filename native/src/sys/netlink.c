#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* A list that changed while it was told is asked for anew, this often at most. */
#define ATTEMPTS 5

/* No answer of the kernel takes as long; one that is lost must not be waited for. */
#define ANSWER_SECONDS 5

int netlink_open(int protocol)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	/* Then the kernel looks at what is asked for; before Linux 4.20 it sends all there is. */
	int on = 1;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

int netlink_open_watch(int protocol, int receive_buffer)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd < 0)
		return -errno;
	/* Without CAP_NET_ADMIN it gets so much as the host allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(int)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(int));
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int netlink_join(int fd, int group)
{
	int error = setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	return error < 0 ? -errno : 0;
}

/* Takes one message; 1 when it was the last one, or a negative errno. */
static int take_message(const struct nlmsghdr *message, netlink_take *take, void *context)
{
	if (message->nlmsg_type == NLMSG_DONE)
		return 1;
	if (message->nlmsg_type != NLMSG_ERROR) {
		take(context, message);
		return 0;
	}
	const struct nlmsgerr *error = NLMSG_DATA(message);
	return error->error;
}

/* Sets *changed when the list changed while it was told. */
static int take_list(int fd, const struct netlink_list *list, bool *changed)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_BYTES];
	int error = send(fd, list->request, list->bytes, 0) < 0 ? -errno : 0;
	while (error == 0) {
		ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
		if (received < 0)
			return -errno;
		size_t left = (size_t)received;
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
		for (; error == 0 && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
			*changed |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			error = take_message(message, list->take, list->context);
		}
	}
	return error == 1 ? 0 : error;
}

int netlink_list(const struct netlink_list *list)
{
	bool changed = true;
	int error = 0;
	for (int i = 0; error == 0 && changed && i < ATTEMPTS; i++) {
		int fd = netlink_open(list->protocol);
		if (fd < 0)
			return fd;
		changed = false;
		list->reset(list->context);
		error = take_list(fd, list, &changed);
		close(fd);
	}
	return error;
}

int netlink_ask(int fd, const void *request, size_t bytes, netlink_take *take, void *context)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_BYTES];
	if (send(fd, request, bytes, 0) < 0)
		return -errno;
	ssize_t received = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	if (received < 0)
		return -errno;
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	if (!NLMSG_OK(message, (size_t)received))
		return -EBADMSG;
	return take_message(message, take, context);
}

int netlink_take_announced(int fd, netlink_take *take, void *context)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_BUFFER_BYTES];
	ssize_t received = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
	if (received < 0)
		return -errno;
	if ((size_t)received > sizeof(buffer))
		return -ENOBUFS;
	size_t left = (size_t)received;
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		take(context, message);
	return 0;
}
