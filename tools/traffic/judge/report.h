/* The counts as one line of JSON. */
#ifndef JUDGE_REPORT_H
#define JUDGE_REPORT_H

void report(void);

#endif
