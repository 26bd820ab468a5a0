/* The training loop. */
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "infer/contested.h"
#include "job/watchdog.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "base/timer.h"
#include "train/begin/refit.h"
#include "train/events/show.h"
#include "train/run.h"

static void enter_epoch(lks_trainer *t, lks_record *r) {
    r->validation->total = r->test->total = 0; /* results of other weights */
    r->temperature = (lks_temperature){0};
    lks_loader_seek(t->loader, t->cursor.epoch, t->cursor.batch);
    lks_phases_open_epoch(&t->phases, t->cursor.epoch + 1);
    t->newest.gradient_norm = NAN; /* none measured in this epoch yet */
    r->watch.epoch_started = lks_now();
    r->watch.epoch_comm = t->comm->seconds;
    r->watch.epoch_samples_before = t->cursor.samples_seen;
    r->watch.epoch_sent = t->comm->sent;
    r->watch.epoch_step = t->cursor.step;
}

static int64_t epoch_samples(const lks_trainer *t, const lks_stopwatch *w) {
    return t->cursor.samples_seen - w->epoch_samples_before;
}

static double images_per_second(const lks_trainer *t, const lks_stopwatch *w, double seconds) {
    return seconds > 0 ? (double)epoch_samples(t, w) / seconds : 0;
}

/* Wall time of this visit to the epoch on the slowest rank. */
static void leave_epoch(lks_trainer *t, lks_stopwatch *w) {
    w->trained_sent += t->comm->sent - w->epoch_sent;
    w->trained_steps += t->cursor.step - w->epoch_step;
    double times[2] = {lks_now() - w->epoch_started, t->comm->seconds - w->epoch_comm};
    lks_comm_max_f64(t->comm, times, 2);
    w->epoch_seconds = times[0];
    w->epoch_comm = times[1];
    w->trained_seconds += times[0];
    w->trained_comm += times[1];
    w->trained_samples += epoch_samples(t, w);
    lks_phases_divide(&t->phases, t->comm);
}

/* Between epochs, whose clock does not run then. */
static void save_timed(lks_run *run) {
    double started = lks_now();
    lks_run_save(run);
    run->record.watch.trained_seconds += lks_now() - started;
}

static lks_status settle_timed(lks_run *run, lks_error *err) {
    double started = lks_now();
    lks_status status = lks_run_settle(run, err);
    run->record.watch.trained_seconds += lks_now() - started;
    return status;
}

/* The bar of the newest step. */
static void show_step(const lks_trainer *t, lks_record *r) {
    const lks_cursor *c = &t->cursor;
    const lks_stopwatch *w = &r->watch;
    double elapsed = lks_now() - w->epoch_started;
    const lks_standing now = {.step = c->step,
                              .last_step = t->plan.last_step,
                              .batch = c->batch,
                              .batches = t->plan.batches,
                              .epoch = c->epoch + 1,
                              .loss = t->newest.loss,
                              .accuracy = t->newest.accuracy,
                              .images_per_second = images_per_second(t, w, elapsed),
                              .collectives = (t->comm->seconds - w->epoch_comm) / elapsed};
    lks_progress_step(&r->progress, &now);
}

/* Before a step: whether the state that it leaves will be needed whole, which all ranks have to know. */
static bool wants_state(const lks_run *run) {
    const int64_t step = run->trainer.cursor.step + 1;
    return lks_run_save_due(run, step) || (run->witness && lks_witness_wants(run->witness, step));
}

static lks_status after_step(lks_run *run, lks_error *err) {
    const lks_trainer *t = &run->trainer;
    const lks_cursor *c = &t->cursor;
    lks_run_tend_saver(run);
    const lks_status status = t->comm->rank == 0 ? lks_record_step(&run->record, t, err) : LKS_OK;
    if (status != LKS_OK)
        return lks_comm_fail(t->comm, err); /* the others are on their way to the next step */
    if (run->place.lease && t->trouble.status == LKS_OK)
        lks_lease_check(run->place.lease, &run->trainer.trouble);
    if (run->witness && t->trouble.status == LKS_OK)
        lks_witness_step(run->witness, run, &run->trainer.trouble);
    lks_energy_tend(&run->record.energy.own);
    show_step(t, &run->record);
    /* An epoch's last step is saved with what completes the epoch, the run's last one at its end. */
    bool at_end = c->batch == t->plan.batches || c->step == t->plan.last_step;
    if (!at_end && t->wanted)
        lks_run_save(run);
    return LKS_OK;
}

/* Errors are rank 0's alone. */
static lks_status record_epoch(lks_trainer *t, lks_record *record, lks_error *err) {
    const lks_cursor *c = &t->cursor;
    const lks_stopwatch *w = &record->watch;
    const lks_phase_times phases = lks_phases_take(&t->phases, t->comm);
    const double energy = lks_job_energy_take(&record->energy, t->comm);
    double n = (double)c->epoch_samples;
    const lks_epoch_record r = {.epoch = (int32_t)c->epoch,
                                .step = c->step,
                                .lr = t->newest.lr,
                                .train_loss = lks_limbs_value(c->loss) / n,
                                .train_accuracy = (double)c->correct / n,
                                .validation_loss = lks_mean_loss(record->validation),
                                .validation_accuracy = lks_accuracy(record->validation),
                                .test_loss = lks_mean_loss(record->test),
                                .test_accuracy = lks_accuracy(record->test),
                                .images_per_second = images_per_second(t, w, w->epoch_seconds),
                                .seconds = w->epoch_seconds,
                                .comm_seconds = w->epoch_comm,
                                .noise_scale =
                                    lks_history_noise_scale(&record->history, (int32_t)c->epoch),
                                .phases = phases,
                                .energy_joules = energy};
    if (t->comm->rank == 0) {
        LKS_TRY(lks_record_epoch(record, &r, err));
        LKS_TRY(lks_show_epoch(record, err));
    }
    lks_progress_epoch(&record->progress, &r, t->newest.gradient_norm, t->plan.last_step);
    return LKS_OK;
}

static bool epoch_due(const lks_config *config, const lks_cursor *c) {
    const int every = config->checkpoint.every_epochs;
    return every > 0 && c->epoch % every == 0;
}

static lks_status assess_epoch(lks_trainer *t, lks_record *r, lks_error *err) {
    lks_phases_enter(&t->phases, LKS_PHASE_VERIFY);
    LKS_TRY(lks_trainer_verify_epoch(t, err));
    r->verified++;
    lks_phases_enter(&t->phases, LKS_PHASE_EVALUATE);
    LKS_TRY(lks_run_evaluate_epoch(t, r, err));
    lks_phases_enter(&t->phases, LKS_PHASE_OTHER);
    return LKS_OK;
}

static lks_status link_epoch(lks_trainer *t, lks_history *h, lks_error *err) {
    const lks_phase before = lks_phases_enter(&t->phases, LKS_PHASE_VERIFY);
    const lks_status status = t->comm->rank == 0 ? lks_links_epoch(t, h, err) : LKS_OK;
    lks_phases_enter(&t->phases, before);
    return status;
}

static lks_status complete_epoch(lks_run *run, lks_error *err) {
    lks_trainer *t = &run->trainer;
    const lks_cursor *c = &t->cursor;
    lks_trainer_count_epoch(t);
    lks_look_take(&run->record.look, t);
    LKS_TRY(assess_epoch(t, &run->record, err));
    lks_status status = record_epoch(t, &run->record, err);
    lks_trainer_forget_epoch(t);
    bool best = lks_run_is_best(t, &run->record);
    lks_run_decide(t, &run->record);
    lks_trainer_gather(t);
    if (status == LKS_OK)
        status = link_epoch(t, &run->record.history, err);
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    if (run->witness && t->trouble.status == LKS_OK)
        lks_witness_epoch(run->witness, run, &t->trouble);
    if (best || epoch_due(&run->config, c) || lks_run_save_due(run, c->step) || t->stop ||
        lks_trainer_over(t))
        save_timed(run);
    return LKS_OK;
}

static bool epoch_goes_on(const lks_trainer *t, int64_t until) {
    return t->cursor.batch < t->plan.batches && t->cursor.step < until && !t->stop;
}

lks_status lks_run_advance(lks_run *run, int64_t until, lks_error *err) {
    lks_trainer *t = &run->trainer;
    if (until > t->plan.last_step)
        until = t->plan.last_step;
    while (t->cursor.step < until && !lks_trainer_over(t) && !t->stop) {
        enter_epoch(t, &run->record);
        while (epoch_goes_on(t, until)) {
            t->wanted = wants_state(run);
            LKS_TRY(lks_trainer_step(t, err));
            LKS_TRY(after_step(run, err));
        }
        leave_epoch(t, &run->record.watch);
        if (t->cursor.batch == t->plan.batches)
            LKS_TRY(complete_epoch(run, err));
        lks_phases_close_epoch(&t->phases);
    }
    return settle_timed(run, err);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Rank 0. `wrong`: a picture of wrong answers, or NULL. */
static lks_status write_results(lks_run *run, const lks_predicted *predicted,
                                const lks_sheet *wrong, lks_error *err) {
    lks_record *r = &run->record;
    LKS_TRY(lks_run_write_history(run, predicted, err));
    LKS_TRY(lks_metrics_finish(&r->metrics, &r->history, r->test->total > 0 ? &r->tested : NULL,
                               r->test, err));
    const lks_events_result result = {&r->tested, r->test, wrong};
    LKS_TRY(lks_events_finish(&r->events, &result, err));
    const lks_status status = lks_run_write_summary(run, "done", err);
    lks_run_print_results(run);
    lks_error lost;
    if (lks_run_write_page(&run->place, &lost) != LKS_OK && status == LKS_OK) {
        *err = lost;
        return lost.status;
    }
    return status;
}

/* How much of the error is in labels that people contest. */
static lks_status count_contested(lks_run *run, const lks_predicted *predicted, lks_error *err) {
    const lks_trainer *t = &run->trainer;
    const lks_contested *known;
    LKS_TRY(lks_contested_of_set(&known, &t->data.test, t->comm, err));
    if (!known || t->comm->rank != 0)
        return LKS_OK;
    run->record.contested = known->n;
    run->record.contested_wrong =
        lks_contested_errors(known, predicted->labels, predicted->classes);
    return LKS_OK;
}

lks_status lks_run_conclude(lks_run *run, lks_predicted *predicted, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_phases_enter(&t->phases, LKS_PHASE_EVALUATE);
    LKS_TRY(lks_run_evaluate_end(run, predicted, err));
    LKS_TRY(count_contested(run, predicted, err));
    LKS_TRY(lks_trainer_settle(t, LKS_OK, err)); /* weights did not change while they were tested */
    lks_phases_enter(&t->phases, LKS_PHASE_OTHER);
    return LKS_OK;
}

/* The last evaluation, what the work took, and rank 0's files of both. */
static lks_status conclude(lks_run *run, bool worked, lks_predicted *predicted, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_sheet sheet = {0};
    bool drawn;
    LKS_TRY(lks_run_conclude(run, predicted, err));
    lks_run_print_work(t, &run->record, true, worked);
    LKS_TRY(lks_show_wrong(run, predicted, &sheet, &drawn, err));
    lks_status status = lks_comm_check(t->comm, err);
    if (status == LKS_OK && t->comm->rank == 0)
        status =
            write_results(run, t->data.has_test ? predicted : NULL, drawn ? &sheet : NULL, err);
    lks_sheet_free(&sheet);
    return lks_comm_agree(t->comm, status, err);
}

static lks_status finish(lks_run *run, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_predicted predicted = {0};
    const bool worked = t->cursor.step > run->place.first_step;
    lks_status status = conclude(run, worked, &predicted, err);
    lks_predicted_free(&predicted);
    LKS_TRY(status);
    lks_run_print_end(run);
    lks_info("\nrun folder %s%s", run->place.folder,
             worked ? "" : " (was complete: nothing left to train)");
    if (t->comm->rank == 0)
        lks_run_print_weights(t, &run->record.tested, run->place.folder);
    return LKS_OK;
}

static lks_status stop(lks_run *run, lks_error *err) {
    lks_trainer *t = &run->trainer;
    lks_status status = LKS_OK;
    if (t->comm->rank == 0) {
        status = lks_run_write_history(run, NULL, err);
        if (status == LKS_OK)
            status =
                lks_metrics_finish(&run->record.metrics, &run->record.history, NULL, NULL, err);
        if (status == LKS_OK)
            status = lks_events_finish(&run->record.events, NULL, err);
    }
    LKS_TRY(lks_comm_agree(t->comm, status, err));
    lks_run_print_work(t, &run->record, false, t->cursor.step > run->place.first_step);
    bool automatic = !run->options->resume || strcmp(run->options->resume, "auto") == 0;
    lks_info("stopped at step %lld of %lld %s; checkpoint saved in %s; the same command %sgoes on",
             (long long)t->cursor.step, (long long)t->plan.last_step, lks_stop_reason(t->stop),
             run->place.checkpoints, automatic ? "" : "with --resume auto ");
    if (t->comm->rank == 0)
        lks_run_print_weights(t, &run->record.tested, run->place.folder);
    return LKS_OK;
}

static void print_resumed(const lks_place *p, const lks_trainer *t) {
    if (p->resumed_from[0])
        lks_info("resumed    from %s: step %lld of %lld", p->resumed_from,
                 (long long)t->cursor.step, (long long)t->plan.last_step);
}

static lks_status train(lks_run *run, lks_comm *comm, bool *stopped, lks_error *err) {
    const lks_train_options *o = run->options;
    lks_trainer *t = &run->trainer;
    lks_progress *progress = &run->record.progress;
    LKS_TRY(lks_run_open(run, comm, err));
    if (o->dry_run)
        return LKS_OK;
    print_resumed(&run->place, t);
    lks_progress_start(progress, o->progress, run->config.train.epochs, t->cursor.step);
    LKS_TRY(lks_tracing_start(&run->tracing, t->threads, err));
    lks_job_energy_open(&run->record.energy, t->comm);
    lks_phases_start(&t->phases);
    lks_status status = lks_run_advance(run, t->plan.last_step, err);
    lks_progress_clear(progress);
    LKS_TRY(status);
    *stopped = t->stop && !lks_trainer_over(t);
    return *stopped ? stop(run, err) : finish(run, err);
}

/* Called by the watch's thread, while the main one stands still. */
static void note_stall(void *context, const lks_stall *stall) {
    const lks_run *run = context;
    lks_fault fault = {.kind = "stall", .step = stall->step, .epoch = run->trainer.cursor.epoch};
    if (!atomic_load(&run->place.entered))
        return; /* there is no folder yet, or it is another run's */
    fault.rank = stall->rank;
    if (stall->rank >= 0) {
        snprintf(fault.host, sizeof fault.host, "%s", stall->name.host);
        snprintf(fault.node, sizeof fault.node, "%s", stall->name.node);
    }
    snprintf(fault.text, sizeof fault.text, "%.*s", (int)strcspn(stall->text, "\n"), stall->text);
    lks_folder_note_fault(run->place.folder, &fault);
}

static void note_fault(lks_run *run, const lks_error *err) {
    const lks_fault *fault = lks_trainer_fault(&run->trainer, err);
    if (run->trainer.comm->rank == 0 && !run->options->dry_run)
        lks_folder_note_fault(run->place.folder, fault);
}

static lks_status train_with(lks_comm *comm, const lks_train_options *options, bool *stopped,
                             lks_error *err) {
    lks_run run;
    memset(&run, 0, sizeof run);
    run.options = options;
    lks_watchdog_notes(options->watchdog, options->dry_run ? NULL : note_stall, &run);
    lks_status status = train(&run, comm, stopped, err);
    if (status != LKS_OK)
        lks_run_rescue(&run);
    if (status == LKS_ERR_REPLICA)
        note_fault(&run, err);
    lks_tracing_end(&run.tracing, run.trainer.cursor.step - run.place.first_step);
    lks_watchdog_notes(options->watchdog, NULL, NULL);
    lks_run_close(&run);
    return status;
}

lks_status lks_train(lks_comm *comm, const lks_train_options *options, bool *stopped,
                     lks_error *err) {
    *stopped = false;
    if (!options->refit)
        return train_with(comm, options, stopped, err);
    lks_refit refit;
    LKS_TRY(lks_refit_prepare(&refit, comm, options, err));
    return train_with(comm, &refit.options, stopped, err);
}
