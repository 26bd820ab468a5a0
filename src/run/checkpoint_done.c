/* What follows a checkpoint: links and the list are what the newest checkpoint says that they are. */
#include <sys/stat.h>

#include "lockstep/log.h"
#include "run/run_folder.h"

static bool has_step(const char *checkpoints, int64_t step) {
    char path[LKS_PATH_MAX + 64];
    struct stat s;
    lks_checkpoint_path(checkpoints, step, path);
    return stat(path, &s) == 0;
}

/* Pruning comes last: it looks at where the links lead. */
static lks_status follow(const char *checkpoints, int64_t step, int64_t best, int keep,
                         lks_error *err) {
    LKS_TRY(lks_checkpoint_link(checkpoints, "last.h5", step, err));
    if (best > 0 && has_step(checkpoints, best))
        LKS_TRY(lks_checkpoint_link(checkpoints, "best.h5", best, err));
    return lks_checkpoint_prune(checkpoints, keep, best, err);
}

lks_status lks_folder_checkpoint_done(const char *folder, int64_t step, int64_t best, int keep,
                                      lks_error *err) {
    char checkpoints[LKS_FOLDER_PATH_MAX];
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    const lks_status status = follow(checkpoints, step, best, keep, err);
    if (status == LKS_OK || status == LKS_ERR_BUSY)
        return status;
    lks_warn(
        "%s; the checkpoint of step %lld is saved, and the next one or the next start makes up "
        "for it",
        err->text, (long long)step);
    return LKS_OK;
}
