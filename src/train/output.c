/* The run folder's files, apart from checkpoints. Rank 0 only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "files/publish.h"
#include "lockstep/report.h"
#include "base/shell.h"
#include "run/summary.h"
#include "train/events/show.h"
#include "train/run.h"

lks_status lks_run_start_output(lks_run *run, lks_error *err) {
    const char *folder = run->place.folder;
    LKS_TRY(lks_folder_write_config(folder, run->config_yaml, err));
    LKS_TRY(lks_record_begin(&run->record, &run->trainer, &run->provenance.init_from, err));
    LKS_TRY(lks_record_publish(&run->record, folder, err));
    return lks_show_open(run, err);
}

static lks_status write_history(const lks_record *r, const char *path,
                                const lks_predicted *predicted, lks_error *err) {
    if (!predicted)
        return lks_history_write(path, &r->history, NULL, err);
    const lks_predictions test = {.classes = r->test->classes,
                                  .n = r->test->total,
                                  .confusion = r->test->confusion,
                                  .labels = predicted->labels,
                                  .predicted = predicted->classes,
                                  .probabilities = predicted->probabilities};
    return lks_history_write(path, &r->history, &test, err);
}

lks_status lks_run_write_history(const lks_run *run, const lks_predicted *predicted,
                                 lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_error unremoved;
    lks_folder_path(run->place.folder, LKS_FOLDER_HISTORY, path);
    const lks_status status = write_history(&run->record, path, predicted, err);
    if (status == LKS_OK || status == LKS_ERR_BUSY)
        return status;
    lks_warn("%s; the same command tries again", err->text);
    if (lks_publish_remove(path, &unremoved) != LKS_OK) /* it would be taken for this run's */
        lks_warn("%s", unremoved.text);
    return LKS_OK;
}

lks_status lks_run_write_page(const lks_place *place, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    const char *folder = place->folder;
    lks_folder_path(place->folder, LKS_FOLDER_REPORT, path);
    const lks_report_options plain = {0}; /* what takes long is for later */
    const lks_status status = lks_report_write(&folder, 1, &plain, path, err);
    if (status == LKS_OK || status == LKS_ERR_BUSY)
        return status;
    char *word = lks_shell_word(folder);
    lks_warn("no report was written; `lockstep report %s` tries again: %s", word ? word : folder,
             err->text);
    free(word);
    return LKS_OK;
}

lks_status lks_run_remove_results(const lks_place *place, lks_error *err) {
    static const lks_folder_file results[] = {LKS_FOLDER_SUMMARY, LKS_FOLDER_REPORT};
    char path[LKS_FOLDER_PATH_MAX];
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        const lks_status status =
            lks_publish_remove(lks_folder_path(place->folder, results[i], path), err);
        if (status == LKS_ERR_BUSY)
            return status;
        if (status != LKS_OK)
            lks_warn("%s; until this run ends it is that of an earlier end", err->text);
    }
    return LKS_OK;
}

static lks_summary_work work_of(const lks_trainer *t, const lks_record *r) {
    const lks_stopwatch *w = &r->watch;
    return (lks_summary_work){
        .parameters = (int64_t)t->view.n_parameters,
        .stopped_early = lks_early_stop_reached(&t->cursor.early_stop, &t->config->train),
        .train_seconds = t->train_seconds,
        .images_per_second =
            w->trained_seconds > 0 ? (double)w->trained_samples / w->trained_seconds : 0,
        .comm_seconds = w->trained_comm,
        .sent_bytes_per_step = r->sent_per_step,
        .energy_joules = r->energy.hosts > 0 ? r->energy.joules : NAN,
        .phases = r->phase_times,
        .resident = r->resident};
}

/* `state` has the run's digests. */
static lks_summary summary_of(lks_run *run, const char *status, const lks_checkpoint *state) {
    const lks_record *r = &run->record;
    return (lks_summary){
        .status = status,
        .results = {r->test, r->validation, r->tested, r->contested, r->contested_wrong},
        .work = work_of(&run->trainer, r),
        .state = state,
        .resumed_from = run->place.resumed_from,
        .precision = lks_precision_word(run->config.train.precision),
        .unit = lks_products_unit(&run->config, run->trainer.kernels),
        .exchange = lks_exchange_word(run->config.train.exchange)};
}

lks_status lks_run_summary_text(lks_run *run, const char *status, char **text, lks_error *err) {
    lks_checkpoint state;
    lks_run_snapshot(run, &state);
    LKS_TRY(lks_checkpoint_digest(&state, err));
    const lks_summary s = summary_of(run, status, &state);
    return lks_summary_text(&s, text, err);
}

lks_status lks_run_write_summary(lks_run *run, const char *status, lks_error *err) {
    lks_checkpoint state;
    lks_run_snapshot(run, &state);
    LKS_TRY(lks_checkpoint_digest(&state, err));
    const lks_summary s = summary_of(run, status, &state);
    return lks_summary_write(run->place.folder, &s, state.cursor.step != run->place.first_step,
                             err);
}
