#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object_file.h"

/* Kinds of relocations (Documentation/bpf/llvm_reloc.rst). */
#define RELOCATE_MAP 1	 /* R_BPF_64_64, of an instruction of two words */
#define RELOCATE_CALL 10 /* R_BPF_64_32 */

/* Alignment of what the file has in words of 64 bits. */
#define WORD_BYTES 8u

static const char *const part_names[OBJECT_PARTS] = {"tc", ".text"};

const void *object_bytes(const struct object *object, uint64_t offset, uint64_t bytes,
			 uint32_t alignment)
{
	if (offset > object->bytes || bytes > object->bytes - offset || offset % alignment != 0)
		return NULL;
	return object->file + offset;
}

const void *object_content(const struct object *object, const Elf64_Shdr *section,
			   uint32_t alignment)
{
	return section->sh_type == SHT_NOBITS
		       ? NULL
		       : object_bytes(object, section->sh_offset, section->sh_size, alignment);
}

const char *object_string(const struct object *object, const Elf64_Shdr *section, uint32_t offset)
{
	if (section->sh_offset > object->bytes ||
	    section->sh_size > object->bytes - section->sh_offset || offset >= section->sh_size)
		return "";
	const char *string = (const char *)object->file + section->sh_offset + offset;
	return memchr(string, 0, section->sh_size - offset) == NULL ? "" : string;
}

static int open_header(struct object *object)
{
	const Elf64_Ehdr *header = object_bytes(object, 0, sizeof(*header), WORD_BYTES);
	if (header == NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_BPF ||
	    header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shstrndx >= header->e_shnum)
		return -ENOEXEC;
	object->section_count = header->e_shnum;
	object->sections = object_bytes(object, header->e_shoff,
					(uint64_t)header->e_shnum * sizeof(Elf64_Shdr), WORD_BYTES);
	if (object->sections == NULL)
		return -ENOEXEC;
	object->names = &object->sections[header->e_shstrndx];
	return 0;
}

int object_part(const char *name)
{
	for (int part = 0; part < OBJECT_PARTS; part++) {
		if (strcmp(name, part_names[part]) == 0)
			return part;
	}
	return -1;
}

static int find_sections(struct object *object)
{
	for (uint32_t i = 0; i < object->section_count; i++) {
		const Elf64_Shdr *section = &object->sections[i];
		const char *name = object_string(object, object->names, section->sh_name);
		if (section->sh_type == SHT_SYMTAB)
			object->symbols = section;
		if (strcmp(name, ".BTF") == 0)
			object->types = section;
		if (strcmp(name, ".BTF.ext") == 0)
			object->function_types = section;
		int part = section->sh_type == SHT_PROGBITS ? object_part(name) : -1;
		if (part >= 0)
			object->part_section[part] = i;
	}
	if (object->part_section[0] == 0 || object->symbols == NULL || object->types == NULL ||
	    object->function_types == NULL || object->symbols->sh_link >= object->section_count ||
	    object_content(object, object->symbols, WORD_BYTES) == NULL)
		return -ENOEXEC;
	return 0;
}

/* Puts the sections one behind the other: a program begins with its first instruction. */
static int join(struct object *object)
{
	uint64_t bytes = 0;
	for (int part = 0; part < OBJECT_PARTS; part++) {
		const Elf64_Shdr *section = &object->sections[object->part_section[part]];
		object->part_first[part] = (uint32_t)(bytes / sizeof(struct bpf_insn));
		if (object->part_section[part] == 0)
			continue;
		if (object_content(object, section, WORD_BYTES) == NULL ||
		    section->sh_size % sizeof(struct bpf_insn) != 0)
			return -ENOEXEC;
		bytes += section->sh_size;
	}
	object->count = (uint32_t)(bytes / sizeof(struct bpf_insn));
	if (object->count == 0)
		return -ENOEXEC;
	object->instructions = malloc(bytes);
	if (object->instructions == NULL)
		return -ENOMEM;
	for (int part = 0; part < OBJECT_PARTS; part++) {
		const Elf64_Shdr *section = &object->sections[object->part_section[part]];
		if (object->part_section[part] != 0)
			memcpy(object->instructions + object->part_first[part],
			       object_content(object, section, WORD_BYTES), section->sh_size);
	}
	return 0;
}

static const Elf64_Sym *symbol_at(const struct object *object, uint64_t index)
{
	if (index >= object->symbols->sh_size / sizeof(Elf64_Sym))
		return NULL;
	return (const Elf64_Sym *)object_content(object, object->symbols, WORD_BYTES) + index;
}

/* An instruction loads a map, or the address of its value. */
static int relocate_map(struct object *object, uint64_t at, const Elf64_Sym *symbol)
{
	const Elf64_Shdr *strings = &object->sections[object->symbols->sh_link];
	const char *name = object_string(object, strings, symbol->st_name);
	struct bpf_insn *load = &object->instructions[at];
	if (at + 1 >= object->count || load->code != (BPF_LD | BPF_IMM | BPF_DW))
		return -ENOEXEC;
	for (size_t i = 0; i < object->known_count; i++) {
		const struct object_symbol *known = &object->known[i];
		if (strcmp(name, known->name) != 0)
			continue;
		load->src_reg = known->is_value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
		/* What was there is how far behind the symbol the place is. */
		load[1].imm = known->is_value ? load->imm : 0;
		load->imm = known->fd;
		return 0;
	}
	return -ENOENT;
}

/* A call of a function of another section: its distance counts instructions. */
static int relocate_call(struct object *object, uint64_t at, const Elf64_Sym *symbol)
{
	struct bpf_insn *call = &object->instructions[at];
	if (call->code != (BPF_JMP | BPF_CALL))
		return -ENOEXEC;
	for (int part = 0; part < OBJECT_PARTS; part++) {
		if (symbol->st_shndx != object->part_section[part] || symbol->st_shndx == 0)
			continue;
		int64_t target = (int64_t)(object->part_first[part] +
					   symbol->st_value / sizeof(struct bpf_insn)) +
				 call->imm + 1;
		if (target < 0 || target >= object->count)
			return -ENOEXEC;
		call->imm = (int32_t)(target - (int64_t)at - 1);
		return 0;
	}
	return -ENOEXEC;
}

static int relocate(struct object *object, int part, const Elf64_Shdr *section)
{
	const Elf64_Rel *entries = object_content(object, section, WORD_BYTES);
	if (entries == NULL)
		return -ENOEXEC;
	int error = 0;
	for (uint64_t i = 0; error == 0 && i < section->sh_size / sizeof(*entries); i++) {
		uint64_t at =
			object->part_first[part] + entries[i].r_offset / sizeof(struct bpf_insn);
		const Elf64_Sym *symbol = symbol_at(object, ELF64_R_SYM(entries[i].r_info));
		uint64_t type = ELF64_R_TYPE(entries[i].r_info);
		if (symbol == NULL || at >= object->count)
			return -ENOEXEC;
		if (type == RELOCATE_MAP)
			error = relocate_map(object, at, symbol);
		else
			error = type == RELOCATE_CALL ? relocate_call(object, at, symbol)
						      : -ENOEXEC;
	}
	return error;
}

static int relocate_all(struct object *object)
{
	int error = 0;
	for (uint32_t i = 0; error == 0 && i < object->section_count; i++) {
		const Elf64_Shdr *section = &object->sections[i];
		for (int part = 0; error == 0 && part < OBJECT_PARTS; part++) {
			if (section->sh_type == SHT_REL && object->part_section[part] != 0 &&
			    section->sh_info == object->part_section[part])
				error = relocate(object, part, section);
		}
	}
	return error;
}

int object_read(struct object_program *program, const uint8_t *file, size_t bytes,
		const struct object_symbol *symbols, size_t count)
{
	struct object object = {
		.file = file, .bytes = bytes, .known = symbols, .known_count = count};
	memset(program, 0, sizeof(*program));
	int error = open_header(&object);
	if (error == 0)
		error = find_sections(&object);
	if (error == 0)
		error = join(&object);
	if (error == 0)
		error = relocate_all(&object);
	program->instructions = object.instructions;
	program->count = object.count;
	if (error == 0)
		error = object_read_types(&object, program);
	if (error == 0)
		error = object_read_functions(&object, program);
	if (error < 0)
		object_free(program);
	return error;
}

void object_free(struct object_program *program)
{
	free(program->instructions);
	free(program->types);
	free(program->functions);
	memset(program, 0, sizeof(*program));
}
