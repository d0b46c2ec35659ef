#include <string.h>

#include "sys_routes.h"
#include "tap.h"

#define ROOM 4096

static struct sys_local_route routes[ROOM];

static int has_loopback(int count)
{
	for (int i = 0; i < count && i < ROOM; i++) {
		const struct sys_local_route *route = &routes[i];
		if (route->family == 4 && route->prefix_bits == 8 && route->address[0] == 127 &&
		    !route->broadcast)
			return 1;
	}
	return 0;
}

int main(void)
{
	int count = sys_local_routes(routes, ROOM);
	check(count > 0, "there are local routes");
	check(has_loopback(count), "127.0.0.0/8 is one of them");

	struct sys_local_route guarded[2];
	memset(guarded, 0xee, sizeof(guarded));
	check(sys_local_routes(guarded, 1) == count, "the count does not depend on the room");
	check(guarded[0].family == 4 || guarded[0].family == 6, "what has room is there");
	check_equal(guarded[1].family, 0xee, "nothing is written beyond it");
	return tap_done();
}
