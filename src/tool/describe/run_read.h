/* What a run folder holds, whether the run has ended, was stopped or is still at work. Nothing in it is changed, and
 * nothing has to be complete. */
#ifndef LKS_TOOL_DESCRIBE_RUN_READ_H
#define LKS_TOOL_DESCRIBE_RUN_READ_H

#include <sys/stat.h>

#include "io/checkpoint.h"
#include "run/run_folder.h"
#include "tool/describe/parts.h"

typedef struct lks_told_run {
    const char *path;
    bool has_config, has_last;
    lks_config config;
    lks_checkpoint last; /* the newest one */
    char *config_yaml;
    char *summary;                /* text of summary.json, or NULL */
    char remark[LKS_REMARK_ROOM]; /* what is wrong in the folder */
    lks_history history;
    lks_predictions test;
} lks_told_run;

/* Reads all of it, into a zero-initialised one but for `path`. What is missing or damaged is left out, or a remark. Freed by
 * lks_told_free(), also after a failure: LKS_ERR_MEMORY, or a configuration that cannot be read. */
lks_status lks_told_read(lks_told_run *r, lks_error *err);
void lks_told_free(lks_told_run *r);

/* Phases of all epochs that have them, added up into `sum`, with the rank that took the most in most of them; how many
 * epochs that are. */
size_t lks_told_phases(const lks_history *h, lks_phase_times *sum);

/* Whether `link` leads to the checkpoint that `file` is. */
bool lks_told_leads(const lks_told_run *r, lks_folder_file link, const struct stat *file);

/* Whether its weights came from another program's file: nobody has trained here. */
bool lks_told_imported(const lks_told_run *r);

/* Of the network, for the data of the newest checkpoint, which is there. */
lks_status lks_told_parameters(const lks_told_run *r, int64_t *parameters, lks_error *err);

/* run_rows.c: as JSON, with steps if they are wanted, or as CSV: epochs or steps. More that is wrong is added to the remark. */
lks_status lks_print_run_rows(lks_told_run *r, lks_format format, bool steps, lks_error *err);

#endif
