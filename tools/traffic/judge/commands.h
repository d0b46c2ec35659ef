/* The commands on standard input (main.c says which). */
#ifndef JUDGE_COMMANDS_H
#define JUDGE_COMMANDS_H

/* Obeys the whole lines that have come. Returns 0 at the end of the input. */
int read_commands(void);

#endif
