/* How a program ends when it cannot go on: its name and the reason on standard error. */
#ifndef SHARED_FAIL_H
#define SHARED_FAIL_H

/* For what the system refused: adds the text of errno. Status 1. */
_Noreturn void fail(const char *what);

/* For arguments or input that mean nothing. Status 2. */
_Noreturn void refuse(const char *why);

#endif
