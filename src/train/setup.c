/* Everything before the first step: configuration, data, network, folder, resume. */
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/publish.h"
#include "train/run.h"

static lks_status name_folder(lks_run *run, lks_error *err) {
    const char *out = run->options->out;
    int n = out ? snprintf(run->folder, sizeof run->folder, "%s", out)
                : snprintf(run->folder, sizeof run->folder, "runs/%s", run->config.name);
    if (n >= (int)sizeof run->folder)
        return lks_fail(err, LKS_ERR_USAGE, "--out: the path is too long");
    snprintf(run->checkpoints, sizeof run->checkpoints, "%s/checkpoints", run->folder);
    return LKS_OK;
}

static void plan_steps(lks_run *run) {
    const lks_train_config *t = &run->config.train;
    run->batches = lks_loader_batches(run->loader);
    run->steps_per_epoch = (run->batches + t->accumulate - 1) / t->accumulate;
    run->total_steps = run->steps_per_epoch * t->epochs;
    run->last_step =
        t->max_steps > 0 && t->max_steps < run->total_steps ? t->max_steps : run->total_steps;
}

static void sum_moments(void *context, int64_t *values, size_t n) {
    lks_run *run = context;
    lks_phase before = lks_phases_meet(&run->phases);
    lks_comm_sum_i64(run->comm, values, n);
    lks_phases_part(&run->phases, before);
}

static lks_status weigh_classes(lks_run *run, lks_error *err) {
    const lks_train_config *t = &run->config.train;
    const lks_dataset *d = &run->data;
    int classes = d->identity.classes;
    double factors[LKS_CLASSES_MAX];
    if (t->class_weighting == LKS_WEIGHTING_NONE)
        return LKS_OK;
    if (t->class_weighting == LKS_WEIGHTING_GIVEN) {
        if (t->n_class_weights != classes)
            return lks_fail(err, LKS_ERR_CONFIG,
                            "train.class_weights has %d values, the data have %d classes",
                            t->n_class_weights, classes);
        lks_model_weigh_classes(run->model, t->class_weights);
        return LKS_OK;
    }
    int64_t count[LKS_CLASSES_MAX] = {0};
    for (int64_t i = 0; i < d->epoch.count; i++)
        count[d->train.labels[d->epoch.images[i]]]++;
    for (int c = 0; c < classes; c++) /* a class that never comes up has no factor to get wrong */
        factors[c] = count[c] ? (double)d->epoch.count / ((double)classes * (double)count[c]) : 1.0;
    lks_model_weigh_classes(run->model, factors);
    return LKS_OK;
}

static lks_status make_network(lks_run *run, lks_error *err) {
    const lks_config *c = &run->config;
    int capacity = lks_loader_capacity(run->loader);
    run->eval_batch = c->eval.batch;
    LKS_TRY(lks_model_create(&run->model, c, lks_dataset_shape(&run->data),
                             run->data.identity.classes, (const float(*)[256])run->data.pixels,
                             run->kernels, run->threads,
                             capacity > c->eval.batch ? capacity : c->eval.batch, err));
    run->view = lks_model_look(run->model);
    lks_model_share(run->model, sum_moments, run);
    LKS_TRY(weigh_classes(run, err));
    LKS_TRY(lks_optimizer_create(&run->optimizer, &c->train.optimizer, run->view.tensors,
                                 run->view.n_tensors, run->kernels, err));
    LKS_TRY(
        lks_average_create(&run->average, &c->train, run->view.tensors, run->view.n_tensors, err));
    run->message = run->view.message;
    run->gradients = run->view.gradients;
    size_t packable = run->gradients ? 0 : run->view.n_weights;
    LKS_TRY(
        lks_packed_sum_create(&run->sum, run->comm, run->view.n_message - packable, packable, err));
    size_t tensors = (size_t)run->view.n_tensors;
    run->norms = lks_alloc(tensors, sizeof *run->norms, "norms", err);
    run->record = lks_alloc(tensors, sizeof *run->record, "norms", err);
    run->validation = lks_alloc(1, sizeof *run->validation, "results", err);
    run->test = lks_alloc(1, sizeof *run->test, "results", err);
    if (!run->norms || !run->record || !run->validation || !run->test)
        return err->status;
    run->gradient_norm = NAN;
    run->validation->classes = run->test->classes = run->data.identity.classes;
    return LKS_OK;
}

/* "X MiB" of the ranks: least and most. */
static void print_memory(lks_run *run) {
    double data = (double)lks_dataset_bytes(&run->data) / 1048576, least = data, most = data;
    size_t flats = (size_t)run->optimizer.n_states + (run->average.weights != NULL);
    double network = (double)(run->view.bytes + flats * run->view.n_weights * sizeof(float) +
                              lks_packed_sum_bytes(&run->sum)) /
                     1048576;
    lks_comm_min_f64(run->comm, &least, 1);
    lks_comm_max_f64(run->comm, &most, 1);
    lks_comm_max_f64(run->comm, &network, 1);
    lks_info(
        "memory     %.1f..%.1f MiB of images and labels held per rank, %.1f MiB of network and "
        "batch",
        least, most, network);
}

void lks_run_print(const lks_run *run) {
    const lks_provenance *p = &run->provenance;
    lks_info("lockstep   %s (%s), %d rank%s x %d thread%s on %s, %s", p->version, p->revision,
             p->ranks, p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->hosts,
             p->isa);
    lks_dataset_print(&run->data);
    lks_info("network    %s: %zu parameters in %d tensors", run->config.name,
             run->view.n_parameters, run->view.n_tensors);
}

static void print_plan(const lks_run *run) {
    const lks_config *c = &run->config;
    int chunks = lks_chunks(c->train.global_batch, c->train.chunk);
    lks_run_print(run);
    lks_info("training   %d epoch%s of %lld steps%s, global batch %d in %d chunks of %d, seed %llu",
             c->train.epochs, c->train.epochs == 1 ? "" : "s", (long long)run->steps_per_epoch,
             run->last_step < run->total_steps ? " (cut short by train.max_steps)" : "",
             c->train.global_batch, chunks, c->train.chunk, (unsigned long long)c->seed);
    lks_info("sums       %s",
             c->train.reduce == LKS_REDUCE_EXACT
                 ? "exact: the same bits on any number of ranks, threads and hosts"
                 : "plain float32: other numbers of ranks or threads may give other bits");
    if (run->comm->size > chunks)
        lks_warn("%d ranks share %d chunks of %d samples: %d ranks have no work in each step; use "
                 "fewer ranks, a larger train.global_batch or a smaller train.chunk",
                 run->comm->size, chunks, c->train.chunk, run->comm->size - chunks);
}

static lks_status begin(lks_run *run, lks_error *err) {
    const lks_train_options *o = run->options;
    lks_comm *comm = run->comm;
    print_plan(run);
    if (!o->dry_run)
        print_memory(run);
    lks_status status = LKS_OK;
    if (comm->rank == 0 && !o->dry_run) {
        status = lks_publish_folder(run->checkpoints, err);
        lks_publish_clean(run->folder);
    }
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(lks_tracing_check(&run->tracing, comm, o->dry_run ? NULL : o->trace,
                              err)); /* in a folder that is there; nothing is gone yet */
    LKS_TRY(lks_run_resume(run, err));
    LKS_TRY(lks_run_init_from(run, err));
    status = comm->rank == 0 ? lks_run_find_best(run, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    run->first_step = run->cursor.step;
    /* What came from a given file has to be saved in this folder too. */
    bool given = o->resume && strcmp(o->resume, "auto") != 0;
    run->saved_step = run->resumed_from[0] && !given ? run->cursor.step : -1;
    if (run->cursor.step > run->last_step)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s stands at step %lld, beyond the end of this run at %lld (train.epochs, "
                        "train.max_steps)",
                        run->resumed_from, (long long)run->cursor.step, (long long)run->last_step);
    if (o->dry_run)
        return lks_run_report(run, err);
    if (comm->rank == 0) {
        if (!lks_run_over(run))
            lks_run_remove_summary(run);
        status = lks_run_start_output(run, err);
    }
    return lks_comm_agree(comm, status, err);
}

/* A run that cannot begin leaves no empty folder behind. */
static lks_status start(lks_run *run, lks_error *err) {
    const size_t there = lks_publish_there(run->checkpoints);
    lks_status status = begin(run, err);
    if (status != LKS_OK && run->comm->rank == 0)
        lks_publish_unfolder(run->checkpoints, there);
    return status;
}

lks_status lks_run_configure(lks_run *run, lks_error *err) {
    lks_comm *comm = run->comm;
    const lks_train_options *o = run->options;
    fesetenv(FE_DFL_ENV); /* whatever MPI's libraries left behind */
    LKS_TRY(lks_config_load(comm, o->config, o->sets, o->n_sets, &run->config, err));
    LKS_TRY(lks_config_override(&run->config, o->values, o->n_values, err));
    lks_status status = lks_kernels_select(getenv("LOCKSTEP_ISA"), &run->kernels, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    if (!run->threads)
        run->threads = lks_choose_threads(comm, o->threads ? o->threads : run->config.threads);
    run->config_yaml = lks_config_to_yaml(&run->config, err);
    status = run->config_yaml ? LKS_OK : err->status;
    return lks_comm_agree(comm, status, err);
}

lks_status lks_run_build(lks_run *run, lks_error *err) {
    lks_comm *comm = run->comm;
    if (run->made_up)
        LKS_TRY(lks_dataset_make_up(&run->data, comm, &run->config, err));
    else
        LKS_TRY(lks_dataset_open(&run->data, comm, &run->config, NULL, true, err));
    lks_status status =
        lks_loader_create(&run->loader, &run->data, comm, &run->config, &run->phases, err);
    if (status == LKS_OK)
        status = make_network(run, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    plan_steps(run);
    size_t meetings = (size_t)(run->batches * run->view.n_meetings + run->steps_per_epoch);
    status = lks_phases_create(&run->phases, meetings, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_model_init(run->model, run->config.seed);
    lks_average_start(&run->average, run->view.weights);
    lks_fill_provenance(&run->provenance, comm, run->kernels, run->threads);
    return LKS_OK;
}

lks_status lks_run_open(lks_run *run, lks_error *err) {
    LKS_TRY(lks_run_configure(run, err));
    LKS_TRY(name_folder(run, err));
    LKS_TRY(lks_run_build(run, err));
    return start(run, err);
}

void lks_run_close(lks_run *run) {
    if (run->metrics)
        fclose(run->metrics);
    lks_history_free(&run->history);
    lks_optimizer_free(&run->optimizer);
    lks_average_free(&run->average);
    lks_model_free(run->model);
    lks_loader_free(run->loader);
    lks_phases_free(&run->phases);
    lks_dataset_free(&run->data);
    lks_packed_sum_free(&run->sum);
    lks_free(run->norms);
    lks_free(run->record);
    lks_free(run->validation);
    lks_free(run->test);
    free(run->config_yaml);
    lks_config_free(&run->config);
}
