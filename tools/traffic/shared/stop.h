/* Ending by a signal, but in good order. */
#ifndef SHARED_STOP_H
#define SHARED_STOP_H

#include <signal.h>

/* Whether a signal has come. */
extern volatile sig_atomic_t is_stopped;

/* From now on this signal sets is_stopped, and interrupts the system call that waits. */
void stop_at(int signal_number);

#endif
