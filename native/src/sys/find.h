/* Questions of many addresses, one after the other: RTM_GETROUTE (rtnetlink(7)). */
#ifndef FIND_H
#define FIND_H

#include <stddef.h>
#include <stdint.h>

#include "netlink.h"
#include "sys_network.h"

struct find {
	const struct sys_destination *destinations;
	size_t count;
	uint32_t flags; /* RTM_F_* */
	/* One for each of the destinations, all zero; the errno of each is put into it. */
	void *answers;
	size_t answer_bytes;
	size_t error_at; /* offset of the uint32_t for that */
	netlink_take *take;
};

/* 0, or a negative errno when nothing can be asked. */
int find_each(const struct find *find);

#endif
