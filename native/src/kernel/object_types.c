/* Types of programs: Documentation/bpf/btf.rst. */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "object_file.h"

/* What a section ".BTF.ext" begins with. */
struct extension_header {
	uint16_t magic;
	uint8_t version;
	uint8_t flags;
	uint32_t header_bytes;
	uint32_t functions_at; /* behind the header, as the next ones */
	uint32_t functions_bytes;
	uint32_t lines_at;
	uint32_t lines_bytes;
};

/* How many bytes follow a type of a kind: always, and for each of its members. -1: unknown. */
static int bytes_behind(uint32_t kind, uint32_t members)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int)(members * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (int)(members * sizeof(struct btf_enum));
	case BTF_KIND_FUNC_PROTO:
		return (int)(members * sizeof(struct btf_param));
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
		return 0;
	default:
		return -1;
	}
}

/* The kernel knows no variables that are not in the program: maps are numbers to it. */
static void replace_variable(struct btf_type *type)
{
	const uint32_t eight_bits = 8;
	type->info = BTF_KIND_INT << 24;
	type->size = 1;
	memcpy(type + 1, &eight_bits, sizeof(eight_bits));
}

static int replace_variables(uint8_t *types, size_t bytes)
{
	const struct btf_header *header = (const struct btf_header *)(void *)types;
	if (bytes < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len % 4 != 0 ||
	    header->hdr_len > bytes || header->type_off > bytes - header->hdr_len ||
	    header->type_len > bytes - header->hdr_len - header->type_off ||
	    header->type_off % 4 != 0)
		return -ENOEXEC;
	uint8_t *at = types + header->hdr_len + header->type_off;
	const uint8_t *end = at + header->type_len;
	while ((size_t)(end - at) >= sizeof(struct btf_type)) {
		struct btf_type *type = (struct btf_type *)(void *)at;
		int behind = bytes_behind(BTF_INFO_KIND(type->info), BTF_INFO_VLEN(type->info));
		at += sizeof(*type);
		if (behind < 0 || behind > end - at)
			return -ENOEXEC;
		if (BTF_INFO_KIND(type->info) == BTF_KIND_VAR)
			replace_variable(type);
		at += behind;
	}
	return at == end ? 0 : -ENOEXEC;
}

int object_read_types(const struct object *object, struct object_program *program)
{
	size_t bytes = object->types->sh_size;
	const uint8_t *content = object_content(object, object->types, 4);
	if (content == NULL)
		return -ENOEXEC;
	program->types = malloc(bytes + 1);
	if (program->types == NULL)
		return -ENOMEM;
	memcpy(program->types, content, bytes);
	program->type_bytes = (uint32_t)bytes;
	return replace_variables(program->types, bytes);
}

/* The name of a section, of the strings of the types. */
static const char *section_name(const struct object_program *program, uint32_t offset)
{
	const struct btf_header *header = (const struct btf_header *)(void *)program->types;
	uint64_t first = (uint64_t)header->hdr_len + header->str_off + offset;
	if (first >= program->type_bytes)
		return "";
	const char *name = (const char *)program->types + first;
	return memchr(name, 0, program->type_bytes - first) == NULL ? "" : name;
}

/* Appends the functions of a section, which are told by bytes from its beginning. */
static void take_functions(const struct object *object, struct object_program *program, int part,
			   const struct bpf_func_info *functions, uint32_t count)
{
	uint32_t first = object->part_first[part];
	for (uint32_t i = 0; i < count; i++) {
		struct bpf_func_info *taken = &program->functions[program->function_count++];
		*taken = functions[i];
		taken->insn_off = first + functions[i].insn_off / (uint32_t)sizeof(struct bpf_insn);
	}
}

static int by_place(const void *left, const void *right)
{
	const struct bpf_func_info *a = left, *b = right;
	return a->insn_off < b->insn_off ? -1 : a->insn_off > b->insn_off;
}

static int take_sections(const struct object *object, struct object_program *program,
			 const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		struct btf_ext_section {
			uint32_t name;
			uint32_t count;
		} section;
		if ((size_t)(end - at) < sizeof(section))
			return -ENOEXEC;
		memcpy(&section, at, sizeof(section));
		at += sizeof(section);
		if (section.count > (size_t)(end - at) / sizeof(struct bpf_func_info))
			return -ENOEXEC;
		int part = object_part(section_name(program, section.name));
		if (part >= 0)
			take_functions(object, program, part,
				       (const struct bpf_func_info *)(const void *)at,
				       section.count);
		at += section.count * sizeof(struct bpf_func_info);
	}
	return 0;
}

int object_read_functions(const struct object *object, struct object_program *program)
{
	const uint8_t *content = object_content(object, object->function_types, 4);
	size_t bytes = object->function_types->sh_size;
	struct extension_header header;
	if (content == NULL || bytes < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, content, sizeof(header));
	uint64_t first = (uint64_t)header.header_bytes + header.functions_at;
	uint32_t row_bytes = 0;
	if (header.magic != BTF_MAGIC || first % 4 != 0 || header.functions_bytes < 4 ||
	    first + header.functions_bytes > bytes)
		return -ENOEXEC;
	memcpy(&row_bytes, content + first, sizeof(row_bytes));
	if (row_bytes != sizeof(struct bpf_func_info))
		return -ENOEXEC;
	program->functions = malloc(header.functions_bytes);
	if (program->functions == NULL)
		return -ENOMEM;
	int error = take_sections(object, program, content + first + sizeof(row_bytes),
				  content + first + header.functions_bytes);
	if (error == 0)
		qsort(program->functions, program->function_count, sizeof(*program->functions),
		      by_place);
	return error;
}
