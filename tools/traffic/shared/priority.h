/* Going before what else the machine has to do. */
#ifndef SHARED_PRIORITY_H
#define SHARED_PRIORITY_H

/* Other programs of the core wait for this one, not it for them. Less than 0, with errno: no. */
int become_real_time(void);

/* Gets more of the core than others. */
void become_important(void);

/* On one core alone: packets that leave from two cores may overtake one another. */
void stay_on_core(void);

#endif
