/** @file report.h  The report of a run: one HTML page that needs nothing else. */
#ifndef LOCKSTEP_REPORT_H
#define LOCKSTEP_REPORT_H

#include "lockstep/config.h"
#include "lockstep/status.h"

/** Most runs that one page compares. */
#define LKS_REPORT_RUNS_MAX 16

/** Writes the page about the run folders @p folders [n], 1 <= n <= LKS_REPORT_RUNS_MAX, as @p path (published
 * as by lks_publish_text(); "-" is standard output, whose errors are left to ferror()). The first run is shown
 * in full; the others beside it in the curves, and compared with it. Runs may have ended, been stopped, or be
 * at work: what is missing is said in its place. Test images are read from folder @p data, or where that is
 * NULL from each configuration's data.dir, if they are still there.
 *  @return LKS_ERR_USAGE for a folder that is no run folder; LKS_ERR_FORMAT or LKS_ERR_IO naming a file
 * of the folder that is damaged or cannot be read, or @p path if it cannot be written; LKS_ERR_CONFIG for
 * a config.yaml of something else; LKS_ERR_MEMORY. Not collective. */
lks_status lks_report_write(const char *const *folders, int n, const char *data, const char *path,
                            lks_error *err);

#endif
