#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exports.h"
#include "ring.h"
#include "values.h"

/* What a RingReader or RingWriter holds on to. */
struct handle {
	union {
		struct ring_reader reader;
		struct ring_writer writer;
	} ring;
	napi_ref memory, states, slots;
};

static struct handle *handle_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_value_external(env, value, &data);
	return data;
}

static void free_handle(napi_env env, void *data, void *hint)
{
	(void)hint;
	struct handle *handle = data;
	let_go(env, &handle->memory);
	let_go(env, &handle->states);
	let_go(env, &handle->slots);
	free(handle);
}

static napi_value wrap(napi_env env, struct handle *handle)
{
	napi_value result = NULL;
	if (napi_create_external(env, handle, free_handle, NULL, &result) != napi_ok)
		free_handle(env, handle, NULL);
	return result;
}

static void *memory_of(napi_env env, napi_value value, size_t *bytes)
{
	void *data = NULL;
	*bytes = 0;
	napi_get_arraybuffer_info(env, value, &data, bytes);
	return data;
}

static struct ring_reader_state *state_of(napi_env env, napi_value memory, napi_value offset)
{
	uint8_t *states = buffer_of(env, memory);
	return (struct ring_reader_state *)(void *)(states + bytes_of(env, offset));
}

/* ringInit(memory, id): 0 or errno. */
static napi_value init(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t memory_bytes;
	void *memory = memory_of(env, arguments[0], &memory_bytes);
	return number(env, ring_init(memory, memory_bytes, bytes_of(env, arguments[1])));
}

/* ringBytes(memory): the bytes of its records, 0 when it is no ring. */
static napi_value bytes(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t memory_bytes;
	void *memory = memory_of(env, arguments[0], &memory_bytes);
	return number(env, (int64_t)ring_bytes(memory, memory_bytes));
}

/* ringSequence(memory): how many records were published. */
static napi_value sequence(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t memory_bytes;
	void *memory = memory_of(env, arguments[0], &memory_bytes);
	return number(env, (int64_t)ring_sequence(memory, memory_bytes));
}

/* ringSlot(octets: Uint8Array): slot of an address. */
static napi_value slot(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, ring_slot(typed_array_of(env, arguments[0], NULL)));
}

/* ringWriterCreate(memory): handle or errno. */
static napi_value create_writer(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	size_t memory_bytes;
	void *memory = memory_of(env, arguments[0], &memory_bytes);
	int error = ring_writer_open(&handle->ring.writer, memory, memory_bytes);
	if (error < 0) {
		free(handle);
		return number(env, error);
	}
	handle->memory = keep(env, arguments[0]);
	return wrap(env, handle);
}

/*
 * ringAppend(handle, source: Uint8Array, sourcePort, listenPort, pipelines, flags, receivedMs,
 *            payload: Uint8Array)
 */
static napi_value append(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	double received_ms = 0;
	napi_get_value_double(env, arguments[6], &received_ms);
	size_t length;
	const uint8_t *payload = typed_array_of(env, arguments[7], &length);
	struct ring_record record = {
		.received_us = (uint64_t)(received_ms * 1000 + 0.5),
		.pipelines = uint_of(env, arguments[4]),
		.length = (uint16_t)length,
		.flags = (uint16_t)uint_of(env, arguments[5]),
		.source_port = (uint16_t)uint_of(env, arguments[2]),
		.listen_port = (uint16_t)uint_of(env, arguments[3]),
	};
	memcpy(record.source, typed_array_of(env, arguments[1], NULL), sizeof(record.source));
	ring_append(&handle_of(env, arguments[0])->ring.writer, &record, payload);
	return NULL;
}

/* ringPublish(handle) */
static napi_value publish(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	ring_publish(&handle_of(env, arguments[0])->ring.writer);
	return NULL;
}

/*
 * ringReaderCreate(memory, states, stateOffset, pipeline, shard, shardOfSlot, owner, pid): handle
 * or errno. Memory of slots is an ArrayBuffer of RING_SLOTS bytes.
 */
static napi_value create_reader(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct ring_reader_options options = {
		.pipeline = uint_of(env, arguments[3]),
		.shard = uint_of(env, arguments[4]),
		.shard_of_slot = buffer_of(env, arguments[5]),
		.owner = bytes_of(env, arguments[6]),
		.pid = uint_of(env, arguments[7]),
	};
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return number(env, -ENOMEM);
	size_t memory_bytes;
	const void *memory = memory_of(env, arguments[0], &memory_bytes);
	int error = ring_reader_open(&handle->ring.reader, memory, memory_bytes,
				     state_of(env, arguments[1], arguments[2]), &options);
	if (error < 0) {
		free(handle);
		return number(env, error);
	}
	handle->memory = keep(env, arguments[0]);
	handle->states = keep(env, arguments[1]);
	handle->slots = keep(env, arguments[5]);
	return wrap(env, handle);
}

/*
 * ringTake(handle, size, bytes, offsets, lengths, sources, ports, listenPorts, receivedMs, flags):
 * twice the number of packets, and 1 when there are more. Flags may be undefined.
 */
static napi_value take(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t bytes_size;
	struct ring_reader *reader = &handle_of(env, arguments[0])->ring.reader;
	struct ring_batch batch = {
		.size = uint_of(env, arguments[1]),
		.bytes = typed_array_of(env, arguments[2], &bytes_size),
		.offsets = typed_array_of(env, arguments[3], NULL),
		.lengths = typed_array_of(env, arguments[4], NULL),
		.sources = typed_array_of(env, arguments[5], NULL),
		.ports = typed_array_of(env, arguments[6], NULL),
		.listen_ports = typed_array_of(env, arguments[7], NULL),
		.received_ms = typed_array_of(env, arguments[8], NULL),
		.flags = typed_array_of(env, arguments[9], NULL),
	};
	batch.bytes_size = bytes_size < UINT32_MAX ? (uint32_t)bytes_size : UINT32_MAX;
	uint32_t count = ring_take(reader, &batch);
	napi_value result = NULL;
	napi_create_uint32(env, count * 2 + (reader->has_more != 0), &result);
	return result;
}

/* ringDone(handle) */
static napi_value done(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	ring_done(&handle_of(env, arguments[0])->ring.reader);
	return NULL;
}

/* How long ago a reader was last there, in milliseconds. */
static uint64_t silence_ms(const struct ring_reader_state *state)
{
	uint64_t beat = __atomic_load_n(&state->heartbeat_ms, __ATOMIC_RELAXED);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return now_ms > beat ? now_ms - beat : 0;
}

/*
 * ringAccount(states, stateOffset, out: Float64Array): 0 or errno. out gets the words of the
 * account, then owner, stop_at, pid, generation and the milliseconds since it was last there.
 */
static napi_value read_account(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	const struct ring_reader_state *state = state_of(env, arguments[0], arguments[1]);
	struct ring_account account;
	int error = ring_read_account(state, &account);
	if (error < 0)
		return number(env, error);
	uint64_t words[sizeof(account) / 8];
	memcpy(words, &account, sizeof(account));
	double *out = typed_array_of(env, arguments[2], NULL);
	for (size_t i = 0; i < sizeof(account) / 8; i++)
		*out++ = (double)words[i];
	*out++ = (double)__atomic_load_n(&state->owner, __ATOMIC_RELAXED);
	*out++ = (double)__atomic_load_n(&state->stop_at, __ATOMIC_RELAXED);
	*out++ = (double)__atomic_load_n(&state->pid, __ATOMIC_RELAXED);
	*out++ = (double)__atomic_load_n(&state->generation, __ATOMIC_RELAXED);
	*out = (double)silence_ms(state);
	return number(env, 0);
}

/* ringStopAt(states, stateOffset, sequence): a sequence of 0 takes the limit away. */
static napi_value stop_at(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct ring_reader_state *state = state_of(env, arguments[0], arguments[1]);
	__atomic_store_n(&state->stop_at, bytes_of(env, arguments[2]), __ATOMIC_RELAXED);
	return NULL;
}

/* ringBegin(memory, states, stateOffset, pipeline, owner): 0 or errno. */
static napi_value begin(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	size_t memory_bytes;
	const void *memory = memory_of(env, arguments[0], &memory_bytes);
	return number(env,
		      ring_begin(memory, memory_bytes, state_of(env, arguments[1], arguments[2]),
				 uint_of(env, arguments[3]), bytes_of(env, arguments[4])));
}

/* ringBeginAt(states, stateOffset, stoppedOffset, owner) */
static napi_value begin_at(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	ring_begin_at(state_of(env, arguments[0], arguments[1]),
		      state_of(env, arguments[0], arguments[2]), bytes_of(env, arguments[3]));
	return NULL;
}

const struct exported ring_exports[] = {
	{"ringInit", init},
	{"ringBytes", bytes},
	{"ringSequence", sequence},
	{"ringSlot", slot},
	{"ringWriterCreate", create_writer},
	{"ringAppend", append},
	{"ringPublish", publish},
	{"ringReaderCreate", create_reader},
	{"ringTake", take},
	{"ringDone", done},
	{"ringAccount", read_account},
	{"ringStopAt", stop_at},
	{"ringBegin", begin},
	{"ringBeginAt", begin_at},
	{NULL, NULL},
};
