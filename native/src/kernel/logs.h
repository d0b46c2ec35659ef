/* Logarithms by which weighted hashing chooses (struct table_output, table.h). */
#ifndef KERNEL_LOGS_H
#define KERNEL_LOGS_H

#include "kernel_program.h"

/* L[k] = 2^25 * log2(1 + k / 256), rounded down. */
void logs_write(uint32_t logs[KERNEL_LOG_STEPS]);

#endif
