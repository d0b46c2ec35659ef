#include "kernel_engine.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bpf.h"
#include "logs.h"
#include "maps.h"
#include "object.h"

static void begin(struct kernel_engine *engine, const struct kernel_options *options)
{
	memset(engine, 0, sizeof(*engine));
	engine->program = -1;
	engine->processors = options->processors;
	engine->consumers = options->consumers;
	engine->tables[0].fd = engine->tables[1].fd = -1;
	for (int i = 0; i < KERNEL_MAPS; i++)
		engine->maps[i] = -1;
	for (uint32_t i = 0; i < KERNEL_CONSUMERS; i++)
		engine->rings[i] = -1;
}

static int are_valid(const struct kernel_options *options)
{
	return options->processors > 0 && options->consumers > 0 &&
	       options->consumers <= KERNEL_CONSUMERS && options->ring_bytes > 0 &&
	       (options->ring_bytes & (options->ring_bytes - 1)) == 0;
}

static int load_program(struct kernel_engine *engine, const uint8_t *object, size_t bytes,
			char *log, size_t log_bytes)
{
	const int *maps = engine->maps;
	const struct object_symbol symbols[] = {
		{"settings", maps[KERNEL_MAP_SETTINGS], 1},
		{"cpus", maps[KERNEL_MAP_CPUS], 0},
		{"holds", maps[KERNEL_MAP_HOLDS], 0},
		{"paths", maps[KERNEL_MAP_PATHS], 0},
		{"addresses", maps[KERNEL_MAP_ADDRESSES], 0},
		{"tables", maps[KERNEL_MAP_TABLES], 0},
		{"states", maps[KERNEL_MAP_STATES], 0},
		{"rings", maps[KERNEL_MAP_RINGS], 0},
	};
	struct object_program program;
	int error =
		object_read(&program, object, bytes, symbols, sizeof(symbols) / sizeof(symbols[0]));
	if (error < 0)
		return error;
	engine->program = bpf_load(&program, log, log_bytes);
	object_free(&program);
	return engine->program < 0 ? engine->program : 0;
}

/* What the program needs besides what who loads it sets. */
static int begin_settings(struct kernel_engine *engine)
{
	logs_write(engine->settings->logs);
	engine->settings->consumers = engine->consumers;
	engine->settings->processors = engine->processors;
	engine->settings->address_changes = 1;
	for (uint32_t i = 0; i < 2 * engine->processors; i++) {
		uint32_t *next = &engine->cpus[i].identification;
		/* Fragments are put together by it (RFC 791): nobody is to know where it begins. */
		if (getrandom(next, sizeof(*next), 0) < 0)
			return -errno;
		engine->cpus[i].is_test = i >= engine->processors;
	}
	return 0;
}

int kernel_load(struct kernel_engine *engine, const uint8_t *object, size_t bytes,
		const struct kernel_options *options, char *log, size_t log_bytes)
{
	begin(engine, options);
	if (log_bytes > 0)
		log[0] = '\0';
	if (!are_valid(options))
		return -EINVAL;
	int error = maps_make(engine, options);
	if (error == 0)
		error = maps_open(engine);
	if (error == 0)
		error = load_program(engine, object, bytes, log, log_bytes);
	if (error == 0)
		error = begin_settings(engine);
	if (error < 0)
		kernel_close(engine);
	return error;
}

void kernel_close(struct kernel_engine *engine)
{
	maps_close(engine);
	if (engine->program >= 0)
		close(engine->program);
	engine->program = -1;
}

int kernel_set_address(struct kernel_engine *engine, const uint8_t address[16], int is_there)
{
	const uint8_t one = 1;
	int map = engine->maps[KERNEL_MAP_ADDRESSES];
	if (is_there)
		return bpf_set(map, address, &one);
	int error = bpf_delete(map, address);
	__atomic_fetch_add(&engine->settings->address_changes, 1, __ATOMIC_RELEASE);
	return error == -ENOENT ? 0 : error;
}

/* Puts one in front of those of its port, or behind the exact ones. */
static void add_listener(struct kernel_settings *settings, uint8_t index)
{
	struct kernel_listener *listener = &settings->listeners[index];
	uint8_t *place = &settings->ports[listener->port];
	if (listener->kind != KERNEL_LISTENER_EXACT) {
		while (*place != 0)
			place = &settings->listeners[*place - 1].next;
	}
	listener->next = *place;
	*place = (uint8_t)(index + 1);
}

int kernel_set_listeners(struct kernel_engine *engine, const struct kernel_listener *listeners,
			 uint32_t count)
{
	if (count > KERNEL_LISTENERS)
		return -EINVAL;
	struct kernel_settings *settings = engine->settings;
	/* Meanwhile all packets go up: the program would find half of them. */
	uint32_t flags = settings->flags;
	__atomic_store_n(&settings->flags, flags & ~KERNEL_ON, __ATOMIC_RELEASE);
	memset(settings->ports, 0, sizeof(settings->ports));
	memcpy(settings->listeners, listeners, count * sizeof(*listeners));
	for (uint32_t i = 0; i < count; i++)
		add_listener(settings, (uint8_t)i);
	__atomic_store_n(&settings->flags, flags, __ATOMIC_RELEASE);
	return 0;
}

/* What tests have counted of handled packets (reason 0), or of those that went up for a reason. */
static uint64_t tested(const struct kernel_engine *engine, uint32_t reason)
{
	uint64_t sum = 0;
	for (uint32_t i = engine->processors; i < 2 * engine->processors; i++) {
		const struct kernel_counters *counters = &engine->cpus[i].counters;
		sum += reason == KERNEL_UP_NONE ? counters->handled : counters->up[reason];
	}
	return sum;
}

int kernel_try(struct kernel_engine *engine, const uint8_t *frame, size_t bytes)
{
	uint64_t before[KERNEL_REASONS];
	for (uint32_t reason = 0; reason < KERNEL_REASONS; reason++)
		before[reason] = tested(engine, reason);
	int error = bpf_run(engine->program, frame, bytes);
	for (uint32_t reason = 0; error == 0 && reason < KERNEL_REASONS; reason++) {
		if (tested(engine, reason) != before[reason])
			return (int)reason;
	}
	return error < 0 ? error : -EINVAL;
}

int kernel_attach(const struct kernel_engine *engine, uint32_t interface_index)
{
	return bpf_link_ingress(engine->program, interface_index);
}
