/* The engine in the kernel (include/kernel_engine.h), for control and for forwarders. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exports.h"
#include "kernel_engine.h"
#include "values.h"

static struct kernel_engine *engine_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

static void free_engine(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	kernel_close(data);
	free(data);
}

/*
 * kernelLoad(object: Uint8Array, processors, consumers, ringBytes, log: Uint8Array): handle or
 * errno. What the verifier says is in log, with a zero behind it.
 */
static napi_value load(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	size_t log_bytes = 0;
	const uint8_t *object = typed_array_of(env, arguments[0], &bytes);
	const struct kernel_options options = {
		.processors = uint_of(env, arguments[1]),
		.consumers = uint_of(env, arguments[2]),
		.ring_bytes = uint_of(env, arguments[3]),
	};
	char *log = typed_array_of(env, arguments[4], &log_bytes);
	struct kernel_engine *engine = calloc(1, sizeof(*engine));
	if (engine == NULL)
		return number(env, -ENOMEM);
	int error = kernel_load(engine, object, bytes, &options, log, log_bytes);
	if (error < 0) {
		free(engine);
		return number(env, error);
	}
	napi_value result = NULL;
	if (napi_create_external(env, engine, free_engine, NULL, &result) != napi_ok)
		free_engine(env, engine, NULL);
	return result;
}

/* kernelDescriptors(handle, fds: Int32Array): 0; those of the settings, and of the rings. */
static napi_value descriptors(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	const struct kernel_engine *engine = engine_of(env, arguments[0]);
	size_t count = 0;
	int *fds = typed_array_of(env, arguments[1], &count);
	if (count != engine->consumers + 1)
		return number(env, -EINVAL);
	fds[0] = engine->maps[KERNEL_MAP_SETTINGS];
	memcpy(fds + 1, engine->rings, engine->consumers * sizeof(*fds));
	return number(env, 0);
}

static napi_value memory(napi_env env, void *address, size_t bytes)
{
	napi_value buffer = NULL;
	if (napi_create_external_arraybuffer(env, address, bytes, NULL, NULL, &buffer) != napi_ok)
		return number(env, -ENOMEM);
	return buffer;
}

/* kernelSettings(handle), kernelProcessors(handle), kernelPaths(handle): ArrayBuffer, as long as
 * the handle lives. */
static napi_value settings(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	const struct kernel_engine *engine = engine_of(env, arguments[0]);
	return memory(env, engine->settings, sizeof(*engine->settings));
}

static napi_value processors(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	const struct kernel_engine *engine = engine_of(env, arguments[0]);
	return memory(env, engine->cpus, engine->processors * sizeof(*engine->cpus));
}

static napi_value paths(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	const struct kernel_engine *engine = engine_of(env, arguments[0]);
	return memory(env, engine->paths, PATHS_MAX * sizeof(struct path));
}

/* A table on its way into the kernel: to wait for all processors takes milliseconds. */
struct publication {
	napi_async_work work;
	napi_ref handle, image, done;
	struct kernel_engine *engine;
	const void *memory; /* NULL: the one that was staged is put in force */
	size_t bytes;
	uint32_t states;
	int error;
};

static void publish_table(napi_env env, void *data)
{
	(void)env;
	struct publication *publication = data;
	publication->error = publication->memory == NULL
				     ? kernel_put_in_force(publication->engine)
				     : kernel_stage(publication->engine, publication->memory,
						    publication->bytes, publication->states);
}

static void tell_published(napi_env env, napi_status status, void *data)
{
	(void)status;
	struct publication *publication = data;
	napi_value done = NULL;
	napi_value global = NULL;
	napi_value error = number(env, publication->error);
	napi_get_reference_value(env, publication->done, &done);
	napi_get_global(env, &global);
	let_go(env, &publication->handle);
	let_go(env, &publication->image);
	let_go(env, &publication->done);
	napi_delete_async_work(env, publication->work);
	free(publication);
	napi_call_function(env, global, done, 1, &error, NULL);
}

static struct publication *publication_for(napi_env env, napi_value handle)
{
	struct publication *publication = calloc(1, sizeof(*publication));
	if (publication != NULL)
		publication->engine = engine_of(env, handle);
	return publication;
}

/* Begins the work, and keeps what it needs until done is told; image: NULL for none. 0 or a
 * negative errno. */
static int begin(napi_env env, struct publication *publication, napi_value handle, napi_value image,
		 napi_value done)
{
	napi_value name = NULL;
	napi_create_string_utf8(env, "floxy publish", NAPI_AUTO_LENGTH, &name);
	if (napi_create_async_work(env, NULL, name, publish_table, tell_published, publication,
				   &publication->work) != napi_ok) {
		free(publication);
		return -ENOMEM;
	}
	publication->handle = keep(env, handle);
	if (image != NULL)
		publication->image = keep(env, image);
	publication->done = keep(env, done);
	napi_queue_async_work(env, publication->work);
	return 0;
}

/* kernelStage(handle, image: ArrayBuffer, bytes, states, done: (error) => void): 0 or errno. One
 * at a time. */
static napi_value stage(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct publication *publication = publication_for(env, arguments[0]);
	if (publication == NULL)
		return number(env, -ENOMEM);
	publication->memory = buffer_of(env, arguments[1]);
	publication->bytes = bytes_of(env, arguments[2]);
	publication->states = uint_of(env, arguments[3]);
	return number(env, begin(env, publication, arguments[0], arguments[1], arguments[4]));
}

/* kernelPutInForce(handle, done: (error) => void): 0 or errno. */
static napi_value put_in_force(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct publication *publication = publication_for(env, arguments[0]);
	if (publication == NULL)
		return number(env, -ENOMEM);
	return number(env, begin(env, publication, arguments[0], NULL, arguments[1]));
}

/* kernelSetAddress(handle, address: Uint8Array(16), isThere): 0 or errno. */
static napi_value set_address(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, kernel_set_address(engine_of(env, arguments[0]),
					      typed_array_of(env, arguments[1], NULL),
					      int_of(env, arguments[2])));
}

/* kernelSetListeners(handle, structs kernel_listener: Uint8Array): 0 or errno. */
static napi_value set_listeners(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const struct kernel_listener *listeners = typed_array_of(env, arguments[1], &bytes);
	return number(env, kernel_set_listeners(engine_of(env, arguments[0]), listeners,
						(uint32_t)(bytes / sizeof(*listeners))));
}

/* kernelTry(handle, frame: Uint8Array): 0, reason or errno. */
static napi_value try_packet(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes = 0;
	const uint8_t *frame = typed_array_of(env, arguments[1], &bytes);
	return number(env, kernel_try(engine_of(env, arguments[0]), frame, bytes));
}

/* kernelAttach(handle, interface): link or errno. */
static napi_value attach(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, kernel_attach(engine_of(env, arguments[0]), uint_of(env, arguments[1])));
}

/* kernelAttachFilter(handle, interface), kernelDetachFilter(interface): 0 or errno. */
static napi_value attach_filter(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, kernel_attach_filter(engine_of(env, arguments[0]),
						uint_of(env, arguments[1])));
}

static napi_value detach_filter(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, kernel_detach_filter(uint_of(env, arguments[0])));
}

/* What a consumer holds on to: references keep alive what it counts in. */
struct consumer {
	kernel_consumer_t *consumer;
	napi_ref sender, counters;
};

static void free_consumer(napi_env env, void *data, void *hint)
{
	(void)hint;
	struct consumer *consumer = data;
	kernel_consumer_free(consumer->consumer);
	let_go(env, &consumer->sender);
	let_go(env, &consumer->counters);
	free(consumer);
}

/*
 * consumerCreate(sender, ring, ringBytes, counters: ArrayBuffer, journalByteOffset,
 * leftOutByteOffset, leftOutCount, listenerRows: Uint8Array): handle or errno.
 */
static napi_value consumer_create(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint8_t *counters = buffer_of(env, arguments[3]);
	struct kernel_consumer_options options = {
		.ring = int_of(env, arguments[1]),
		.ring_bytes = uint_of(env, arguments[2]),
		.journal = (void *)(counters + bytes_of(env, arguments[4])),
		.sender = sender_of(env, arguments[0]),
		.left_out = (void *)(counters + bytes_of(env, arguments[5])),
		.left_out_count = uint_of(env, arguments[6]),
	};
	size_t rows = 0;
	const uint8_t *listener_rows = typed_array_of(env, arguments[7], &rows);
	memcpy(options.listener_rows, listener_rows,
	       rows < KERNEL_LISTENERS ? rows : KERNEL_LISTENERS);
	struct consumer *consumer = calloc(1, sizeof(*consumer));
	if (consumer == NULL)
		return number(env, -ENOMEM);
	int error = kernel_consumer_new(&consumer->consumer, &options);
	if (error < 0) {
		free(consumer);
		return number(env, error);
	}
	consumer->sender = keep(env, arguments[0]);
	consumer->counters = keep(env, arguments[3]);
	napi_value result = NULL;
	if (napi_create_external(env, consumer, free_consumer, NULL, &result) != napi_ok)
		free_consumer(env, consumer, NULL);
	return result;
}

/* consumeAll(handle): 1; 0 when a record was still being written. */
static napi_value consume_all(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	void *data = NULL;
	napi_get_value_external(env, arguments[0], &data);
	struct consumer *consumer = data;
	return number(env, kernel_consume_all(consumer->consumer));
}

const struct exported kernel_exports[] = {
	{"kernelLoad", load},
	{"kernelDescriptors", descriptors},
	{"kernelSettings", settings},
	{"kernelProcessors", processors},
	{"kernelPaths", paths},
	{"kernelStage", stage},
	{"kernelPutInForce", put_in_force},
	{"kernelSetAddress", set_address},
	{"kernelSetListeners", set_listeners},
	{"kernelTry", try_packet},
	{"kernelAttach", attach},
	{"kernelAttachFilter", attach_filter},
	{"kernelDetachFilter", detach_filter},
	{"consumerCreate", consumer_create},
	{"consumeAll", consume_all},
	{NULL, NULL},
};
