/** @file run_folder.h  A run folder: its files, and the checkpoint that it stands for. What knows the names of
 * these files is here and nowhere else. Nothing is collective. */
#ifndef LOCKSTEP_RUN_FOLDER_H
#define LOCKSTEP_RUN_FOLDER_H

#include <stdbool.h>
#include "lockstep/checkpoint.h"
#include "lockstep/config.h"
#include "lockstep/history.h"
#include "lockstep/status.h"

#define LKS_FOLDER_PATH_MAX (LKS_PATH_MAX + 64)

typedef enum lks_folder_file {
    LKS_FOLDER_CONFIG,      /**< config.yaml: the configuration, every key */
    LKS_FOLDER_METRICS,     /**< metrics.jsonl: steps and epochs as they come */
    LKS_FOLDER_SUMMARY,     /**< summary.json: of a run that has ended */
    LKS_FOLDER_HISTORY,     /**< history.h5: curves and test predictions */
    LKS_FOLDER_REPORT,      /**< report.html: the page about this run */
    LKS_FOLDER_COMPARISON,  /**< comparison.html: the page about this run and others */
    LKS_FOLDER_LIVES,       /**< the folder lives/: who works there, and who did */
    LKS_FOLDER_CHECKPOINTS, /**< the folder checkpoints/ */
    LKS_FOLDER_LAST,        /**< checkpoints/last.h5: the newest checkpoint */
    LKS_FOLDER_BEST,        /**< checkpoints/best.h5: the best one by validation */
    LKS_FOLDER_FAULTS,      /**< faults.jsonl: memory that changed, ranks that stood still */
    LKS_FOLDER_FILES
} lks_folder_file;

/** The path of a file of run folder @p folder into @p path, which is returned. A folder's path that is too
 * long is cut: callers check its length. */
const char *lks_folder_path(const char *folder, lks_folder_file file,
                            char path[LKS_FOLDER_PATH_MAX]);

/** Whether that file is there. */
bool lks_folder_has(const char *folder, lks_folder_file file);

/** Whether @p path is a run folder: it has a configuration or a newest checkpoint. */
bool lks_folder_is_run(const char *path);

/** Where the checkpoint of @p path is. **The rule:** a run folder stands for the weights that its run is
 * tested with. Those are best.h5 where the run is one of `eval.test_weights: best` and has such a file, and
 * last.h5 else. Of a run that has ended summary.json says which, of any other config.yaml. So the answer
 * is the same for each command, before and after the end. Any path that is no folder stands for itself.
 * LKS_ERR_IO: a folder without that checkpoint, or a path that is too long; errors of a damaged config.yaml. */
lks_status lks_folder_checkpoint(const char *path, char found[LKS_FOLDER_PATH_MAX], lks_error *err);

/** What follows the checkpoint of @p step once it has its name in @p folder: last.h5 leads to it, best.h5 to that
 * of step @p best (lks_checkpoint.best.step of the newest one; 0: none), and what is beyond the @p keep newest goes. All
 * of it is a function of these three, so what could not be done is warned of, and done by the next call, also
 * by that of the next start. Only LKS_ERR_BUSY is returned: this life lost its place. Any thread may call it,
 * one at a time. */
lks_status lks_folder_checkpoint_done(const char *folder, int64_t step, int64_t best, int keep,
                                      lks_error *err);

/** Reads summary.json into @p text, owned by the caller (free()); NULL where there is none: the run has not
 * ended. */
lks_status lks_folder_summary(const char *folder, char **text, lks_error *err);

/** Reads config.yaml, or where there is none the configuration of @p checkpoint (may be NULL). @p yaml gets
 * its text, owned by the caller (free()). LKS_ERR_USAGE where neither is there; errors of the text. On
 * failure nothing needs freeing. */
lks_status lks_folder_config(const char *folder, const lks_checkpoint *checkpoint,
                             lks_config *config, char **yaml, lks_error *err);

/** The curves of a run. Of a run that has ended those of history.h5, with its test predictions; of any
 * other those of metrics.jsonl, which is ahead of all checkpoints and has no norms of tensors; without that
 * file those of @p newest, its newest checkpoint (NULL: none). Owned by the caller (lks_history_free(),
 * lks_predictions_free()). LKS_ERR_IO where a file is there and cannot be read, LKS_ERR_FORMAT of a damaged
 * history.h5, LKS_ERR_MEMORY; on failure nothing needs freeing. */
lks_status lks_folder_curves(const char *folder, bool ended, const lks_checkpoint *newest,
                             lks_history *history, lks_predictions *test, lks_error *err);

#endif
