#include "bpf.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* uapi/linux/bpf.h of Linux 6.6. */
#define TCX_INGRESS 46

/* Not of the GPL: only helpers that are for all programs are there. */
static const char license[] = "Proprietary";

static int call(enum bpf_cmd command, union bpf_attr *attributes)
{
	long result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));
	return result < 0 ? -errno : (int)result;
}

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

int bpf_make_map(const struct bpf_shape *shape, int inner)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = shape->type;
	attributes.key_size = shape->key_bytes;
	attributes.value_size = shape->value_bytes;
	attributes.max_entries = shape->entries;
	attributes.map_flags = shape->flags;
	attributes.inner_map_fd = (uint32_t)inner;
	strncpy(attributes.map_name, shape->name, sizeof(attributes.map_name) - 1);
	return call(BPF_MAP_CREATE, &attributes);
}

static int element(enum bpf_cmd command, int map, const void *key, const void *value)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.map_fd = (uint32_t)map;
	attributes.key = address_of(key);
	attributes.value = address_of(value);
	return call(command, &attributes);
}

int bpf_set(int map, const void *key, const void *value)
{
	return element(BPF_MAP_UPDATE_ELEM, map, key, value);
}

int bpf_set_maps(int map, uint32_t key, const int *maps, uint32_t count)
{
	uint32_t keys[BPF_SET_MAPS_MAX];
	union bpf_attr attributes;
	if (count > BPF_SET_MAPS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		keys[i] = key + i;
	memset(&attributes, 0, sizeof(attributes));
	attributes.batch.map_fd = (uint32_t)map;
	attributes.batch.keys = address_of(keys);
	attributes.batch.values = address_of(maps);
	attributes.batch.count = count;
	return call(BPF_MAP_UPDATE_BATCH, &attributes);
}

int bpf_delete(int map, const void *key)
{
	return element(BPF_MAP_DELETE_ELEM, map, key, NULL);
}

static int load_types(const struct object_program *program)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.btf = address_of(program->types);
	attributes.btf_size = program->type_bytes;
	return call(BPF_BTF_LOAD, &attributes);
}

static int load(const struct object_program *program, int types, char *log, size_t log_bytes)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attributes.insns = address_of(program->instructions);
	attributes.insn_cnt = program->count;
	attributes.license = address_of(license);
	attributes.prog_btf_fd = (uint32_t)types;
	attributes.func_info = address_of(program->functions);
	attributes.func_info_cnt = program->function_count;
	attributes.func_info_rec_size = sizeof(*program->functions);
	strcpy(attributes.prog_name, "floxy");
	if (log_bytes > 0) {
		attributes.log_level = 1;
		attributes.log_buf = address_of(log);
		attributes.log_size = (uint32_t)log_bytes;
	}
	return call(BPF_PROG_LOAD, &attributes);
}

int bpf_load(const struct object_program *program, char *log, size_t log_bytes)
{
	int types = load_types(program);
	if (types < 0)
		return types;
	int loaded = load(program, types, NULL, 0);
	/* Once more, for its reasons: to write them takes longer than to look. */
	if (loaded < 0 && loaded != -EPERM && log_bytes > 0)
		load(program, types, log, log_bytes);
	close(types);
	return loaded;
}

int bpf_run(int program, const void *packet, size_t bytes)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = (uint32_t)program;
	attributes.test.data_in = address_of(packet);
	attributes.test.data_size_in = (uint32_t)bytes;
	return call(BPF_PROG_TEST_RUN, &attributes);
}

int bpf_link_ingress(int program, uint32_t interface_index)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = (uint32_t)program;
	attributes.link_create.target_ifindex = interface_index;
	attributes.link_create.attach_type = TCX_INGRESS;
	int link = call(BPF_LINK_CREATE, &attributes);
	/* A kernel that does not know the type says so. */
	return link == -EINVAL ? -EOPNOTSUPP : link;
}
