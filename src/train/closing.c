/* What is printed at the end of a run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "base/memory.h"
#include "measure/phase_times.h"
#include "base/shell.h"
#include "train/run.h"

/* More are told as a range. */
#define RANKS_LISTED 32

static void list_samples(const int64_t *all, int ranks, char *line, size_t size) {
    size_t length = 0;
    int64_t least = all[0], most = all[0];
    for (int r = 0; r < ranks; r++) {
        least = all[r] < least ? all[r] : least;
        most = all[r] > most ? all[r] : most;
        if (ranks <= RANKS_LISTED)
            length += (size_t)snprintf(line + length, size - length, "%s%lld", r ? ", " : "",
                                       (long long)all[r]);
    }
    if (ranks > RANKS_LISTED)
        snprintf(line, size, "%lld to %lld", (long long)least, (long long)most);
}

/* "30000, 30000, ..." and the promise that this very process has checked. */
static void print_samples(const lks_trainer *t, int64_t verified) {
    int ranks = t->comm->size;
    lks_error err;
    int64_t *all = NULL;
    if (t->comm->rank == 0 && !(all = lks_alloc((size_t)ranks, sizeof *all, "ranks", &err)))
        lks_comm_fail(t->comm, &err);
    lks_comm_gather(t->comm, &t->computed, 1, sizeof t->computed, all, NULL);
    if (lks_comm_check(t->comm, NULL) != LKS_OK || !all) {
        lks_free(all);
        return;
    }
    char line[32 * RANKS_LISTED], checked[128] = "";
    list_samples(all, ranks, line, sizeof line);
    if (verified > 0)
        snprintf(checked, sizeof checked,
                 "; every sample seen once an epoch, replicas equal: checked after %lld epoch%s",
                 (long long)verified, verified == 1 ? "" : "s");
    lks_info("samples    computed by each rank: %s%s", line, checked);
    lks_free(all);
}

/* Buffers of the exchange between ranks, now that their size is known. */
static void print_exchange(const lks_trainer *t) {
    double mib = (double)lks_loader_bytes(t->loader) / 1048576;
    lks_comm_max_f64(t->comm, &mib, 1);
    if (mib > 0)
        lks_info("exchange   buffers of at most %.1f MiB per rank", mib);
    const lks_packed_sum *s = &t->exchange.sum;
    const double plain = 1e3 * s->trial[0][0], packed = 1e3 * s->trial[1][0];
    if (s->chooses && s->trials == 0)
        lks_info("message    %s: %.3g ms packed, %.3g ms as it is, in the first steps",
                 s->blocks ? "packed" : "not packed", packed, plain);
}

static void print_memory(lks_record *r, lks_comm *comm) {
    r->resident = lks_resident_peak(comm);
    lks_info("memory     at most %.1f..%.1f MiB resident per rank", r->resident.least,
             r->resident.most);
}

static void print_sent(lks_record *r, lks_comm *comm) {
    const lks_stopwatch *w = &r->watch;
    r->sent_per_step =
        w->trained_steps > 0 ? (double)w->trained_sent / (double)w->trained_steps : 0;
    lks_comm_max_f64(comm, &r->sent_per_step, 1);
    if (comm->size > 1 && w->trained_steps > 0)
        lks_info("sent       at most %.0f bytes by a rank in a step, sums and images",
                 r->sent_per_step);
}

/* From the first step to here, as the phases. */
static void print_energy(lks_record *r, lks_comm *comm) {
    const lks_job_energy *e = &r->energy;
    lks_job_energy_take(&r->energy, comm);
    if (e->hosts > 0 && !isnan(e->joules))
        lks_info("energy     %.4g J in the processors of %d of %d host%s, all that ran there",
                 e->joules, e->hosts, comm->hosts, comm->hosts == 1 ? "" : "s");
    else if (e->own.denied)
        lks_info("energy     not told: this user may not read %s/intel-rapl:*/energy_uj",
                 e->own.folder);
}

/* From the first step to here, the last evaluation and checkpoint included. */
static void print_phases(lks_record *r, lks_trainer *t, bool worked) {
    r->phase_times = lks_phases_sum(&t->phases, t->comm);
    if (lks_log_enabled() && worked)
        lks_phase_times_print(stdout, "time per phase, seconds", &r->phase_times);
}

/* By this process: those before a stop are not among them. */
static void print_audit(const lks_trainer *t) {
    const long long n = t->audit.batches;
    if (t->audit.sent)
        lks_info("audit      %lld batch%s computed a second time, %s: nothing differs", n,
                 n == 1 ? "" : "es",
                 t->comm->size > 1 ? "each chunk by another rank" : "by this rank, which is alone");
}

void lks_run_print_work(lks_trainer *t, lks_record *r, bool ended, bool worked) {
    if (ended) {
        print_samples(t, r->verified);
        print_exchange(t);
        print_audit(t);
    }
    print_memory(r, t->comm);
    print_sent(r, t->comm);
    print_energy(r, t->comm);
    print_phases(r, t, worked);
}

static void print_early_stop(const lks_trainer *t) {
    const lks_watch_state *w = &t->cursor.early_stop;
    bool loss = t->config->train.stop_watch == LKS_WATCH_LOSS;
    if (lks_early_stop_reached(w, &t->config->train))
        lks_info(
            "stopped early after epoch %lld of %d: validation %s no better in %lld evaluation%s; "
            "best after epoch %lld: %.*f%s",
            (long long)t->cursor.epoch, t->config->train.epochs, loss ? "loss" : "accuracy",
            (long long)w->bad, w->bad == 1 ? "" : "s", (long long)w->best_epoch, loss ? 5 : 2,
            loss ? w->best : 100 * w->best, loss ? "" : " %");
}

/* Validation has told the best number of epochs; its images can be trained on as well now. */
static void suggest_refit(const lks_trainer *t, const lks_best *best, const char *folder) {
    if (t->data.rule.n_validation == 0 || best->step == 0 ||
        t->config->train.schedule.name == LKS_SCHEDULE_PLATEAU)
        return;
    char *word = lks_shell_word(folder);
    const long long epochs = (long long)(best->step / t->plan.steps_per_epoch);
    lks_info(
        "best after epoch %lld; to train on all images for %lld epoch%s: lockstep train --refit %s",
        epochs, epochs, epochs == 1 ? "" : "s", word ? word : folder);
    free(word);
}

void lks_run_print_results(const lks_run *run) {
    const lks_record *r = &run->record;
    const lks_data_config *data = &run->config.data;
    char title[96] = "test";
    if (!lks_log_enabled())
        return;
    if (r->validation->total > 0)
        lks_counts_print(r->validation, data, "validation", stdout);
    if (lks_run_tests_best(run))
        snprintf(title, sizeof title, "test, best weights by validation (step %lld)",
                 (long long)r->best.step);
    if (run->trainer.data.has_test)
        lks_counts_print(r->test, data, title, stdout);
}

/* The noise scale B: a batch of b needs 1 + B/b times the fewest steps (McCandlish et al. 2018, equation 2.11). */
static void print_noise(const lks_record *r, const lks_train_config *c) {
    const lks_history *h = &r->history;
    const lks_epoch_record *e = h->n_epochs ? &h->epochs[h->n_epochs - 1] : NULL;
    const double batch = (double)c->global_batch * c->accumulate;
    if (!e || !(e->noise_scale > 0))
        return;
    lks_info("noise      scale %.3g in epoch %d: with %.0f images a step training takes about %.3g "
             "times the fewest steps; with %.3g, twice, and beyond that more ranks hardly save "
             "steps",
             e->noise_scale, e->epoch, batch, 1 + e->noise_scale / batch, e->noise_scale);
}

void lks_run_print_end(const lks_run *run) {
    print_noise(&run->record, &run->config.train);
    print_early_stop(&run->trainer);
    suggest_refit(&run->trainer, &run->record.best, run->place.folder);
}

void lks_run_print_weights(const lks_trainer *t, const lks_tested *tested, const char *folder) {
    char last[LKS_SHA256_HEX];
    lks_error err;
    if (!lks_log_enabled())
        return;
    if (lks_sha256_buffer(t->view.weights, t->view.n_weights * sizeof(float), last, &err) !=
        LKS_OK) {
        lks_warn("no digest of the weights: %s", err.text);
        return;
    }
    lks_info("weights    %s", last);
    if (tested->weights_sha256[0] && strcmp(tested->weights_sha256, last) != 0)
        lks_info("tested     %s (%s%s, step %lld)", tested->weights_sha256,
                 tested->best ? "best by validation" : "last", tested->average ? ", averaged" : "",
                 (long long)tested->step);
    char *word = lks_shell_word(folder);
    lks_info("compare    lockstep diff %s OTHER_RUN", word ? word : folder);
    free(word);
}
