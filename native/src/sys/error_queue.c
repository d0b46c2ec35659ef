#include "error_queue.h"

#include <string.h>

static int is_error(const struct cmsghdr *part)
{
	return (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
	       (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
}

int error_queue_read(struct msghdr *message, struct sock_extended_err *error)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		if (!is_error(part) || part->cmsg_len < CMSG_LEN(sizeof(*error)))
			continue;
		memcpy(error, CMSG_DATA(part), sizeof(*error));
		return 1;
	}
	return 0;
}
