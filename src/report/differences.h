/* What differs between the configurations of runs. */
#ifndef LKS_REPORT_DIFFERENCES_H
#define LKS_REPORT_DIFFERENCES_H

#include "report/section.h"

/* Writes a table of the keys in which the runs differ, a column a run. */
void lks_write_differences(lks_html *page, const lks_report *r);

#endif
