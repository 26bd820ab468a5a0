/** @file report.h  The report of a run: one HTML page that needs nothing else. */
#ifndef LOCKSTEP_REPORT_H
#define LOCKSTEP_REPORT_H

#include <stdbool.h>

#include "lockstep/config.h"
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** Most runs that one page compares. */
#define LKS_REPORT_RUNS_MAX 16

typedef struct lks_report_options {
    const char *data; /**< folder of the images instead of each configuration's data.dir, or NULL */
    bool train_errors; /**< evaluates the first run's training images, to show the highest losses */
    int threads;       /**< that do so; at least 1 where it is done */
} lks_report_options;

/** Writes the page about the run folders @p folders [n], 1 <= n <= LKS_REPORT_RUNS_MAX, as @p path (which
 * appears as a whole, or stays what it was; "-" is standard output, whose errors are left to ferror()). The first run is shown
 * in full; the others beside it in the curves, and compared with it. Runs may have ended, been stopped, or be
 * at work: what is missing is said in its place. Images are read where they
 * still are.
 *  @return LKS_ERR_USAGE for a folder that is no run folder; LKS_ERR_FORMAT or LKS_ERR_IO naming a file
 * of the folder that is damaged or cannot be read, or @p path if it cannot be written; LKS_ERR_CONFIG for
 * a config.yaml of something else; LKS_ERR_MEMORY. Not collective. */
lks_status lks_report_write(const char *const *folders, int n, const lks_report_options *options,
                            const char *path, lks_error *err);

LKS_PUBLIC_END

#endif
