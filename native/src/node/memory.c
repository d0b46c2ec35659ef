#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "exports.h"
#include "sys.h"
#include "values.h"

#define NAME_BYTES 250 /* memfd_create takes 249 */

/* A mapped file; its ArrayBuffer is wrapped around it. */
struct mapping {
	void *address; /* NULL once unmapped */
	size_t bytes;
};

/* memoryCreate(name, bytes): fd or errno. */
static napi_value memory_create(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	char name[NAME_BYTES];
	string_of(env, arguments[0], name, sizeof(name));
	return number(env, sys_memory_create(name, bytes_of(env, arguments[1])));
}

/* memoryResize(fd, bytes): 0 or errno. */
static napi_value memory_resize(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env,
		      sys_memory_resize(int_of(env, arguments[0]), bytes_of(env, arguments[1])));
}

/* memorySeal(fd, againstWriting): 0 or errno. */
static napi_value memory_seal(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, sys_memory_seal(int_of(env, arguments[0]), int_of(env, arguments[1])));
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
static napi_value memory_map(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
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
static napi_value memory_unmap(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	void *mapping = NULL;
	if (napi_remove_wrap(env, arguments[0], &mapping) != napi_ok)
		return number(env, -EINVAL);
	/* Detached first: no JavaScript can reach the memory after this. */
	napi_detach_arraybuffer(env, arguments[0]);
	unmap(mapping);
	return number(env, 0);
}

const struct exported memory_exports[] = {
	{"memoryCreate", memory_create}, {"memoryResize", memory_resize},
	{"memorySeal", memory_seal},	 {"memoryMap", memory_map},
	{"memoryUnmap", memory_unmap},	 {NULL, NULL},
};
