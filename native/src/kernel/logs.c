#include "logs.h"

#define LOG_BITS 25
#define STEP_BITS 8
#define ONE_BITS 62 /* of a number from 1 to 2 */

__extension__ typedef unsigned __int128 wide;

/* Bit by bit: the square of a number is 2 and more when the next bit of its logarithm is set. */
static uint32_t log_of(uint32_t step)
{
	uint64_t number = ((uint64_t)1 << ONE_BITS) + ((uint64_t)step << (ONE_BITS - STEP_BITS));
	uint32_t log = 0;
	for (int i = 0; i < LOG_BITS; i++) {
		wide square = (wide)number * number >> ONE_BITS;
		log <<= 1;
		if (square >> (ONE_BITS + 1) != 0) {
			log |= 1;
			square >>= 1;
		}
		number = (uint64_t)square;
	}
	return log;
}

void logs_write(uint32_t logs[KERNEL_LOG_STEPS])
{
	for (uint32_t step = 0; step < KERNEL_LOG_STEPS - 1; step++)
		logs[step] = log_of(step);
	logs[KERNEL_LOG_STEPS - 1] = (uint32_t)1 << LOG_BITS;
}
