#include "notes.h"

#include "exports.h"
#include "values.h"

static struct notes *notes_of(napi_env env, const napi_value arguments[2])
{
	uint8_t *memory = buffer_of(env, arguments[0]);
	return (struct notes *)(void *)(memory + bytes_of(env, arguments[1]));
}

/* notesOpen(memory, byteOffset, nowSeconds): 0 or negative errno */
static napi_value open_notes(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	return number(env, notes_open(notes_of(env, arguments), uint_of(env, arguments[2])));
}

/* notesAbsorb(memory, byteOffset, otherMemory, otherByteOffset) */
static napi_value absorb(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	notes_absorb(notes_of(env, arguments), notes_of(env, &arguments[2]));
	return NULL;
}

/* notesRead(memory, byteOffset, [next, end]: Uint32Array, rows: Uint8Array): count; next goes on */
static napi_value read_rows(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	uint32_t *next = typed_array_of(env, arguments[2], NULL);
	size_t bytes = 0;
	union notes_row *rows = typed_array_of(env, arguments[3], &bytes);
	uint32_t room = (uint32_t)(bytes / sizeof(*rows));
	return number(env, notes_read(notes_of(env, arguments), next, next[1], rows, room));
}

/* notesReadEvents(memory, byteOffset, after, events: Uint8Array of NOTES_EVENTS): count */
static napi_value read_events(napi_env env, const napi_value arguments[ARGUMENTS_MAX])
{
	struct notes_event *events = typed_array_of(env, arguments[3], NULL);
	uint64_t after = bytes_of(env, arguments[2]);
	return number(env, notes_read_events(notes_of(env, arguments), after, events));
}

const struct exported notes_exports[] = {
	{"notesOpen", open_notes},
	{"notesAbsorb", absorb},
	{"notesRead", read_rows},
	{"notesReadEvents", read_events},
	{NULL, NULL},
};
