/*
 * Watching a socket: a JavaScript function is called whenever it is readable. When it returns a
 * number above 0, it is called again after so many milliseconds, and not before, whether it is
 * readable or not.
 */
#ifndef FLOXY_NODE_POLLER_H
#define FLOXY_NODE_POLLER_H

#include <node_api.h>

struct poller;

/*
 * Starts to watch fd. *place gets the poller, and NULL when it stops, also by the end of the
 * environment; until then place has to stay. Returns 0, or a negative errno: -EALREADY when there
 * is a poller.
 */
int poller_start(napi_env env, struct poller **place, int fd, napi_value callback);

/* Takes NULL too. */
void poller_stop(struct poller *poller);

#endif
