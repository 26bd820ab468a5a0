/* Everything before the first step: configuration, data, network, folder, resume. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed/packed/packed.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "files/publish.h"
#include "base/timer.h"
#include "run/work.h"
#include "train/run.h"

static lks_status name_folder(lks_place *p, const char *out, const char *name, lks_error *err) {
    int n = out ? snprintf(p->folder, sizeof p->folder, "%s", out)
                : snprintf(p->folder, sizeof p->folder, "runs/%s", name);
    if (n >= (int)sizeof p->folder)
        return lks_fail(err, LKS_ERR_USAGE, "--out: the path is too long");
    lks_folder_path(p->folder, LKS_FOLDER_CHECKPOINTS, p->checkpoints);
    return LKS_OK;
}

/* "X MiB" of the ranks: least and most; returns what the rank with most needs, at most. */
static double print_memory(const lks_trainer *t) {
    const lks_dataset *d = &t->data;
    const size_t bytes = lks_image_set_bytes(&d->train) + lks_image_set_bytes(&d->test) +
                         lks_dataset_list_bytes(d, t->comm);
    double data = (double)bytes / 1048576, least = data, most = data;
    double network = (double)lks_trainer_bytes(t) / 1048576;
    const double snapshots = (double)lks_run_snapshot_bytes(t) / 1048576;
    lks_comm_min_f64(t->comm, &least, 1);
    lks_comm_max_f64(t->comm, &most, 1);
    lks_comm_max_f64(t->comm, &network, 1);
    lks_info("memory     %.1f..%.1f MiB of images, labels and lists held per rank, %.1f MiB of "
             "network and "
             "batch, %.1f MiB of snapshots on rank 0",
             least, most, network, snapshots);
    return most + network + snapshots;
}

/* A run that train.max_steps cuts short is as short as somebody wanted it. */
static void print_remarks(const lks_run *run) {
    const lks_config *c = &run->config;
    const lks_plan *plan = &run->trainer.plan;
    char remarks[2][LKS_REMARK_MAX];
    if (*lks_config_optimizer_remark(c, remarks[0]))
        lks_info("optimizer  %s", remarks[0]);
    if (*lks_config_rate_remark(c, remarks[0]))
        lks_info("rate       %s", remarks[0]);
    if (*lks_config_idle_remark(c, run->trainer.comm->size, plan->batches * c->train.global_batch,
                                remarks[0]))
        lks_warn("%s", remarks[0]);
    if (plan->last_step < plan->total_steps)
        return;
    const int n = lks_config_step_remarks(c, plan->total_steps, !run->options->init_from, remarks);
    for (int i = 0; i < n; i++)
        lks_warn("%s", remarks[i]);
}

static void print_plan(const lks_run *run) {
    const lks_config *c = &run->config;
    int chunks = lks_chunks(c->train.global_batch, c->train.chunk);
    lks_trainer_print(&run->trainer, &run->provenance);
    lks_info("training   %d epoch%s of %lld steps%s, global batch %d in %d chunks of %d, seed %llu",
             c->train.epochs, c->train.epochs == 1 ? "" : "s",
             (long long)run->trainer.plan.steps_per_epoch,
             run->trainer.plan.last_step < run->trainer.plan.total_steps
                 ? " (cut short by train.max_steps)"
                 : "",
             c->train.global_batch, chunks, c->train.chunk, (unsigned long long)c->seed);
    lks_info("sums       %s",
             c->train.reduce == LKS_REDUCE_EXACT
                 ? "exact: the same bits on any number of ranks, threads and hosts"
                 : "plain float32: other numbers of ranks or threads may give other bits");
    if (run->trainer.comm->steered)
        lks_info(
            "allreduce  of %d to %d KiB by Rabenseifner's algorithm: Open MPI would take a slower "
            "one for so many ranks",
            LKS_STEERED_BYTES / 1024, LKS_STEERED_BELOW_BYTES / 1024);
    if (c->train.exchange == LKS_EXCHANGE_HOST)
        lks_info("exchange   host: sums are added up in memory that the ranks of a host share, "
                 "%.1f MiB on "
                 "this one; weights and optimizer state are there once",
                 (double)run->trainer.exchange.host.bytes / 1048576);
    else if (c->train.exchange == LKS_EXCHANGE_SCATTER)
        lks_info("exchange   scatter: each rank sums and updates its share of the weights, at most "
                 "%.1f %% of them, and sends it to all",
                 100 * lks_exchange_largest(&run->trainer));
    if (c->data.placement == LKS_PLACE_HOST)
        lks_info("placement  host: the training images are there once, in memory that the ranks of "
                 "a host share; none go from rank to rank");
    print_remarks(run);
}

/* Rank 0: from here on this process alone writes into the run folder; before it has touched nothing. */
static lks_status enter_folder(lks_place *p, const lks_train_options *o, lks_error *err) {
    char lives[LKS_FOLDER_PATH_MAX];
    const lks_lease_terms terms = {o->take_over, o->take_over_after};
    lks_folder_path(p->folder, LKS_FOLDER_LIVES, lives);
    if (o->dry_run)
        return lks_lease_look(lives, &terms, err);
    LKS_TRY(lks_lease_claim(&p->lease, lives, &terms, err));
    LKS_TRY(lks_publish_folder(p->checkpoints, err));
    lks_publish_clean(p->folder);
    lks_publish_clean(p->checkpoints);
    return LKS_OK;
}

/* Rank 0: for who looks on from outside, who does without it where it cannot be written. */
static lks_status tell_work(const lks_run *run, lks_error *err) {
    const lks_config *c = &run->config;
    const lks_plan *plan = &run->trainer.plan;
    lks_work work = {.first_step = run->trainer.cursor.step,
                     .last_step = plan->last_step,
                     .steps_per_epoch = plan->steps_per_epoch,
                     .epochs = c->train.epochs,
                     .step_images = (int64_t)c->train.global_batch * c->train.accumulate,
                     .parameters = (int64_t)run->trainer.view.n_parameters,
                     .ranks = run->trainer.comm->size,
                     .threads = run->trainer.threads,
                     .memory_mib = run->record.memory_mib};
    memcpy(work.name, c->name, sizeof work.name);
    memcpy(work.hosts, run->provenance.hosts, sizeof work.hosts);
    const lks_status status = lks_work_write(run->place.folder, &work, err);
    if (status == LKS_OK || status == LKS_ERR_BUSY)
        return status;
    lks_warn("%s; `lockstep info --follow` tells less", err->text);
    return LKS_OK;
}

/* Rank 0: the folder becomes that of a run which goes on. */
static lks_status take_possession(lks_run *run, lks_error *err) {
    LKS_TRY(lks_run_mend(run, err));
    if (!lks_trainer_over(&run->trainer))
        LKS_TRY(lks_run_remove_results(&run->place, err));
    LKS_TRY(tell_work(run, err));
    LKS_TRY(lks_run_start_output(run, err));
    run->place.saved_at = lks_now();
    return lks_saver_open(&run->saver, run->place.folder, run->config.checkpoint.keep, err);
}

static lks_status begin(lks_run *run, lks_error *err) {
    const lks_train_options *o = run->options;
    lks_comm *comm = run->trainer.comm;
    lks_status status = comm->rank == 0 ? enter_folder(&run->place, o, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    atomic_store(&run->place.entered, !o->dry_run);
    print_plan(run);
    if (!o->dry_run)
        run->record.memory_mib = print_memory(&run->trainer);
    LKS_TRY(lks_tracing_check(&run->tracing, comm, o->dry_run ? NULL : o->trace, o->trace_ranks,
                              err)); /* in a folder that is there; nothing is gone yet */
    LKS_TRY(lks_run_resume(run, err));
    LKS_TRY(lks_run_init_from(run, err));
    status = comm->rank == 0 ? lks_run_find_best(run, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    run->place.first_step = run->trainer.cursor.step;
    /* What came from a given file has to be saved in this folder too. */
    bool given = o->resume && strcmp(o->resume, "auto") != 0;
    run->place.saved_step = run->place.resumed_from[0] && !given ? run->trainer.cursor.step : -1;
    if (run->trainer.cursor.step > run->trainer.plan.last_step)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s stands at step %lld, beyond the end of this run at %lld (train.epochs, "
                        "train.max_steps)",
                        run->place.resumed_from, (long long)run->trainer.cursor.step,
                        (long long)run->trainer.plan.last_step);
    if (o->dry_run)
        return lks_run_report(run, err);
    return lks_comm_agree(comm, comm->rank == 0 ? take_possession(run, err) : LKS_OK, err);
}

/* Rank 0: a run that cannot begin leaves no empty folder behind, unless others are in it. */
static void leave_folder(lks_place *p, size_t there) {
    char lives[LKS_FOLDER_PATH_MAX];
    lks_error ignored;
    if (lks_publish_allowed(&ignored) != LKS_OK)
        return;
    if (p->lease)
        lks_publish_unfolder(p->checkpoints, there);
    lks_lease_release(p->lease, true);
    p->lease = NULL;
    lks_publish_unfolder(lks_folder_path(p->folder, LKS_FOLDER_LIVES, lives), there);
}

static lks_status start(lks_run *run, lks_error *err) {
    const size_t there = lks_publish_there(run->place.checkpoints);
    lks_status status = begin(run, err);
    if (status != LKS_OK && status != LKS_ERR_BUSY && status != LKS_ERR_STOPPED &&
        run->trainer.comm->rank == 0)
        leave_folder(&run->place, there);
    return status;
}

static lks_status configure(lks_run *run, lks_comm *comm, lks_error *err) {
    const lks_train_options *o = run->options;
    LKS_TRY(lks_config_load(comm, o->config, o->sets, o->n_sets, &run->config, err));
    lks_status status = lks_config_override(&run->config, o->values, o->n_values, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(lks_packed_take(&run->config, comm, err));
    if (!(run->config_yaml = lks_config_to_yaml(&run->config, err)))
        status = err->status;
    return lks_comm_agree(comm, status, err);
}

static lks_status make_trainer(lks_run *run, lks_comm *comm, lks_error *err) {
    const lks_train_options *o = run->options;
    lks_trainer *t = &run->trainer;
    int threads;
    LKS_TRY(lks_choose_threads(comm, o->threads ? o->threads : run->config.threads, &threads, err));
    LKS_TRY(lks_trainer_open(t, comm, &run->config, threads, false, err));
    LKS_TRY(lks_comm_agree(comm, lks_record_open(&run->record, t, err), err));
    lks_fill_provenance(&run->provenance, comm, t->kernels, t->threads);
    return LKS_OK;
}

static lks_status name_parts(lks_run *run, lks_comm *comm, lks_error *err) {
    LKS_TRY(configure(run, comm, err));
    return name_folder(&run->place, run->options->out, run->config.name, err);
}

lks_status lks_run_prepare(lks_run *run, lks_comm *comm, lks_error *err) {
    LKS_TRY(name_parts(run, comm, err));
    return make_trainer(run, comm, err);
}

lks_status lks_run_open(lks_run *run, lks_comm *comm, lks_error *err) {
    LKS_TRY(name_parts(run, comm, err));
    LKS_TRY(lks_run_check_places(run, comm, err));
    LKS_TRY(make_trainer(run, comm, err));
    return start(run, err);
}

void lks_run_close(lks_run *run) {
    lks_saver_close(run->saver);
    lks_record_close(&run->record);
    lks_lease_release(run->place.lease, false);
    lks_trainer_close(&run->trainer);
    free(run->config_yaml);
    lks_config_free(&run->config);
}
