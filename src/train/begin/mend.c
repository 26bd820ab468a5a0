/* What an earlier life left half done is done. Rank 0. */
#include <stdio.h>
#include <sys/stat.h>

#include "lockstep/log.h"
#include "files/publish.h"
#include "train/run.h"

/* A link that leads to nothing, or to something else, would be taken for what it is called. */
static lks_status remove_link(const lks_place *place, lks_folder_file link, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    struct stat s;
    lks_folder_path(place->folder, link, path);
    return lstat(path, &s) == 0 && S_ISLNK(s.st_mode) ? lks_publish_remove(path, err) : LKS_OK;
}

/* The best checkpoint so far is known by its step. */
static lks_status mend_best(const lks_run *run, lks_error *err) {
    const lks_place *place = &run->place;
    const int64_t step = run->record.best.step;
    lks_chosen s;
    lks_error gone;
    if (step > 0 && lks_checkpoint_leads(place->checkpoints, "best.h5", step))
        return LKS_OK;
    if (step > 0 && lks_folder_read_best(place->folder, step, &s, &gone) == LKS_OK) {
        lks_checkpoint_free(&s.checkpoint);
        return LKS_OK;
    }
    if (step > 0 && !lks_run_tests_best(run)) /* else lks_run_find_best() refuses to go on */
        lks_warn(
            "the best checkpoint so far, of step %lld, is not in %s, and there is none until a "
            "better one comes: %s",
            (long long)step, place->checkpoints, gone.text);
    return remove_link(place, LKS_FOLDER_BEST, err);
}

/* What a death between a checkpoint and its links left, or while old ones were removed, is as the undisturbed run has
 * it: all of that follows from the newest checkpoint. */
lks_status lks_run_mend(const lks_run *run, lks_error *err) {
    const lks_place *place = &run->place;
    if (place->resumed_from[0] && place->saved_step < 0)
        return LKS_OK; /* from a given file: it is about to be saved here */
    if (!place->resumed_from[0]) {
        LKS_TRY(remove_link(place, LKS_FOLDER_LAST, err));
        return remove_link(place, LKS_FOLDER_BEST, err);
    }
    LKS_TRY(lks_folder_checkpoint_done(place->folder, run->trainer.cursor.step,
                                       run->record.best.step, run->config.checkpoint.keep, err));
    return mend_best(run, err);
}
