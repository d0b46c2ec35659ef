/*
 * Programs in object files (elf(5), of EM_BPF) as clang makes them: the section "tc" is the
 * program,
 * ".text" has functions that it calls. Maps are symbols that are not defined there.
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

/* What a symbol stands for. */
struct object_symbol {
	const char *name;
	int fd;
	int is_value; /* the first value of the map, not the map */
};

/* What the kernel gets of a file. */
struct object_program {
	struct bpf_insn *instructions;
	uint32_t count;
	/* Types (BTF), by which the verifier knows what functions get. */
	uint8_t *types;
	uint32_t type_bytes;
	struct bpf_func_info *functions;
	uint32_t function_count;
};

/*
 * Reads a file, and fills in what symbols stand for. 0; -ENOEXEC for a file that is none of these,
 * -ENOENT for a symbol that is not among symbols[0..count), -ENOMEM.
 */
int object_read(struct object_program *program, const uint8_t *file, size_t bytes,
		const struct object_symbol *symbols, size_t count);
void object_free(struct object_program *program);

#endif
