#include "train/proof/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/proof/bundle.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/timer.h"
#include "train/proof/windows.h"
#include "train/proof/witness.h"

typedef struct replay {
    const lks_replay_options *o;
    char folder[LKS_PATH_MAX]; /* of the run */
    char *unpacked;            /* rank 0: what a bundle was unpacked into; NULL: it is none */
    char config[LKS_FOLDER_PATH_MAX];
    lks_key_value values[2];
    lks_train_options train; /* what the run is made with */
    lks_run run;
    lks_recorded recorded; /* rank 0 */
    lks_witness witness;
    lks_windows windows;
    bool ended; /* the test results were compared, too */
} replay;

/* --- before the first step ---------------------------------------------------------------------- */

/* Rank 0: the folder of a bundle, or the one that was named. */
static lks_status find_folder(replay *p, lks_error *err) {
    struct stat info;
    const char *path = p->o->run;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode))
        LKS_TRY(lks_bundle_unpack(path, &p->unpacked, err));
    const int n = p->unpacked ? snprintf(p->folder, sizeof p->folder, "%s/run", p->unpacked)
                              : snprintf(p->folder, sizeof p->folder, "%s", path);
    return n < (int)sizeof p->folder
               ? LKS_OK
               : lks_fail(err, LKS_ERR_USAGE, "%s: the path is too long", path);
}

/* Puts the archive's name in place of the folder that it was unpacked into: "run.tar: run/history.h5". */
static void name_archive(const replay *p, lks_error *err) {
    char *at;
    if (!p->unpacked)
        return;
    const size_t length = strlen(p->unpacked);
    while ((at = strstr(err->text, p->unpacked))) {
        char rest[sizeof err->text];
        snprintf(rest, sizeof rest, "%s", at + length + (at[length] == '/'));
        snprintf(at, sizeof err->text - (size_t)(at - err->text), "%s: %s", p->o->run, rest);
    }
}

static lks_status share_folder(replay *p, lks_comm *comm, lks_error *err) {
    LKS_TRY(lks_comm_agree(comm, comm->rank == 0 ? find_folder(p, err) : LKS_OK, err));
    lks_comm_broadcast(comm, p->folder, sizeof p->folder, 0);
    return lks_comm_check(comm, err);
}

/* As the run was, but with threads, data and place of here. */
static void set_up(replay *p) {
    const lks_replay_options *o = p->o;
    int n = 0;
    p->values[n++] = (lks_key_value){"threads", "0"};
    if (o->data_dir)
        p->values[n++] = (lks_key_value){"data.dir", o->data_dir};
    p->train =
        (lks_train_options){.config = lks_folder_path(p->folder, LKS_FOLDER_CONFIG, p->config),
                            .sets = o->sets,
                            .n_sets = o->n_sets,
                            .values = p->values,
                            .n_values = n,
                            .out = p->folder,
                            .threads = o->threads,
                            .progress = LKS_PROGRESS_AUTO};
    p->run.options = &p->train;
}

/* Rank 0. */
static lks_status read_recorded(replay *p, lks_error *err) {
    const lks_trainer *t = &p->run.trainer;
    LKS_TRY(lks_recorded_read(&p->recorded, p->folder, &p->run.config, err));
    if (p->unpacked)
        LKS_TRY(lks_bundle_compare(p->unpacked, &p->recorded, err));
    if (strcmp(p->recorded.data_digest, t->data.identity.digest) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "the run's training images and labels have digest %.16s, these have %.16s; "
                        "--data-dir DIR says where others are",
                        p->recorded.data_digest, t->data.identity.digest);
    return lks_windows_choose(&p->windows, p->o, &p->recorded, t->plan.steps_per_epoch, err);
}

static lks_status share_windows(replay *p, lks_error *err) {
    lks_comm *comm = p->run.trainer.comm;
    lks_windows *w = &p->windows;
    lks_status status = LKS_OK;
    lks_comm_broadcast(comm, &w->n, sizeof w->n, 0);
    if (comm->rank != 0 && !(w->of = lks_alloc((size_t)w->n, sizeof *w->of, "windows", err)))
        status = err->status;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, w->of, (size_t)w->n * sizeof *w->of, 0);
    return lks_comm_check(comm, err);
}

/* Rank 0: the checkpoint that a fine-tuned run started from. */
static lks_status find_source(replay *p, lks_error *err) {
    const lks_init_source *s = &p->recorded.init_from;
    const char *path = p->o->init_from ? p->o->init_from : s->path;
    if (p->o->init_from && !s->path[0])
        return lks_fail(err, LKS_ERR_USAGE,
                        "--init-from %s: the run did not start from weights of another one",
                        p->o->init_from);
    if (s->path[0] && access(path, R_OK) != 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "the run started from weights of %s (weights_sha256 %.16s), which is not "
                        "there; give it with --init-from, or begin at a checkpoint with --steps",
                        s->path, s->weights_sha256);
    p->train.init_from = s->path[0] ? path : NULL;
    return LKS_OK;
}

static lks_status take_source(replay *p, lks_error *err) {
    lks_run *run = &p->run;
    lks_comm *comm = run->trainer.comm;
    bool any = false;
    LKS_TRY(lks_comm_agree(comm, comm->rank == 0 ? find_source(p, err) : LKS_OK, err));
    if (comm->rank == 0)
        any = p->train.init_from != NULL;
    lks_comm_broadcast(comm, &any, sizeof any, 0);
    LKS_TRY(lks_comm_check(comm, err));
    if (any && comm->rank != 0)
        p->train.init_from = ""; /* rank 0 reads */
    LKS_TRY(lks_run_init_from(run, err));
    lks_status status = LKS_OK;
    const lks_init_source *was = &p->recorded.init_from, *is = &run->provenance.init_from;
    if (comm->rank == 0 && strcmp(was->weights_sha256, is->weights_sha256) != 0)
        status = lks_fail(err, LKS_ERR_MISMATCH,
                          "the run started from weights %.16s, these are %.16s; --init-from names "
                          "others",
                          was->weights_sha256, is->weights_sha256);
    return lks_comm_agree(comm, status, err);
}

/* --- steps ------------------------------------------------------------------------------------ */

/* Rank 0: the record goes on from where the run stands; a chain that begins there is compared at once. */
static lks_status begin_record(replay *p, lks_error *err) {
    lks_record *r = &p->run.record;
    LKS_TRY(lks_record_begin(r, &p->run.trainer, &p->recorded.init_from, err));
    return r->history.chain.n == 1 ? lks_witness_start(&p->witness, &r->history.chain, err)
                                   : LKS_OK;
}

/* Rank 0: what the last step left, which no message tells of any more; and that training goes as far. */
static lks_status end_window(const replay *p, const lks_window *w, lks_error *err) {
    const lks_trainer *t = &p->run.trainer;
    if (t->trouble.status != LKS_OK) {
        *err = t->trouble;
        return err->status;
    }
    if (t->stop)
        return lks_fail(err, LKS_ERR_STOPPED,
                        "stopped %s after step %lld: nothing differed so far, and nothing is "
                        "verified",
                        lks_stop_reason(t->stop), (long long)t->cursor.step);
    return t->cursor.step == w->until
               ? LKS_OK
               : lks_fail(err, LKS_ERR_MISMATCH,
                          "training ends at step %lld, and the chain goes on to step %lld",
                          (long long)t->cursor.step, (long long)w->until);
}

static lks_status replay_window(replay *p, const lks_window *w, lks_error *err) {
    lks_run *run = &p->run;
    lks_trainer *t = &run->trainer;
    const bool first = t->comm->rank == 0;
    if (w->saved < 0)
        LKS_TRY(take_source(p, err));
    else
        LKS_TRY(lks_run_stand(run, first ? p->recorded.saved[w->saved].path : "", err));
    LKS_TRY(lks_comm_agree(t->comm, first ? begin_record(p, err) : LKS_OK, err));
    lks_info("replay     from %s: steps %lld to %lld",
             w->saved < 0 ? "the start" : strrchr(run->place.resumed_from, '/') + 1,
             (long long)w->start + 1, (long long)w->until);
    lks_progress_start(&run->record.progress, p->train.progress, run->config.train.epochs,
                       t->cursor.step);
    lks_status status = lks_run_advance(run, w->until, err);
    lks_progress_clear(&run->record.progress);
    LKS_TRY(status);
    return lks_comm_agree(t->comm, first ? end_window(p, w, err) : LKS_OK, err);
}

/* The results of the whole run, where the last window came to its end. */
static lks_status replay_end(replay *p, lks_error *err) {
    lks_run *run = &p->run;
    lks_comm *comm = run->trainer.comm;
    lks_predicted predicted = {0};
    p->ended = comm->rank == 0 && p->recorded.summary &&
               run->trainer.cursor.step == lks_chain_last(&p->recorded.history.chain);
    lks_comm_broadcast(comm, &p->ended, sizeof p->ended, 0);
    LKS_TRY(lks_comm_check(comm, err));
    if (!p->ended)
        return LKS_OK;
    if (!lks_trainer_over(&run->trainer)) /* a summary is of a run that is done */
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "the chain ends at step %lld, and by config.yaml training goes on to step "
                        "%lld: summary.json is of another length of training",
                        (long long)run->trainer.cursor.step,
                        (long long)run->trainer.plan.last_step);
    lks_status status = lks_run_conclude(run, &predicted, err);
    if (status == LKS_OK)
        status = lks_comm_agree(
            comm, comm->rank == 0 ? lks_witness_end(&p->witness, run, &predicted, err) : LKS_OK,
            err);
    lks_predicted_free(&predicted);
    return status;
}

/* --- what is told ------------------------------------------------------------------------------- */

static double recorded_seconds(const lks_history *h) {
    double seconds = 0;
    for (size_t e = 0; e < h->n_epochs; e++)
        seconds += h->epochs[e].seconds;
    return seconds;
}

static void print_range(const replay *p, char text[96]) {
    const lks_windows *w = &p->windows;
    if (p->o->audit)
        snprintf(text, 96, "%lld window%s drawn by seed %llu, %lld steps", (long long)w->n,
                 w->n == 1 ? "" : "s", (unsigned long long)p->o->seed,
                 (long long)lks_windows_cover(w));
    else
        snprintf(text, 96, "steps %lld to %lld", (long long)w->of[0].start + 1,
                 (long long)w->of[0].until);
}

/* The verdict is the result: printed with --quiet, too. */
static void tell(const replay *p, double seconds) {
    const lks_provenance *here = &p->run.provenance;
    const lks_history *h = &p->recorded.history;
    const int64_t last = lks_chain_last(&h->chain);
    char range[96];
    if (p->run.trainer.comm->rank != 0)
        return;
    print_range(p, range);
    lks_print(
        stdout,
        "verified:  %s of %lld (%.1f %% of the run), %lld epoch record%s and %lld checkpoint%s "
        "on the way%s; on %d rank%s x %d thread%s, %s, %s\n",
        range, (long long)last, 100.0 * (double)lks_windows_cover(&p->windows) / (double)last,
        (long long)p->witness.epochs, p->witness.epochs == 1 ? "" : "s",
        (long long)p->witness.checkpoints, p->witness.checkpoints == 1 ? "" : "s",
        p->ended ? ", test results and summary" : "", here->ranks, here->ranks == 1 ? "" : "s",
        here->threads, here->threads == 1 ? "" : "s", here->isa, here->compiler);
    if (p->ended && p->run.record.test->total > 0)
        lks_info("result     test accuracy %.2f %%, %lld of %lld",
                 100 * lks_accuracy(p->run.record.test), (long long)p->run.record.test->correct,
                 (long long)p->run.record.test->total);
    lks_info("cost       %.1f s; the run's own epochs took %.1f s", seconds, recorded_seconds(h));
    if (h->chain.first > 0)
        lks_info("before     step %lld there is no chain: an earlier version trained those steps",
                 (long long)h->chain.first);
    lks_info("unchecked  what no replay can tell: times, speeds, memory, hosts and versions");
}

/* What was there to be compared. A run that is under way has no summary yet; of one that is done somebody took it out. */
static void print_recorded(const replay *p) {
    const lks_recorded *r = &p->recorded;
    if (p->run.trainer.comm->rank != 0)
        return;
    const bool metrics = lks_folder_has(p->folder, LKS_FOLDER_METRICS);
    lks_info("recorded   chain, %s%s%d checkpoint%s%s fit each other",
             r->from_saved ? "" : "history.h5, ", metrics ? "metrics.jsonl, " : "", r->n_saved,
             r->n_saved == 1 ? "" : "s", r->summary ? " and summary.json" : "");
    if (!r->summary)
        lks_warn("there is no summary.json: the run is not done, or its results were taken out; "
                 "they are not verified");
    else if (r->from_saved || !metrics)
        lks_warn("there is no %s, which a run that is done has: it is not verified",
                 metrics ? "history.h5" : "metrics.jsonl");
}

static lks_status replay_all(replay *p, lks_comm *comm, lks_error *err) {
    LKS_TRY(share_folder(p, comm, err));
    set_up(p);
    LKS_TRY(lks_run_prepare(&p->run, comm, err));
    lks_trainer_print(&p->run.trainer, &p->run.provenance);
    if (p->run.config.train.reduce != LKS_REDUCE_EXACT)
        lks_warn("train.reduce: fp32: other numbers of ranks or threads than the run's give other "
                 "bits");
    LKS_TRY(lks_comm_agree(comm, comm->rank == 0 ? read_recorded(p, err) : LKS_OK, err));
    print_recorded(p);
    LKS_TRY(share_windows(p, err));
    const double began = lks_now();
    p->witness.recorded = &p->recorded;
    p->run.witness = comm->rank == 0 ? &p->witness : NULL;
    lks_phases_start(&p->run.trainer.phases);
    for (int64_t i = 0; i < p->windows.n; i++)
        LKS_TRY(replay_window(p, &p->windows.of[i], err));
    LKS_TRY(replay_end(p, err));
    tell(p, lks_now() - began);
    return LKS_OK;
}

lks_status lks_replay(lks_comm *comm, const lks_replay_options *options, lks_error *err) {
    replay *p = lks_alloc(1, sizeof *p, "a replay", err);
    const lks_status room = p ? LKS_OK : err->status;
    lks_status status = lks_comm_agree(comm, room, err);
    if (status == LKS_OK) {
        p->o = options;
        status = replay_all(p, comm, err);
        if (status != LKS_OK)
            name_archive(p, err);
        lks_run_close(&p->run);
        lks_recorded_free(&p->recorded);
        lks_free(p->windows.of);
        lks_bundle_remove(p->unpacked);
    }
    lks_free(p);
    return status;
}
