/* What the readers of an object file share. */
#ifndef KERNEL_OBJECT_FILE_H
#define KERNEL_OBJECT_FILE_H

#include <elf.h>

#include "object.h"

#define OBJECT_PARTS 2 /* sections with instructions */

struct object {
	const uint8_t *file;
	size_t bytes;
	const Elf64_Shdr *sections;
	uint32_t section_count;
	const Elf64_Shdr *names;   /* of sections */
	const Elf64_Shdr *symbols; /* and the section of their names */
	const Elf64_Shdr *types;
	const Elf64_Shdr *function_types;
	uint32_t part_section[OBJECT_PARTS];
	uint32_t part_first[OBJECT_PARTS]; /* instructions before it */
	const struct object_symbol *known;
	size_t known_count;
	struct bpf_insn *instructions;
	uint32_t count;
};

/* So many bytes of the file; NULL when it has not so many there, or where they are not aligned. */
const void *object_bytes(const struct object *object, uint64_t offset, uint64_t bytes,
			 uint32_t alignment);
const void *object_content(const struct object *object, const Elf64_Shdr *section,
			   uint32_t alignment);

/* A string of a section of strings, "" where there is none. Strings need no alignment. */
const char *object_string(const struct object *object, const Elf64_Shdr *section, uint32_t offset);

/* Which part a section of this name is, or -1. */
int object_part(const char *name);

/* Types, and which function has which. 0, -ENOEXEC or -ENOMEM. */
int object_read_types(const struct object *object, struct object_program *program);
int object_read_functions(const struct object *object, struct object_program *program);

#endif
