/* bpf(2), as far as it is needed. Descriptors are closed at exec. */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "object.h"

/* One element of struct bpf_attr for a new map. */
struct bpf_shape {
	const char *name;
	uint32_t type;
	uint32_t key_bytes;
	uint32_t value_bytes;
	uint32_t entries;
	uint32_t flags;
};

/* A descriptor, or a negative errno. inner: a map like those that are to be in it, else 0. */
int bpf_make_map(const struct bpf_shape *shape, int inner);

/*
 * 0, or a negative errno. A value of a map of maps is a descriptor; to set one waits for processors
 * (synchronize_rcu), some 20 ms.
 */
int bpf_set(int map, const void *key, const void *value);
#define BPF_SET_MAPS_MAX 64u
/* Of maps of maps: the entries from key on, waiting once. Some may be set when it fails. */
int bpf_set_maps(int map, uint32_t key, const int *maps, uint32_t count);
int bpf_delete(int map, const void *key);

/*
 * Loads a program for packets (BPF_PROG_TYPE_SCHED_CLS) and its types; a descriptor, or a negative
 * errno. Only of one that is refused the verifier's log is written.
 */
int bpf_load(const struct object_program *program, char *log, size_t log_bytes);

/* A program for packets sees this one, as if it had come by loopback. 0, or a negative errno. */
int bpf_run(int program, const void *packet, size_t bytes);

/* A link, or a negative errno: -EOPNOTSUPP before Linux 6.6. */
int bpf_link_ingress(int program, uint32_t interface_index);

#endif
