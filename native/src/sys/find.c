#include "find.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attributes.h"

_Static_assert(sizeof(struct sys_destination) == 20, "src/native/network.ts knows the layout");

static int find_one(int fd, const struct find *find, const struct sys_destination *destination,
		    void *answer)
{
	uint8_t family = destination->family == 4 ? AF_INET : AF_INET6;
	uint16_t bytes = (uint16_t)bytes_of_family(family);
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
		struct rtattr attribute;
		uint8_t address[16];
	} request = {
		.header =
			{
				.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(request.route)) +
							RTA_LENGTH(bytes)),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST,
			},
		.route =
			{
				.rtm_family = family,
				.rtm_dst_len = (uint8_t)(bytes * 8),
				.rtm_flags = find->flags,
			},
		.attribute = {.rta_len = (uint16_t)RTA_LENGTH(bytes), .rta_type = RTA_DST},
	};
	memcpy(request.address, destination->address, bytes);
	return netlink_ask(fd, &request, request.header.nlmsg_len, find->take, answer);
}

int find_each(const struct find *find)
{
	int fd = netlink_open(NETLINK_ROUTE);
	if (fd < 0)
		return fd;
	int error = 0;
	for (size_t i = 0; i < find->count && error == 0; i++) {
		uint8_t *answer = (uint8_t *)find->answers + i * find->answer_bytes;
		int failed = find_one(fd, find, &find->destinations[i], answer);
		uint32_t number = (uint32_t)-failed;
		memcpy(answer + find->error_at, &number, sizeof(number));
		/* Nothing came: what comes late would be taken for the answer of the next. */
		if (failed == -EAGAIN || failed == -ENOBUFS)
			error = failed;
	}
	close(fd);
	return error;
}
