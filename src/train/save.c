/* Checkpoints of a run: rank 0 writes, all ranks agree on the outcome. */
#include <stdio.h>

#include "lockstep/timer.h"
#include "train/run.h"

void lks_run_snapshot(const lks_run *run, lks_checkpoint *c) {
    lks_trainer_snapshot(&run->trainer, c);
    c->best = run->record.best;
    c->history = run->record.history;
    c->provenance = run->provenance;
    c->config_yaml = run->config_yaml;
}

static lks_status write_snapshot(lks_run *run, lks_error *err) {
    lks_checkpoint c;
    char path[LKS_PATH_MAX + 64];
    lks_utc(run->provenance.time);
    lks_run_snapshot(run, &c);
    LKS_TRY(lks_trainer_check_copy(&run->trainer, &c, err));
    LKS_TRY(lks_checkpoint_digest(&c, err));
    lks_checkpoint_path(run->place.checkpoints, c.cursor.step, path);
    LKS_TRY(lks_checkpoint_write(path, &c, err));
    return lks_folder_checkpoint_done(run->place.folder, c.cursor.step, c.best.step,
                                      run->config.checkpoint.keep, err);
}

static lks_status save(lks_run *run, lks_error *err) {
    lks_trainer *t = &run->trainer;
    LKS_TRY(lks_trainer_check_weights(t, err));
    lks_status status = t->comm->rank == 0 ? write_snapshot(run, err) : LKS_OK;
    run->place.saved_step = t->cursor.step;
    return lks_comm_agree(t->comm, status, err);
}

lks_status lks_run_save(lks_run *run, lks_error *err) {
    lks_phases *p = &run->trainer.phases;
    lks_phase before = lks_phases_enter(p, LKS_PHASE_CHECKPOINT);
    lks_status status = save(run, err);
    lks_phases_enter(p, before);
    return status;
}
