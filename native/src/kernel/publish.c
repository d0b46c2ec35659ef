/* Tables in force. */
#include <errno.h>
#include <string.h>

#include "bpf.h"
#include "kernel_engine.h"
#include "maps.h"

/* Room for a table that grows, so that not each change needs another map. */
#define ROOM_FOR(bytes) ((bytes) + (bytes) / 4)

/* Whether rows begin where the program reads them: as a whole, or in pieces of 16 bytes. */
static int is_aligned(const struct table_header *header)
{
	const uint32_t row = sizeof(struct table_rule) / 4, piece = 4;
	return header->default_rule % row == 0 && header->prefixes % row == 0 &&
	       header->outputs % row == 0 && header->collectors % piece == 0 &&
	       header->leaves % piece == 0;
}

static int is_table(const void *image, size_t bytes)
{
	const struct table_header *header = image;
	return bytes >= sizeof(*header) && header->magic == TABLE_MAGIC &&
	       header->layout == TABLE_LAYOUT && is_aligned(header);
}

#define COMPARED_BYTES 256u

/* Copies what is different: most changes are of a few rules. */
static void copy_changes(uint8_t *memory, const uint8_t *image, size_t bytes)
{
	size_t at = 0;
	for (; at + COMPARED_BYTES <= bytes; at += COMPARED_BYTES) {
		if (memcmp(memory + at, image + at, COMPARED_BYTES) != 0)
			memcpy(memory + at, image + at, COMPARED_BYTES);
	}
	memcpy(memory + at, image + at, bytes - at);
}

/* Room for the image in the table that is not in force. 0, or a negative errno. */
static int make_room(struct kernel_engine *engine, uint32_t next, size_t bytes)
{
	struct kernel_table *table = &engine->tables[next];
	if (bytes <= table->bytes && table->bytes / 4 <= bytes + KERNEL_ELEMENT_BYTES)
		return 0;
	int error = maps_make_table(table, ROOM_FOR(bytes));
	return error < 0 ? error : bpf_set(engine->maps[KERNEL_MAP_TABLES], &next, &table->fd);
}

int kernel_stage(struct kernel_engine *engine, const void *image, size_t bytes, uint32_t states)
{
	engine->is_staged = 0;
	if (!is_table(image, bytes))
		return -EINVAL;
	uint32_t next = 1 - engine->in_force;
	int error = maps_make_states(engine, states);
	if (error == 0)
		error = make_room(engine, next, bytes);
	if (error < 0)
		return error;
	copy_changes(engine->tables[next].memory, image, bytes);
	engine->is_staged = 1;
	return 0;
}

int kernel_put_in_force(struct kernel_engine *engine)
{
	if (!engine->is_staged)
		return -EINVAL;
	uint32_t next = 1 - engine->in_force;
	engine->is_staged = 0;
	__atomic_store_n(&engine->settings->table, next, __ATOMIC_RELEASE);
	engine->in_force = next;
	/* It is there already, but the answer waits for processors: none runs the program with the
	 * one before then (synchronize_rcu, kernel/bpf/syscall.c). */
	return bpf_set(engine->maps[KERNEL_MAP_TABLES], &next, &engine->tables[next].fd);
}
