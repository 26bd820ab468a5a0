/* The training loop. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "lockstep/phase_times.h"
#include "lockstep/shell.h"
#include "lockstep/shell.h"
#include "lockstep/timer.h"
#include "train/refit.h"
#include "train/run.h"

bool lks_run_over(const lks_run *run) {
    return run->cursor.step >= run->last_step ||
           lks_early_stop_reached(&run->cursor.early_stop, &run->config.train);
}

static void enter_epoch(lks_run *run) {
    run->validation->total = run->test->total = 0; /* results of other weights */
    lks_loader_seek(run->loader, run->cursor.epoch, run->cursor.batch);
    lks_phases_open_epoch(&run->phases, run->cursor.epoch + 1);
    run->epoch_started = lks_now();
    run->epoch_comm = run->comm->seconds;
    run->epoch_samples_before = run->cursor.samples_seen;
    run->gradient_norm = NAN; /* none measured in this epoch yet */
}

/* Wall time of this visit to the epoch on the slowest rank. */
static void leave_epoch(lks_run *run) {
    double times[2] = {lks_now() - run->epoch_started, run->comm->seconds - run->epoch_comm};
    lks_comm_max_f64(run->comm, times, 2);
    run->epoch_seconds = times[0];
    run->epoch_comm = times[1];
    run->trained_seconds += times[0];
    run->trained_comm += times[1];
    run->trained_samples += run->cursor.samples_seen - run->epoch_samples_before;
    lks_phases_divide(&run->phases, run->comm);
}

static double images_per_second(const lks_run *run, double seconds) {
    int64_t samples = run->cursor.samples_seen - run->epoch_samples_before;
    return seconds > 0 ? (double)samples / seconds : 0;
}

static lks_status save_timed(lks_run *run, bool best, lks_error *err) {
    double started = lks_now();
    lks_status status = lks_run_save(run, best, err);
    run->trained_seconds += lks_now() - started;
    return status;
}

static lks_status after_step(lks_run *run, lks_error *err) {
    const lks_cursor *c = &run->cursor;
    const lks_config *config = &run->config;
    int64_t every = config->metrics.every_steps;
    lks_status status = LKS_OK;
    if (run->comm->rank == 0 && every > 0 && c->step % every == 0)
        status = lks_run_record_step(run, err);
    if (status != LKS_OK)
        lks_comm_abort(run->comm, 1, err->text); /* the others are on their way to the next step */
    double elapsed = lks_now() - run->epoch_started;
    const lks_standing now = {c->step,
                              run->last_step,
                              c->batch,
                              run->batches,
                              c->epoch + 1,
                              run->step_loss,
                              run->step_accuracy,
                              images_per_second(run, elapsed),
                              (run->comm->seconds - run->epoch_comm) / elapsed};
    lks_progress_step(&run->progress, &now);
    bool at_end = c->batch == run->batches || c->step == run->last_step;
    if (config->checkpoint.every_steps > 0 && c->step % config->checkpoint.every_steps == 0 &&
        !at_end)
        return lks_run_save(run, false, err);
    return LKS_OK;
}

static lks_status record_epoch(lks_run *run, lks_error *err) {
    const lks_cursor *c = &run->cursor;
    double n = (double)c->epoch_samples;
    const lks_epoch_record r = {.epoch = (int32_t)c->epoch,
                                .step = c->step,
                                .lr = run->lr,
                                .train_loss = lks_limbs_value(c->loss) / n,
                                .train_accuracy = (double)c->correct / n,
                                .validation_loss = lks_mean_loss(run->validation),
                                .validation_accuracy = lks_accuracy(run->validation),
                                .test_loss = lks_mean_loss(run->test),
                                .test_accuracy = lks_accuracy(run->test),
                                .images_per_second = images_per_second(run, run->epoch_seconds),
                                .seconds = run->epoch_seconds,
                                .comm_seconds = run->epoch_comm,
                                .phases = lks_phases_take(&run->phases, run->comm)};
    lks_status status = LKS_OK;
    if (run->comm->rank == 0) {
        status = lks_history_add_epoch(&run->history, &r, err);
        if (status == LKS_OK)
            status = lks_run_log_epoch(run, &r, err);
    }
    LKS_TRY(lks_comm_agree(run->comm, status, err));
    lks_progress_epoch(&run->progress, &r, run->gradient_norm, run->last_step);
    return LKS_OK;
}

static lks_status complete_epoch(lks_run *run, lks_error *err) {
    lks_cursor *c = &run->cursor;
    c->epoch++;
    c->batch = 0;
    lks_phases_enter(&run->phases, LKS_PHASE_VERIFY);
    LKS_TRY(lks_run_verify_epoch(run, err));
    run->verified++;
    lks_phases_enter(&run->phases, LKS_PHASE_EVALUATE);
    LKS_TRY(lks_run_evaluate_epoch(run, err));
    lks_phases_enter(&run->phases, LKS_PHASE_OTHER);
    LKS_TRY(record_epoch(run, err));
    c->loss = (lks_limbs){0, 0};
    c->correct = c->epoch_samples = 0;
    c->epoch_hash = 0;
    bool best = lks_run_is_best(run);
    lks_run_decide(run);
    const lks_checkpoint_config *k = &run->config.checkpoint;
    bool due = (k->every_epochs > 0 && c->epoch % k->every_epochs == 0) ||
               (k->every_steps > 0 && c->step % k->every_steps == 0);
    if (best || due || run->stop || lks_run_over(run))
        return save_timed(run, best, err);
    return LKS_OK;
}

static lks_status train_all(lks_run *run, lks_error *err) {
    while (!lks_run_over(run) && !run->stop) {
        enter_epoch(run);
        while (run->cursor.batch < run->batches && run->cursor.step < run->last_step &&
               !run->stop) {
            LKS_TRY(lks_run_step(run, err));
            LKS_TRY(after_step(run, err));
        }
        leave_epoch(run);
        if (run->cursor.batch == run->batches)
            LKS_TRY(complete_epoch(run, err));
        lks_phases_close_epoch(&run->phases);
    }
    if (run->saved_step != run->cursor.step)
        LKS_TRY(save_timed(run, false, err));
    return LKS_OK;
}

/* More are told as a range. */
#define RANKS_LISTED 32

/* "30000, 30000, ..." and the promise that this very process has checked. */
static void report_samples(lks_run *run) {
    int ranks = run->comm->size;
    int64_t *all = run->comm->rank == 0 ? malloc(sizeof *all * (size_t)ranks) : NULL;
    if (run->comm->rank == 0 && !all)
        lks_comm_abort(run->comm, 1, "out of memory for the table of ranks");
    lks_comm_gather(run->comm, &run->computed, 1, sizeof run->computed, all, NULL);
    if (!all)
        return;
    char line[32 * RANKS_LISTED] = "", checked[128] = "";
    size_t length = 0;
    int64_t least = all[0], most = all[0];
    for (int r = 0; r < ranks; r++) {
        least = all[r] < least ? all[r] : least;
        most = all[r] > most ? all[r] : most;
        if (ranks <= RANKS_LISTED)
            length += (size_t)snprintf(line + length, sizeof line - length, "%s%lld", r ? ", " : "",
                                       (long long)all[r]);
    }
    if (ranks > RANKS_LISTED)
        snprintf(line, sizeof line, "%lld to %lld", (long long)least, (long long)most);
    if (run->verified > 0)
        snprintf(checked, sizeof checked,
                 "; every sample seen once an epoch, replicas equal: checked after %lld epoch%s",
                 (long long)run->verified, run->verified == 1 ? "" : "s");
    lks_info("samples    computed by each rank: %s%s", line, checked);
    free(all);
}

static lks_status write_results(lks_run *run, const lks_predicted *predicted, lks_error *err) {
    LKS_TRY(lks_run_write_history(run, predicted, err));
    LKS_TRY(lks_run_end_metrics(run, err));
    return lks_run_write_summary(run, "done", err);
}

/* Buffers of the exchange between ranks, now that their size is known. */
static void report_exchange(lks_run *run) {
    double mib = (double)lks_loader_bytes(run->loader) / 1048576;
    lks_comm_max_f64(run->comm, &mib, 1);
    if (mib > 0)
        lks_info("exchange   buffers of at most %.1f MiB per rank", mib);
}

static void report_memory(lks_run *run) {
    run->resident = lks_resident_peak(run->comm);
    lks_info("memory     at most %.1f..%.1f MiB resident per rank", run->resident.least,
             run->resident.most);
}

/* From the first step to here, the last evaluation and checkpoint included. */
static void report_phases(lks_run *run) {
    run->phase_times = lks_phases_sum(&run->phases, run->comm);
    if (lks_log_enabled() && run->cursor.step > run->first_step)
        lks_phase_times_print(stdout, "time per phase, seconds", &run->phase_times);
}

static void report_early_stop(const lks_run *run) {
    const lks_watch_state *w = &run->cursor.early_stop;
    bool loss = run->config.train.stop_watch == LKS_WATCH_LOSS;
    if (lks_early_stop_reached(w, &run->config.train))
        lks_info(
            "stopped early after epoch %lld of %d: validation %s no better in %lld evaluation%s; "
            "best after epoch %lld: %.*f%s",
            (long long)run->cursor.epoch, run->config.train.epochs, loss ? "loss" : "accuracy",
            (long long)w->bad, w->bad == 1 ? "" : "s", (long long)w->best_epoch, loss ? 5 : 2,
            loss ? w->best : 100 * w->best, loss ? "" : " %");
}

/* Validation has told the best number of epochs; its images can be trained on as well now. */
static void suggest_refit(const lks_run *run) {
    if (run->data.split.n_validation == 0 || run->best.step == 0 ||
        run->config.train.schedule.name == LKS_SCHEDULE_PLATEAU)
        return;
    char *folder = lks_shell_word(run->folder);
    lks_info("best after epoch %lld; to train on all images for so long: lockstep train --refit %s",
             (long long)(run->best.step / run->steps_per_epoch), folder ? folder : run->folder);
    free(folder);
}

/* The test figures, and of which weights they are where that is not plain. */
static void print_test(const lks_run *run) {
    char title[96] = "test";
    if (lks_run_tests_best(run))
        snprintf(title, sizeof title, "test, best weights by validation (step %lld)",
                 (long long)run->best.step);
    lks_counts_print(run->test, &run->config.data, title, stdout);
}

/* Which weights the run ends with, and how to compare them with another run's: at the end, where one
 * finds them. */
static void print_weights(const lks_run *run) {
    const lks_tested *t = &run->tested;
    char last[LKS_SHA256_HEX];
    lks_error err;
    if (run->comm->rank != 0 || !lks_log_enabled())
        return;
    if (lks_sha256_buffer(run->view.weights, run->view.n_weights * sizeof(float), last, &err) !=
        LKS_OK) {
        lks_warn("no digest of the weights: %s", err.text);
        return;
    }
    lks_info("weights    %s", last);
    if (t->weights_sha256[0] && strcmp(t->weights_sha256, last) != 0)
        lks_info("tested     %s (%s%s, step %lld)", t->weights_sha256,
                 lks_run_tests_best(run) ? "best by validation" : "last",
                 t->average ? ", averaged" : "", (long long)t->step);
    char *folder = lks_shell_word(run->folder);
    lks_info("compare    lockstep diff %s OTHER_RUN", folder ? folder : run->folder);
    free(folder);
}

static lks_status finish(lks_run *run, lks_error *err) {
    lks_predicted predicted = {0};
    bool has_test = run->data.has_test;
    lks_phases_enter(&run->phases, LKS_PHASE_EVALUATE);
    LKS_TRY(lks_run_evaluate_end(run, &predicted, err));
    lks_phases_enter(&run->phases, LKS_PHASE_OTHER);
    report_samples(run);
    report_exchange(run);
    report_memory(run);
    report_phases(run);
    lks_status status = LKS_OK;
    if (run->comm->rank == 0) {
        status = write_results(run, has_test ? &predicted : NULL, err);
        if (status == LKS_OK && lks_log_enabled()) {
            if (run->validation->total > 0)
                lks_counts_print(run->validation, &run->config.data, "validation", stdout);
            if (has_test)
                print_test(run);
        }
    }
    lks_predicted_free(&predicted);
    LKS_TRY(lks_comm_agree(run->comm, status, err));
    report_early_stop(run);
    suggest_refit(run);
    if (run->comm->rank == 0)
        lks_run_write_page(run);
    lks_info("\nrun folder %s%s", run->folder,
             run->cursor.step == run->first_step ? " (was complete: nothing left to train)" : "");
    print_weights(run);
    return LKS_OK;
}

static lks_status stop(lks_run *run, lks_error *err) {
    lks_status status = LKS_OK;
    lks_progress_clear(&run->progress);
    if (run->comm->rank == 0) {
        status = lks_run_write_history(run, NULL, err);
        if (status == LKS_OK)
            status = lks_run_check_metrics(run, err);
    }
    LKS_TRY(lks_comm_agree(run->comm, status, err));
    report_memory(run);
    report_phases(run);
    bool automatic = !run->options->resume || strcmp(run->options->resume, "auto") == 0;
    lks_info("stopped at step %lld of %lld %s; checkpoint saved in %s; the same command %sgoes on",
             (long long)run->cursor.step, (long long)run->last_step, lks_stop_reason(run->stop),
             run->checkpoints, automatic ? "" : "with --resume auto ");
    print_weights(run);
    return LKS_OK;
}

static lks_status train(lks_run *run, bool *stopped, lks_error *err) {
    LKS_TRY(lks_run_open(run, err));
    if (run->options->dry_run)
        return LKS_OK;
    if (run->resumed_from[0])
        lks_info("resumed    from %s: step %lld of %lld", run->resumed_from,
                 (long long)run->cursor.step, (long long)run->last_step);
    lks_progress_start(&run->progress, run->options->progress, run->config.train.epochs,
                       run->cursor.step);
    LKS_TRY(lks_tracing_start(&run->tracing, run->threads, err));
    lks_phases_start(&run->phases);
    lks_status status = train_all(run, err);
    lks_progress_clear(&run->progress);
    LKS_TRY(status);
    *stopped = run->stop && !lks_run_over(run);
    return *stopped ? stop(run, err) : finish(run, err);
}

static lks_status train_with(lks_comm *comm, const lks_train_options *options, bool *stopped,
                             lks_error *err) {
    lks_run run;
    memset(&run, 0, sizeof run);
    run.comm = comm;
    run.options = options;
    lks_status status = train(&run, stopped, err);
    lks_tracing_end(&run.tracing, run.cursor.step - run.first_step);
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
