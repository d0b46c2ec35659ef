/* Counters that the kernel keeps, at one moment. */
#ifndef JUDGE_COUNTERS_H
#define JUDGE_COUNTERS_H

/* Prints those of an interface and of a core; of the processes whose numbers strtok gives next. */
void print_counters(const char *interface, const char *cpu);

#endif
