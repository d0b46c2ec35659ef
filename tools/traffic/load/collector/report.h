/* The counts as one line of JSON. */
#ifndef LOAD_COLLECTOR_REPORT_H
#define LOAD_COLLECTOR_REPORT_H

void report(void);

#endif
