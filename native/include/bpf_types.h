/* Integers for programs in the kernel, which have no C library. */
#ifndef BPF_TYPES_H
#define BPF_TYPES_H

#include <linux/types.h>

typedef __u8 uint8_t;
typedef __u16 uint16_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;

#endif
