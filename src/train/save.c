/* When checkpoints are taken, and that they are there before a run ends. */
#include "base/timer.h"
#include "train/run.h"

void lks_run_snapshot(const lks_run *run, lks_checkpoint *c) {
    lks_trainer_snapshot(&run->trainer, c);
    c->best = run->record.best;
    c->temperature = run->record.temperature;
    c->history = run->record.history;
    c->provenance = run->provenance;
    c->config_yaml = run->config_yaml;
}

size_t lks_run_snapshot_bytes(const lks_trainer *t) {
    lks_checkpoint c;
    lks_trainer_snapshot(t, &c);
    return t->comm->rank == 0 ? LKS_SNAPSHOTS * (size_t)c.n_flats * c.flats[0].count * sizeof(float)
                              : 0;
}

static bool time_due(const lks_run *run) {
    const double every = run->config.checkpoint.every_seconds;
    return every > 0 && lks_now() - run->place.saved_at >= every && !lks_saver_full(run->saver);
}

bool lks_run_save_due(const lks_run *run, int64_t step) {
    const int64_t every = run->config.checkpoint.every_steps;
    if (!run->saver)
        return false;
    return (every > 0 && step % every == 0) || time_due(run);
}

void lks_run_save(lks_run *run) {
    lks_phases *p = &run->trainer.phases;
    lks_checkpoint c;
    if (!run->saver)
        return;
    lks_phase before = lks_phases_enter(p, LKS_PHASE_CHECKPOINT);
    lks_utc(run->provenance.time);
    lks_run_snapshot(run, &c);
    const lks_state_hash written = lks_trainer_written(&run->trainer);
    lks_saver_take(run->saver, &c, &written);
    run->place.saved_step = c.cursor.step;
    run->place.saved_at = lks_now();
    lks_phases_enter(p, before);
}

void lks_run_tend_saver(lks_run *run) {
    if (!run->saver)
        return;
    lks_saver_agreed(run->saver, run->trainer.agreed_step);
    lks_saver_check(run->saver, &run->trainer.trouble);
}

static lks_status settle(lks_run *run, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_status status = LKS_OK;
    LKS_TRY(lks_trainer_check_weights(t, err));
    LKS_TRY(lks_trainer_settle(t, LKS_OK, err));
    if (run->saver) {
        lks_saver_agreed(run->saver, t->agreed_step);
        status = lks_saver_drain(run->saver, err);
    }
    return lks_comm_agree(t->comm, status, err);
}

lks_status lks_run_settle(lks_run *run, lks_error *err) {
    lks_phases *p = &run->trainer.phases;
    lks_phase before = lks_phases_enter(p, LKS_PHASE_CHECKPOINT);
    lks_trainer_gather(&run->trainer);
    if (run->place.saved_step != run->trainer.cursor.step)
        lks_run_save(run);
    lks_status status = settle(run, err);
    lks_phases_enter(p, before);
    return status;
}

void lks_run_rescue(lks_run *run) {
    lks_error ignored; /* the run has one of its own */
    if (run->saver && lks_comm_check(run->trainer.comm, NULL) == LKS_OK)
        lks_saver_drain(run->saver, &ignored);
}
