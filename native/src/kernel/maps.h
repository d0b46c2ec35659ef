/* Maps of the program (kernel_program.h), and what the loader does with them. */
#ifndef KERNEL_MAPS_H
#define KERNEL_MAPS_H

#include "kernel_engine.h"

/* Makes all maps and rings. 0, or a negative errno; what was made is in the engine. */
int maps_make(struct kernel_engine *engine, const struct kernel_options *options);

/* Maps memory of those that are there. 0, or a negative errno. */
int maps_open(struct kernel_engine *engine);

void maps_close(struct kernel_engine *engine);

/* So many states of outputs have a place. 0, or a negative errno. */
int maps_make_states(struct kernel_engine *engine, uint32_t count);

/* Room for a table of so many bytes. 0, or a negative errno. */
int maps_make_table(struct kernel_table *table, size_t bytes);
void maps_close_table(struct kernel_table *table);

#endif
