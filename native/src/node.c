/*
 * The addon: the only file that knows Node-API. Arguments are positional and already checked by
 * src/dataplane/packet-io.ts; system errors are returned as negative errnos. Memory that JavaScript
 * lends to packet I/O is kept alive by references.
 */
#include <errno.h>
#include <limits.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uv.h>

#include "pio.h"
#include "pio_sys.h"

#define ARGUMENTS_MAX 12

/* Watches the receive socket. Lives from startPolling until libuv has let go of it. */
struct poller {
	uv_poll_t watch;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle cleanup;
	struct handle *owner; /* NULL once stopped */
};

/* What a PacketIo holds on to. */
struct handle {
	pio_t *io;
	int receive_fd;
	struct poller *poller; /* NULL while not polling */
	napi_ref packets, copies, counters, collectors;
};

/* A mapped file; its ArrayBuffer is wrapped around it. */
struct mapping {
	void *address; /* NULL once unmapped */
	size_t bytes;
};

/* ---- Arguments and results ---- */

static void take_arguments(napi_env env, napi_callback_info info, napi_value *arguments)
{
	size_t count = ARGUMENTS_MAX;
	napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
}

static int int_of(napi_env env, napi_value value)
{
	int32_t number = 0;
	napi_get_value_int32(env, value, &number);
	return number;
}

static uint32_t uint_of(napi_env env, napi_value value)
{
	uint32_t number = 0;
	napi_get_value_uint32(env, value, &number);
	return number;
}

static uint64_t bytes_of(napi_env env, napi_value value)
{
	int64_t number = 0;
	napi_get_value_int64(env, value, &number);
	return (uint64_t)number;
}

static void *buffer_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_arraybuffer_info(env, value, &data, NULL);
	return data;
}

static void *typed_array_of(napi_env env, napi_value value, size_t *length)
{
	void *data = NULL;
	napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL);
	return data;
}

static struct handle *handle_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

static napi_value number(napi_env env, int64_t value)
{
	napi_value result = NULL;
	napi_create_int64(env, value, &result);
	return result;
}

static napi_ref keep(napi_env env, napi_value value)
{
	napi_ref reference = NULL;
	napi_create_reference(env, value, 1, &reference);
	return reference;
}

static void let_go(napi_env env, napi_ref *reference)
{
	if (*reference != NULL)
		napi_delete_reference(env, *reference);
	*reference = NULL;
}

/* ---- Polling ---- */

static void on_poller_closed(uv_handle_t *watch)
{
	struct poller *poller = watch->data;
	napi_remove_async_cleanup_hook(poller->cleanup);
	free(poller);
}

static void stop_poller(struct poller *poller)
{
	if (poller == NULL || poller->owner == NULL)
		return;
	poller->owner->poller = NULL;
	poller->owner = NULL;
	let_go(poller->env, &poller->callback);
	napi_async_destroy(poller->env, poller->context);
	uv_close((uv_handle_t *)&poller->watch, on_poller_closed);
}

static void on_env_cleanup(napi_async_cleanup_hook_handle cleanup, void *data)
{
	(void)cleanup; /* removed when libuv has closed the watch */
	stop_poller(data);
}

/* Calls back; what the callback throws becomes an uncaught exception. */
static void call_back(struct poller *poller)
{
	napi_env env = poller->env;
	napi_handle_scope scope;
	napi_open_handle_scope(env, &scope);
	napi_value receiver = NULL;
	napi_value callback = NULL;
	napi_get_global(env, &receiver);
	napi_get_reference_value(env, poller->callback, &callback);
	napi_status status =
		napi_make_callback(env, poller->context, receiver, callback, 0, NULL, NULL);
	if (status == napi_pending_exception) {
		napi_value error = NULL;
		napi_get_and_clear_last_exception(env, &error);
		napi_fatal_exception(env, error);
	}
	napi_close_handle_scope(env, scope);
}

static void on_readable(uv_poll_t *watch, int status, int events)
{
	(void)events;
	struct poller *poller = watch->data;
	call_back(poller);
	/* libuv stops at a socket error; pio_receive has taken and counted it. */
	if (status < 0 && poller->owner != NULL)
		uv_poll_start(watch, UV_READABLE, on_readable);
}

static napi_value start_polling(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	struct handle *handle = handle_of(env, arguments[0]);
	if (handle->poller != NULL)
		return number(env, -EALREADY);
	struct poller *poller = calloc(1, sizeof(*poller));
	if (poller == NULL)
		return number(env, -ENOMEM);
	uv_loop_t *loop = NULL;
	napi_get_uv_event_loop(env, &loop);
	int error = uv_poll_init(loop, &poller->watch, handle->receive_fd);
	if (error < 0) {
		free(poller);
		return number(env, error);
	}
	poller->watch.data = poller;
	poller->env = env;
	poller->owner = handle;
	handle->poller = poller;
	napi_value name = NULL;
	napi_create_string_utf8(env, "floxy:packet-io", NAPI_AUTO_LENGTH, &name);
	napi_async_init(env, NULL, name, &poller->context);
	napi_add_async_cleanup_hook(env, on_env_cleanup, poller, &poller->cleanup);
	poller->callback = keep(env, arguments[1]);
	error = uv_poll_start(&poller->watch, UV_READABLE, on_readable);
	if (error < 0)
		stop_poller(poller);
	return number(env, error);
}

static napi_value stop_polling(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	stop_poller(handle_of(env, arguments[0])->poller);
	return NULL;
}

/* ---- Packets ---- */

static void free_handle(napi_env env, void *data, void *hint)
{
	(void)hint;
	struct handle *handle = data;
	stop_poller(handle->poller);
	pio_free(handle->io);
	let_go(env, &handle->packets);
	let_go(env, &handle->copies);
	let_go(env, &handle->counters);
	let_go(env, &handle->collectors);
	free(handle);
}

/*
 * create(receiveFd, sendIpv4Fd, sendIpv6Fd, batch, bufferBytes, copiesMax, slotCount, mappedPrefix,
 *        packets, copies, counters, slotsByteOffset): handle or negative errno. The counters'
 * buffer holds the slots too.
 */
static napi_value create(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	uint8_t *memory = buffer_of(env, arguments[10]);
	struct pio_options options = {
		.receive_fd = int_of(env, arguments[0]),
		.send4_fd = int_of(env, arguments[1]),
		.send6_fd = int_of(env, arguments[2]),
		.batch = uint_of(env, arguments[3]),
		.buffer_bytes = uint_of(env, arguments[4]),
		.copies_max = uint_of(env, arguments[5]),
		.slot_count = uint_of(env, arguments[6]),
		.packets = buffer_of(env, arguments[8]),
		.copies = buffer_of(env, arguments[9]),
		.counters = (uint64_t *)(void *)memory,
		.slots = (struct pio_slot *)(void *)(memory + bytes_of(env, arguments[11])),
	};
	memcpy(options.mapped_prefix, typed_array_of(env, arguments[7], NULL),
	       sizeof(options.mapped_prefix));
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	int error = pio_new(&handle->io, &options);
	if (error < 0) {
		free(handle);
		return number(env, error);
	}
	handle->receive_fd = options.receive_fd;
	handle->packets = keep(env, arguments[8]);
	handle->copies = keep(env, arguments[9]);
	handle->counters = keep(env, arguments[10]);
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

/* receive(handle): count or negative errno. */
static napi_value receive(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	napi_value result = NULL;
	napi_create_int32(env, pio_receive(handle_of(env, arguments[0])->io), &result);
	return result;
}

/* send(handle, packets, copies, droppedByRule, noEligibleCollector) */
static napi_value send_copies(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	pio_send(handle_of(env, arguments[0])->io, uint_of(env, arguments[1]),
		 uint_of(env, arguments[2]), uint_of(env, arguments[3]),
		 uint_of(env, arguments[4]));
	return NULL;
}

/* setCollectors(handle, buffer, byteOffset, count) */
static napi_value set_collectors(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	struct handle *handle = handle_of(env, arguments[0]);
	uint8_t *memory = buffer_of(env, arguments[1]);
	napi_ref previous = handle->collectors;
	handle->collectors = keep(env, arguments[1]);
	pio_set_collectors(handle->io,
			   (struct pio_collector *)(void *)(memory + bytes_of(env, arguments[2])),
			   uint_of(env, arguments[3]));
	let_go(env, &previous);
	return NULL;
}

/* ---- Sockets ---- */

/* openReceiver(octets, port, receiveBufferBytes, exclusive, granted: Uint32Array): fd or errno. */
static napi_value open_receiver(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	size_t bytes = 0;
	const uint8_t *address = typed_array_of(env, arguments[0], &bytes);
	return number(env, pio_open_receiver(address, bytes, (uint16_t)uint_of(env, arguments[1]),
					     uint_of(env, arguments[2]), int_of(env, arguments[3]),
					     typed_array_of(env, arguments[4], NULL)));
}

/* openSender(family, sendBufferBytes): fd or errno. */
static napi_value open_sender(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	return number(env, pio_open_sender(int_of(env, arguments[0]), uint_of(env, arguments[1])));
}

/* socketDrops(fd): count or errno. */
static napi_value socket_drops(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	return number(env, pio_socket_drops(int_of(env, arguments[0])));
}

/* ---- Shared memory ---- */

/* memoryCreate(name, bytes): fd or errno. */
static napi_value memory_create(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	char name[250]; /* memfd_create takes 249 bytes */
	size_t length = 0;
	napi_get_value_string_utf8(env, arguments[0], name, sizeof(name), &length);
	return number(env, pio_memory_create(name, bytes_of(env, arguments[1])));
}

/* memoryResize(fd, bytes): 0 or errno. */
static napi_value memory_resize(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	return number(env,
		      pio_memory_resize(int_of(env, arguments[0]), bytes_of(env, arguments[1])));
}

static void unmap(struct mapping *mapping)
{
	if (mapping->address != NULL)
		munmap(mapping->address, mapping->bytes);
	mapping->address = NULL;
}

/* The ArrayBuffer has been collected or detached, or the environment ends. */
static void free_mapping(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)data;
	unmap(hint);
	free(hint);
}

/* memoryMap(fd, bytes, writable): ArrayBuffer or errno. */
static napi_value memory_map(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	struct mapping *mapping = calloc(1, sizeof(*mapping));
	if (mapping == NULL)
		return number(env, -ENOMEM);
	mapping->bytes = bytes_of(env, arguments[1]);
	int protection = PROT_READ | (int_of(env, arguments[2]) ? PROT_WRITE : 0);
	void *address =
		mmap(NULL, mapping->bytes, protection, MAP_SHARED, int_of(env, arguments[0]), 0);
	if (address == MAP_FAILED) {
		int error = errno;
		free(mapping);
		return number(env, -error);
	}
	mapping->address = address;
	napi_value buffer = NULL;
	if (napi_create_external_arraybuffer(env, address, mapping->bytes, free_mapping, mapping,
					     &buffer) != napi_ok) {
		free_mapping(env, NULL, mapping);
		return number(env, -ENOMEM);
	}
	/* Lets memoryUnmap find the mapping; free_mapping is the one to free it. */
	napi_wrap(env, buffer, mapping, NULL, NULL, NULL);
	return buffer;
}

/* memoryUnmap(buffer): 0, or -EINVAL for a buffer that is not mapped (any more). */
static napi_value memory_unmap(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	void *mapping = NULL;
	if (napi_remove_wrap(env, arguments[0], &mapping) != napi_ok)
		return number(env, -EINVAL);
	/* Detached first: no JavaScript can reach the memory after this. */
	napi_detach_arraybuffer(env, arguments[0]);
	unmap(mapping);
	return number(env, 0);
}

/* ---- Process ---- */

/* dieWithParent(parentPid): 0 or errno. */
static napi_value die_with_parent(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	return number(env, pio_die_with_parent(int_of(env, arguments[0])));
}

/* restrictPrivileges(keep: bigint): 0 or errno. */
static napi_value restrict_privileges(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	uint64_t capabilities = 0;
	bool is_whole = false;
	napi_get_value_bigint_uint64(env, arguments[0], &capabilities, &is_whole);
	return number(env, pio_restrict_privileges(capabilities));
}

/* ---- Handover ---- */

/* A path of at most PATH_MAX bytes, cut beyond. */
static void path_of(napi_env env, napi_value value, char path[PATH_MAX])
{
	path[0] = 0;
	napi_get_value_string_utf8(env, value, path, PATH_MAX, NULL);
}

/* handoverListen(path): fd or errno. */
static napi_value handover_listen(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	char path[PATH_MAX];
	path_of(env, arguments[0], path);
	return number(env, pio_handover_listen(path));
}

/* handoverAccept(listener, user, data: Uint8Array, fds: Int32Array): connection or errno. */
static napi_value handover_accept(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	size_t bytes = 0;
	size_t count = 0;
	const uint8_t *data = typed_array_of(env, arguments[2], &bytes);
	const int *fds = typed_array_of(env, arguments[3], &count);
	return number(env,
		      pio_handover_accept(int_of(env, arguments[0]), uint_of(env, arguments[1]),
					  data, bytes, fds, count));
}

/*
 * handoverConnect(path, waitMs, data: Uint8Array, fds: Int32Array, lengths: Uint32Array):
 * connection or errno. lengths gets the bytes and descriptors that came.
 */
static napi_value handover_connect(napi_env env, napi_callback_info info)
{
	napi_value arguments[ARGUMENTS_MAX];
	take_arguments(env, info, arguments);
	char path[PATH_MAX];
	path_of(env, arguments[0], path);
	size_t bytes = 0;
	size_t count = 0;
	uint8_t *data = typed_array_of(env, arguments[2], &bytes);
	int *fds = typed_array_of(env, arguments[3], &count);
	uint32_t *lengths = typed_array_of(env, arguments[4], NULL);
	int connection =
		pio_handover_connect(path, uint_of(env, arguments[1]), data, &bytes, fds, &count);
	lengths[0] = (uint32_t)bytes;
	lengths[1] = (uint32_t)count;
	return number(env, connection);
}

/* ---- Exports ---- */

/* Sizes in bytes, byte offsets and values of the contract, for the test that compares them. */
static const struct {
	const char *name;
	size_t value;
} layout[] = {
	{"sizeof packet", sizeof(struct pio_packet)},
	{"packet.source", offsetof(struct pio_packet, source)},
	{"packet.source_port", offsetof(struct pio_packet, source_port)},
	{"packet.length", offsetof(struct pio_packet, length)},
	{"packet.flags", offsetof(struct pio_packet, flags)},
	{"packet.input_slot", offsetof(struct pio_packet, input_slot)},
	{"flag IPV6", PIO_PACKET_IPV6},
	{"flag TRUNCATED", PIO_PACKET_TRUNCATED},
	{"sizeof copy", sizeof(struct pio_copy)},
	{"copy.packet", offsetof(struct pio_copy, packet)},
	{"copy.collector", offsetof(struct pio_copy, collector)},
	{"sizeof collector", sizeof(struct pio_collector)},
	{"collector.address", offsetof(struct pio_collector, address)},
	{"collector.port", offsetof(struct pio_collector, port)},
	{"collector.family", offsetof(struct pio_collector, family)},
	{"collector.output_slot", offsetof(struct pio_collector, output_slot)},
	{"sizeof slot", sizeof(struct pio_slot)},
	{"sizeof counters", PIO_COUNTERS * sizeof(uint64_t)},
	{"counter RECEIVED_PACKETS", PIO_RECEIVED_PACKETS},
	{"counter RECEIVED_BYTES", PIO_RECEIVED_BYTES},
	{"counter FORWARDED_PACKETS", PIO_FORWARDED_PACKETS},
	{"counter FORWARDED_BYTES", PIO_FORWARDED_BYTES},
	{"counter TRUNCATED", PIO_TRUNCATED},
	{"counter FRAGMENTED", PIO_FRAGMENTED},
	{"counter FRAGMENTS", PIO_FRAGMENTS},
	{"counter SEND_RETRIES", PIO_SEND_RETRIES},
	{"counter DROPPED_BY_RULE", PIO_DROPPED_BY_RULE},
	{"counter NO_ELIGIBLE_COLLECTOR", PIO_NO_ELIGIBLE_COLLECTOR},
	{"counter HEARTBEAT", PIO_HEARTBEAT},
	{"counter SEND_ERRORS", PIO_SEND_ERRORS},
	{"counter RECEIVE_ERRORS", PIO_RECEIVE_ERRORS},
};

static const struct {
	const char *name;
	napi_callback function;
} functions[] = {
	{"create", create},
	{"receive", receive},
	{"send", send_copies},
	{"setCollectors", set_collectors},
	{"startPolling", start_polling},
	{"stopPolling", stop_polling},
	{"openReceiver", open_receiver},
	{"openSender", open_sender},
	{"socketDrops", socket_drops},
	{"memoryCreate", memory_create},
	{"memoryResize", memory_resize},
	{"memoryMap", memory_map},
	{"memoryUnmap", memory_unmap},
	{"dieWithParent", die_with_parent},
	{"restrictPrivileges", restrict_privileges},
	{"handoverListen", handover_listen},
	{"handoverAccept", handover_accept},
	{"handoverConnect", handover_connect},
};

NAPI_MODULE_INIT()
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		napi_value function = NULL;
		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH,
				     functions[i].function, NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
	napi_value values = NULL;
	napi_create_object(env, &values);
	for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++)
		napi_set_named_property(env, values, layout[i].name,
					number(env, (int64_t)layout[i].value));
	napi_set_named_property(env, exports, "layout", values);
	return exports;
}
