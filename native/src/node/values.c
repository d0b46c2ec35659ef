#include "values.h"

int int_of(napi_env env, napi_value value)
{
	int32_t number = 0;
	napi_get_value_int32(env, value, &number);
	return number;
}

uint32_t uint_of(napi_env env, napi_value value)
{
	uint32_t number = 0;
	napi_get_value_uint32(env, value, &number);
	return number;
}

uint64_t bytes_of(napi_env env, napi_value value)
{
	int64_t number = 0;
	napi_get_value_int64(env, value, &number);
	return (uint64_t)number;
}

void string_of(napi_env env, napi_value value, char *string, size_t size)
{
	string[0] = 0;
	napi_get_value_string_utf8(env, value, string, size, NULL);
}

void *buffer_of(napi_env env, napi_value value)
{
	void *data = NULL;
	napi_get_arraybuffer_info(env, value, &data, NULL);
	return data;
}

void *typed_array_of(napi_env env, napi_value value, size_t *length)
{
	void *data = NULL;
	napi_get_typedarray_info(env, value, NULL, length, &data, NULL, NULL);
	return data;
}

struct pio_batch batch_of(napi_env env, const napi_value *arguments)
{
	return (struct pio_batch){
		.size = uint_of(env, arguments[0]),
		.payload_bytes = uint_of(env, arguments[1]),
		.payload_stride = uint_of(env, arguments[2]),
		.packets = buffer_of(env, arguments[3]),
		.payloads = buffer_of(env, arguments[4]),
	};
}

napi_value number(napi_env env, int64_t value)
{
	napi_value result = NULL;
	napi_create_int64(env, value, &result);
	return result;
}

napi_ref keep(napi_env env, napi_value value)
{
	napi_ref reference = NULL;
	napi_create_reference(env, value, 1, &reference);
	return reference;
}

void let_go(napi_env env, napi_ref *reference)
{
	if (*reference != NULL)
		napi_delete_reference(env, *reference);
	*reference = NULL;
}
