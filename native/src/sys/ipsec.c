#include <errno.h>
#include <linux/xfrm.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "sys_watch.h"

_Static_assert(sizeof(struct sys_ipsec_event) == 8, "src/native/ipsec.ts knows the layout");

#define RECEIVE_BUFFER_BYTES (4 << 20)

struct listing {
	struct sys_ipsec_event *events;
	size_t room;
	size_t count;
};

static void reset(void *context)
{
	struct listing *listing = context;
	listing->count = 0;
}

static void add(struct listing *listing, uint32_t index, uint32_t is_there)
{
	if (listing->count < listing->room)
		listing->events[listing->count] = (struct sys_ipsec_event){index, is_there};
	listing->count++;
}

/* An expiry begins with its policy, and says behind it whether that is gone. */
static void take_message(void *context, const struct nlmsghdr *message)
{
	const void *body = NLMSG_DATA(message);
	const struct xfrm_userpolicy_info *policy = body;
	const struct xfrm_userpolicy_id *id = body;
	const struct xfrm_user_polexpire *expiry = body;
	size_t bytes = NLMSG_PAYLOAD(message, 0);
	switch (message->nlmsg_type) {
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		if (bytes >= sizeof(*policy))
			add(context, policy->index, 1);
		break;
	case XFRM_MSG_DELPOLICY:
		if (bytes >= sizeof(*id))
			add(context, id->index, 0);
		break;
	case XFRM_MSG_POLEXPIRE:
		if (bytes >= sizeof(*expiry) && expiry->hard)
			add(context, expiry->pol.index, 0);
		break;
	case XFRM_MSG_FLUSHPOLICY:
		add(context, 0, 0);
		break;
	default:
		break;
	}
}

int sys_ipsec_open(void)
{
	int fd = netlink_open_watch(NETLINK_XFRM, RECEIVE_BUFFER_BYTES);
	if (fd < 0)
		return fd;
	const int groups[] = {XFRMNLGRP_POLICY, XFRMNLGRP_EXPIRE};
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int error = netlink_join(fd, groups[i]);
		if (error < 0) {
			close(fd);
			return error;
		}
	}
	return fd;
}

int sys_ipsec_policies(struct sys_ipsec_event *policies, size_t room)
{
	const struct {
		struct nlmsghdr header;
		struct xfrm_userpolicy_id which;
	} request = {
		.header =
			{
				.nlmsg_len = sizeof(request),
				.nlmsg_type = XFRM_MSG_GETPOLICY,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
	};
	struct listing listing = {.events = policies, .room = room};
	int error = netlink_list(&(struct netlink_list){NETLINK_XFRM, &request, sizeof(request),
							take_message, reset, &listing});
	return error < 0 ? error : (int)listing.count;
}

int sys_ipsec_take(int fd, struct sys_ipsec_event *events, size_t room)
{
	struct listing listing = {.events = events, .room = room};
	int error = netlink_take_announced(fd, take_message, &listing);
	if (error < 0)
		return error;
	return listing.count > room ? -ENOBUFS : (int)listing.count;
}
