/* What who loads the program has set. */
#ifndef BPF_SETTINGS_H
#define BPF_SETTINGS_H

#include "helpers.h"
#include "kernel_program.h"

/* The element of the map of that name, which is read without a look-up. */
extern struct kernel_settings settings;

/* Packets go on to who comes next at this interface, and then up. */
#define NEXT (-1) /* TCX_NEXT, and TC_ACT_UNSPEC of clsact */
#define DROP 2	  /* TCX_DROP, TC_ACT_SHOT */

#endif
