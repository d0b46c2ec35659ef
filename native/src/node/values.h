/* Arguments and results: what JavaScript's values are in C. A value of the wrong type is 0 or NULL.
 */
#ifndef FLOXY_NODE_VALUES_H
#define FLOXY_NODE_VALUES_H

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

#include "pio.h"

int int_of(napi_env env, napi_value value);
uint32_t uint_of(napi_env env, napi_value value);
uint64_t bytes_of(napi_env env, napi_value value);

/* Writes a string as UTF-8, cut to size - 1 bytes. */
void string_of(napi_env env, napi_value value, char *string, size_t size);

/* The memory of an ArrayBuffer. */
void *buffer_of(napi_env env, napi_value value);

/* The memory of a typed array; *length, unless NULL, gets its number of elements. */
void *typed_array_of(napi_env env, napi_value value, size_t *length);

/* What a PacketSender of JavaScript is. */
pio_sender_t *sender_of(napi_env env, napi_value value);

/* Five arguments in a row: size, payloadBytes, payloadStride, packets, payloads. */
struct pio_batch batch_of(napi_env env, const napi_value *arguments);

napi_value number(napi_env env, int64_t value);

/* A reference that keeps a value alive, until let_go, which takes NULL too. */
napi_ref keep(napi_env env, napi_value value);
void let_go(napi_env env, napi_ref *reference);

#endif
