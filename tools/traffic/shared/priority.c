#include "shared/priority.h"

#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>

#include "shared/fail.h"

int become_real_time(void)
{
	struct sched_param priority = {.sched_priority = 1};
	return sched_setscheduler(0, SCHED_FIFO, &priority);
}

void become_important(void)
{
	setpriority(PRIO_PROCESS, 0, -10);
}

void stay_on_core(void)
{
	cpu_set_t cores;
	int core = sched_getcpu();
	CPU_ZERO(&cores);
	CPU_SET((size_t)(core < 0 ? 0 : core), &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) < 0)
		fail("sched_setaffinity");
}
