/** @file run_folder.h  A run folder: its files, and the checkpoint that it stands for. What knows the names of
 * these files is here and nowhere else. Nothing is collective. */
#ifndef LKS_RUN_RUN_FOLDER_H
#define LKS_RUN_RUN_FOLDER_H

#include <stdbool.h>
#include "io/checkpoint.h"
#include "lockstep/config.h"
#include "io/history.h"
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
    LKS_FOLDER_TENSORBOARD, /**< the folder tensorboard/: events, where metrics.tensorboard is true */
    LKS_FOLDER_LAST,        /**< checkpoints/last.h5: the newest checkpoint */
    LKS_FOLDER_BEST,        /**< checkpoints/best.h5: the best one by validation */
    LKS_FOLDER_WORK,        /**< work.json: ranks, hosts and steps of the newest start */
    LKS_FOLDER_FAULTS,      /**< faults.jsonl: memory that changed, ranks that stood still */
    LKS_FOLDER_FILES
} lks_folder_file;

/** The path of a file of run folder @p folder into @p path, which is returned. A folder's path that is too
 * long is cut: callers check its length. */
const char *lks_folder_path(const char *folder, lks_folder_file file,
                            char path[LKS_FOLDER_PATH_MAX]);

/** Whether that file is there. */
bool lks_folder_has(const char *folder, lks_folder_file file);

/** Whether there is a checkpoint in run folder @p folder, whole or not. */
bool lks_folder_has_checkpoints(const char *folder);

/** Whether @p path is a run folder: it has a configuration or a checkpoint. */
bool lks_folder_is_run(const char *path);

#define LKS_REMARK_ROOM 2048

/** Adds a printf-style text to a remark, unless that is NULL or says it already: what is wrong in a folder, and what was
 * done about it. Readers begin with "" and tell it at the end. */
void lks_folder_remark(char remark[LKS_REMARK_ROOM], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The checkpoint that a path stands for. */
typedef struct lks_chosen {
    char path[LKS_FOLDER_PATH_MAX]; /**< its file; the link's name where a link leads to it */
    char remark
        [LKS_REMARK_ROOM]; /**< what is wrong in the folder, and what was taken; "": nothing is */
    bool instead;          /**< that one could not be read: this is another one */
    lks_checkpoint checkpoint; /**< owned by the caller: lks_checkpoint_free() */
} lks_chosen;

/** Reads the checkpoint that @p path stands for. **The rule:** a run folder stands for the weights that its run
 * is tested with. Those are the best ones where the run is one of `eval.test_weights: best` and has some, and the
 * newest else. Of a run that has ended summary.json says which, of any other config.yaml. So the answer is the
 * same for each command, before and after the end. Which checkpoint is the best is told by the newest whole
 * one; links that are missing or lead elsewhere are remarked, and what cannot be read is replaced by the newest
 * whole one, remarked as well: readers tell the remark. Any path that is no folder stands for itself.
 * LKS_ERR_IO: a folder without a checkpoint, or a path that is too long; errors of lks_checkpoint_read() and of a
 * damaged config.yaml. On failure nothing needs freeing. */
lks_status lks_folder_read(const char *path, lks_chosen *s, lks_error *err);

/** The newest whole checkpoint of run folder @p folder. */
lks_status lks_folder_read_newest(const char *folder, lks_chosen *s, lks_error *err);

/** The checkpoint of @p step, which was the best one: its file, or best.h5 where that stands at this step;
 * else LKS_ERR_MISMATCH. */
lks_status lks_folder_read_best(const char *folder, int64_t step, lks_chosen *s, lks_error *err);

/** What follows the checkpoint of @p step once it has its name in @p folder: last.h5 leads to it, best.h5 to that
 * of step @p best (lks_checkpoint.best.step of the newest one; 0: none), and what is beyond the @p keep newest goes. All
 * of it is a function of these three, so what could not be done is warned of, and done by the next call, also
 * by that of the next start. Only LKS_ERR_BUSY is returned: this life lost its place. Any thread may call it,
 * one at a time. */
lks_status lks_folder_checkpoint_done(const char *folder, int64_t step, int64_t best, int keep,
                                      lks_error *err);

/** The last key of summary.json: the SHA-256 of all lines before its own (lks_seal_of_text()). */
#define LKS_SUMMARY_SEAL     "  \"sha256\": \""
#define LKS_SUMMARY_SEAL_END "\"\n}\n"

/** Reads summary.json into @p text, owned by the caller (free()); NULL where there is none: the run has not
 * ended. One that cannot be read, or has other lines than its last key's SHA-256 is of, counts as none, and is
 * remarked, as one without that key is. */
void lks_folder_summary(const char *folder, char **text, char remark[LKS_REMARK_ROOM]);

/** Reads config.yaml, or the configuration of @p checkpoint (may be NULL) where there is no such file, or one
 * that cannot be used, which is remarked: its last line is the SHA-256 of others. @p yaml gets the text, owned by
 * the caller (free()), without that line. LKS_ERR_USAGE where neither is there; errors of the file where there is no
 * checkpoint. On failure nothing needs freeing. */
lks_status lks_folder_config(const char *folder, const lks_checkpoint *checkpoint,
                             lks_config *config, char **yaml, char remark[LKS_REMARK_ROOM],
                             lks_error *err);

/** Writes config.yaml: @p yaml and a last line with its SHA-256. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_folder_write_config(const char *folder, const char *yaml, lks_error *err);

/** The curves of a run. Of a run that has ended those of history.h5, with its test predictions; of any
 * other those of metrics.jsonl, which is ahead of all checkpoints and has no norms of tensors; without that
 * file those of @p newest, its newest checkpoint (NULL: none). @p summary: text of summary.json, or NULL: not ended. A
 * history.h5 that is damaged or not of that summary, lines that are damaged, and a metrics.jsonl that ends
 * before @p newest are passed over, and remarked. Owned by the caller (lks_history_free(),
 * lks_predictions_free()). LKS_ERR_IO where metrics.jsonl is there and cannot be read, and there is no checkpoint;
 * LKS_ERR_MEMORY; on failure nothing needs freeing. */
lks_status lks_folder_curves(const char *folder, const char *summary, const lks_checkpoint *newest,
                             lks_history *history, lks_predictions *test,
                             char remark[LKS_REMARK_ROOM], lks_error *err);

#endif
