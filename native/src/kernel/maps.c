#include "maps.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf.h"

#define ARRAY_FLAGS BPF_F_MMAPABLE
#define TABLE_FLAGS (BPF_F_MMAPABLE | BPF_F_INNER_MAP)

static struct bpf_shape array_shape(const char *name, size_t value_bytes, uint32_t entries,
				    uint32_t flags)
{
	return (struct bpf_shape){
		name, BPF_MAP_TYPE_ARRAY, sizeof(uint32_t), (uint32_t)value_bytes, entries, flags};
}

static struct bpf_shape outer_shape(const char *name, uint32_t entries)
{
	return (struct bpf_shape){
		name, BPF_MAP_TYPE_ARRAY_OF_MAPS, sizeof(uint32_t), sizeof(uint32_t), entries, 0};
}

static struct bpf_shape chunk_shape(const struct kernel_engine *engine)
{
	return array_shape("floxy_chunk", sizeof(struct table_state),
			   engine->processors * KERNEL_CHUNK, 0);
}

static int make(struct kernel_engine *engine, enum kernel_map map, const struct bpf_shape *shape)
{
	int fd = bpf_make_map(shape, 0);
	engine->maps[map] = fd;
	return fd < 0 ? fd : 0;
}

/* A map of maps that are like the one of a shape. */
static int make_outer(struct kernel_engine *engine, enum kernel_map map, const char *name,
		      uint32_t entries, const struct bpf_shape *inner)
{
	int like = bpf_make_map(inner, 0);
	if (like < 0)
		return like;
	struct bpf_shape shape = outer_shape(name, entries);
	int fd = bpf_make_map(&shape, like);
	close(like);
	engine->maps[map] = fd;
	return fd < 0 ? fd : 0;
}

static int make_rings(struct kernel_engine *engine, uint32_t ring_bytes)
{
	struct bpf_shape shape = {"floxy_ring", BPF_MAP_TYPE_RINGBUF, 0, 0, ring_bytes, 0};
	int error = make_outer(engine, KERNEL_MAP_RINGS, "floxy_rings", engine->consumers, &shape);
	for (uint32_t i = 0; error == 0 && i < engine->consumers; i++) {
		int fd = bpf_make_map(&shape, 0);
		engine->rings[i] = fd;
		error = fd < 0 ? fd : bpf_set(engine->maps[KERNEL_MAP_RINGS], &i, &fd);
	}
	return error;
}

static int make_arrays(struct kernel_engine *engine)
{
	struct bpf_shape settings =
		array_shape("floxy_settings", sizeof(struct kernel_settings), 1, ARRAY_FLAGS);
	struct bpf_shape cpus = array_shape("floxy_cpus", sizeof(struct kernel_cpu),
					    2 * engine->processors, ARRAY_FLAGS);
	struct bpf_shape holds =
		array_shape("floxy_holds", sizeof(struct kernel_hold), KERNEL_HOLDS, 0);
	struct bpf_shape paths =
		array_shape("floxy_paths", sizeof(struct path), PATHS_MAX, ARRAY_FLAGS);
	struct bpf_shape addresses = {
		"floxy_addresses", BPF_MAP_TYPE_HASH, 16, 1, KERNEL_ADDRESSES, 0};
	int error = make(engine, KERNEL_MAP_SETTINGS, &settings);
	if (error == 0)
		error = make(engine, KERNEL_MAP_CPUS, &cpus);
	if (error == 0)
		error = make(engine, KERNEL_MAP_HOLDS, &holds);
	if (error == 0)
		error = make(engine, KERNEL_MAP_PATHS, &paths);
	return error < 0 ? error : make(engine, KERNEL_MAP_ADDRESSES, &addresses);
}

int maps_make(struct kernel_engine *engine, const struct kernel_options *options)
{
	int error = make_arrays(engine);
	struct bpf_shape table = array_shape("floxy_table", KERNEL_ELEMENT_BYTES, 1, TABLE_FLAGS);
	struct bpf_shape chunk = chunk_shape(engine);
	if (error == 0)
		error = make_outer(engine, KERNEL_MAP_TABLES, "floxy_tables", KERNEL_TABLES,
				   &table);
	if (error == 0)
		error = make_outer(engine, KERNEL_MAP_STATES, "floxy_states", KERNEL_CHUNKS,
				   &chunk);
	return error < 0 ? error : make_rings(engine, options->ring_bytes);
}

/* The memory of an array; NULL when it has none. */
static void *map_memory(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, bytes);
}

int maps_open(struct kernel_engine *engine)
{
	engine->settings = map_memory(engine->maps[KERNEL_MAP_SETTINGS], sizeof(*engine->settings));
	engine->cpus = map_memory(engine->maps[KERNEL_MAP_CPUS],
				  2 * engine->processors * sizeof(*engine->cpus));
	engine->paths = map_memory(engine->maps[KERNEL_MAP_PATHS], PATHS_MAX * sizeof(struct path));
	if (engine->settings == NULL || engine->cpus == NULL || engine->paths == NULL)
		return -errno;
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void maps_close(struct kernel_engine *engine)
{
	unmap(engine->settings, sizeof(*engine->settings));
	unmap(engine->cpus, 2 * engine->processors * sizeof(*engine->cpus));
	unmap(engine->paths, PATHS_MAX * sizeof(struct path));
	engine->settings = NULL;
	engine->cpus = NULL;
	engine->paths = NULL;
	for (int i = 0; i < KERNEL_MAPS; i++)
		close_one(&engine->maps[i]);
	for (uint32_t i = 0; i < KERNEL_CONSUMERS; i++)
		close_one(&engine->rings[i]);
	maps_close_table(&engine->tables[0]);
	maps_close_table(&engine->tables[1]);
}

/* Makes some chunks, together: to set an entry waits for processors. Returns how many. */
static int make_chunks(struct kernel_engine *engine, uint32_t count)
{
	struct bpf_shape shape = chunk_shape(engine);
	int chunks[BPF_SET_MAPS_MAX];
	uint32_t made = 0;
	int error = 0;
	while (error == 0 && made < count && made < BPF_SET_MAPS_MAX) {
		int fd = bpf_make_map(&shape, 0);
		if (fd < 0)
			error = fd;
		else
			chunks[made++] = fd;
	}
	if (error == 0)
		error = bpf_set_maps(engine->maps[KERNEL_MAP_STATES], engine->chunks, chunks, made);
	for (uint32_t i = 0; i < made; i++)
		close(chunks[i]);
	return error < 0 ? error : (int)made;
}

int maps_make_states(struct kernel_engine *engine, uint32_t count)
{
	uint32_t needed = count / KERNEL_CHUNK + (count % KERNEL_CHUNK != 0);
	if (needed > KERNEL_CHUNKS)
		needed = KERNEL_CHUNKS; /* the others' packets go up */
	while (engine->chunks < needed) {
		int made = make_chunks(engine, needed - engine->chunks);
		if (made < 0)
			return made;
		engine->chunks += (uint32_t)made;
	}
	return 0;
}

int maps_make_table(struct kernel_table *table, size_t bytes)
{
	uint32_t elements = (uint32_t)((bytes + KERNEL_ELEMENT_BYTES - 1) / KERNEL_ELEMENT_BYTES);
	struct bpf_shape shape =
		array_shape("floxy_table", KERNEL_ELEMENT_BYTES, elements, TABLE_FLAGS);
	maps_close_table(table);
	int fd = bpf_make_map(&shape, 0);
	if (fd < 0)
		return fd;
	table->fd = fd;
	table->bytes = (size_t)elements * KERNEL_ELEMENT_BYTES;
	table->memory = map_memory(fd, table->bytes);
	if (table->memory != NULL)
		return 0;
	int error = -errno;
	maps_close_table(table);
	return error;
}

void maps_close_table(struct kernel_table *table)
{
	unmap(table->memory, table->bytes);
	close_one(&table->fd);
	table->memory = NULL;
	table->bytes = 0;
}
