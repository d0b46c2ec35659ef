#include "shared/stop.h"

#include <stddef.h>

volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	is_stopped = 1;
}

void stop_at(int signal_number)
{
	struct sigaction action = {.sa_handler = stop};
	sigaction(signal_number, &action, NULL);
}
