#include "poller.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "values.h"

/* Lives from poller_start until libuv has let go of it. */
struct poller {
	uv_poll_t watch;
	uv_timer_t rest;
	uint32_t open; /* handles that libuv has not let go of */
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle cleanup;
	struct poller **place; /* NULL once stopped */
};

static void on_closed(uv_handle_t *handle)
{
	struct poller *poller = handle->data;
	if (--poller->open > 0)
		return;
	napi_remove_async_cleanup_hook(poller->cleanup);
	free(poller);
}

void poller_stop(struct poller *poller)
{
	if (poller == NULL || poller->place == NULL)
		return;
	*poller->place = NULL;
	poller->place = NULL;
	let_go(poller->env, &poller->callback);
	napi_async_destroy(poller->env, poller->context);
	uv_close((uv_handle_t *)&poller->watch, on_closed);
	uv_close((uv_handle_t *)&poller->rest, on_closed);
}

static void on_env_cleanup(napi_async_cleanup_hook_handle cleanup, void *data)
{
	(void)cleanup; /* removed when libuv has closed the watch */
	poller_stop(data);
}

/* Calls back; what the callback throws becomes an uncaught exception. Returns the milliseconds to
 * rest.
 */
static uint32_t call_back(struct poller *poller)
{
	napi_env env = poller->env;
	napi_handle_scope scope;
	napi_open_handle_scope(env, &scope);
	napi_value receiver = NULL;
	napi_value callback = NULL;
	napi_get_global(env, &receiver);
	napi_get_reference_value(env, poller->callback, &callback);
	napi_value result = NULL;
	napi_status status =
		napi_make_callback(env, poller->context, receiver, callback, 0, NULL, &result);
	uint32_t rest_ms = status == napi_ok ? uint_of(env, result) : 0;
	if (status == napi_pending_exception) {
		napi_value error = NULL;
		napi_get_and_clear_last_exception(env, &error);
		napi_fatal_exception(env, error);
	}
	napi_close_handle_scope(env, scope);
	return rest_ms;
}

static void on_readable(uv_poll_t *watch, int status, int events);

static void on_rested(uv_timer_t *rest);

/* Counts from now: the time that the loop has is that at which it began to call back. */
static void start_rest(struct poller *poller, uint32_t rest_ms)
{
	uv_update_time(poller->rest.loop);
	uv_timer_start(&poller->rest, on_rested, rest_ms, 0);
}

static void on_rested(uv_timer_t *rest)
{
	struct poller *poller = rest->data;
	uint32_t rest_ms = call_back(poller);
	if (poller->place == NULL)
		return;
	if (rest_ms > 0)
		start_rest(poller, rest_ms);
	else
		uv_poll_start(&poller->watch, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *watch, int status, int events)
{
	(void)events;
	struct poller *poller = watch->data;
	uint32_t rest_ms = call_back(poller);
	if (poller->place == NULL)
		return;
	if (rest_ms > 0) {
		uv_poll_stop(watch);
		start_rest(poller, rest_ms);
	} else if (status < 0) {
		/* libuv stops at a socket error; pio_receive has taken and counted it. */
		uv_poll_start(watch, UV_READABLE, on_readable);
	}
}

int poller_start(napi_env env, struct poller **place, int fd, napi_value callback)
{
	if (*place != NULL)
		return -EALREADY;
	struct poller *poller = calloc(1, sizeof(*poller));
	if (poller == NULL)
		return -ENOMEM;
	uv_loop_t *loop = NULL;
	napi_get_uv_event_loop(env, &loop);
	int error = uv_poll_init(loop, &poller->watch, fd);
	if (error < 0) {
		free(poller);
		return error;
	}
	uv_timer_init(loop, &poller->rest);
	poller->open = 2;
	poller->watch.data = poller;
	poller->rest.data = poller;
	poller->env = env;
	poller->place = place;
	*place = poller;
	napi_value name = NULL;
	napi_create_string_utf8(env, "floxy:receiver", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &poller->context);
	napi_add_async_cleanup_hook(env, on_env_cleanup, poller, &poller->cleanup);
	poller->callback = keep(env, callback);
	error = uv_poll_start(&poller->watch, UV_READABLE, on_readable);
	if (error < 0)
		poller_stop(poller);
	return error;
}
