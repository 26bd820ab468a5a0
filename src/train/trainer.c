#include "train/trainer.h"

#include <assert.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lockstep/log.h"
#include "base/memory.h"

bool lks_trainer_over(const lks_trainer *t) {
    return t->cursor.step >= t->plan.last_step ||
           lks_early_stop_reached(&t->cursor.early_stop, &t->config->train);
}

void lks_trainer_count_epoch(lks_trainer *t) {
    lks_cursor *c = lks_trainer_edit_cursor(t);
    c->epoch++;
    c->batch = 0;
    lks_trainer_wrote_cursor(t);
}

void lks_trainer_forget_epoch(lks_trainer *t) {
    lks_cursor *c = lks_trainer_edit_cursor(t);
    c->loss = (lks_limbs){0, 0};
    c->correct = c->epoch_samples = 0;
    c->epoch_hash = 0;
    lks_trainer_wrote_cursor(t);
}

/* --- open and close --------------------------------------------------------------------------- */

static lks_plan plan_steps(const lks_trainer *t) {
    const lks_train_config *c = &t->config->train;
    lks_plan p = {.batches = lks_loader_batches(t->loader)};
    p.steps_per_epoch = (p.batches + c->accumulate - 1) / c->accumulate;
    p.total_steps = p.steps_per_epoch * c->epochs;
    p.last_step = c->max_steps > 0 && c->max_steps < p.total_steps ? c->max_steps : p.total_steps;
    return p;
}

static void sum_moments(void *context, int64_t *values, size_t n) {
    lks_trainer *t = context;
    lks_phase before = lks_phases_meet(&t->phases);
    t->exchange.way->sum_moments(t, values, n);
    lks_phases_part(&t->phases, before);
}

static lks_status weigh_classes(lks_trainer *t, lks_error *err) {
    const lks_train_config *train = &t->config->train;
    const lks_dataset *d = &t->data;
    int classes = d->identity.classes;
    double factors[LKS_CLASSES_MAX];
    if (train->class_weighting == LKS_WEIGHTING_NONE)
        return LKS_OK;
    if (train->class_weighting == LKS_WEIGHTING_GIVEN) {
        if (train->n_class_weights != classes)
            return lks_fail(err, LKS_ERR_CONFIG,
                            "train.class_weights has %d values, the data have %d classes",
                            train->n_class_weights, classes);
        lks_model_weigh_classes(t->model, train->class_weights);
        return LKS_OK;
    }
    const int64_t *count = d->rule.items;
    for (int c = 0; c < classes; c++) /* a class that never comes up has no factor to get wrong */
        factors[c] = count[c] ? (double)d->epoch.count / ((double)classes * (double)count[c]) : 1.0;
    lks_model_weigh_classes(t->model, factors);
    return LKS_OK;
}

static lks_status make_network(lks_trainer *t, lks_error *err) {
    const lks_config *c = t->config;
    int capacity = lks_loader_capacity(t->loader);
    LKS_TRY(lks_model_create(&t->model, c, lks_dataset_shape(&t->data), t->data.identity.classes,
                             (const float(*)[256])t->data.pixels, t->kernels, t->threads,
                             capacity > c->eval.batch ? capacity : c->eval.batch, err));
    if (t->config->train.reduce == LKS_REDUCE_EXACT)
        LKS_TRY(lks_model_open_chunks(t->model, err));
    lks_model_share(t->model, sum_moments, t);
    t->view = lks_model_look(t->model);
    return weigh_classes(t, err);
}

static lks_status make_optimizer(lks_trainer *t, lks_error *err) {
    const lks_train_config *c = &t->config->train;
    const lks_model_view *v = &t->view;
    LKS_TRY(lks_optimizer_create(&t->optimizer, &c->optimizer, v->tensors, v->n_tensors, t->kernels,
                                 err));
    LKS_TRY(lks_average_create(&t->average, c, v->tensors, v->n_tensors, err));
    t->norms = lks_alloc((size_t)v->n_tensors, sizeof *t->norms, "norms", err);
    t->newest.gradient_norm = NAN;
    return t->norms ? LKS_OK : err->status;
}

/* Meetings of the ranks in an epoch: for batchnorm and, where they share the state, twice in a batch for wide layers, once
 * more where it is audited; in a step for the sums and, where they share the work, for norms of gradients, twice in the
 * optimizer, once the update is done and, where they share the state, before and after weights are packed. */
static size_t meetings_of_epoch(const lks_trainer *t) {
    const bool share_state = t->exchange.way == &lks_exchange_host;
    const bool share = t->exchange.way != &lks_exchange_allreduce;
    return (size_t)t->plan.batches * (size_t)(t->view.n_meetings + (share_state ? 3 : 0)) +
           (size_t)t->plan.steps_per_epoch * (share ? 7 : 1);
}

static lks_status open_data(lks_trainer *t, lks_error *err) {
    if (t->made_up)
        return lks_dataset_make_up(&t->data, t->comm, t->config, err);
    return lks_dataset_open(&t->data, t->comm, t->config, NULL, true, err);
}

static lks_status make_rest(lks_trainer *t, lks_error *err) {
    const lks_config *c = t->config;
    LKS_TRY(lks_augment_create(&t->augment, &c->augment, c->seed, lks_dataset_shape(&t->data),
                               t->kernels, t->threads, err));
    LKS_TRY(lks_loader_create(&t->loader, &t->data, t->augment, t->comm, c, t->threads, &t->phases,
                              err));
    LKS_TRY(make_network(t, err));
    LKS_TRY(make_optimizer(t, err));
    t->plan = plan_steps(t);
    LKS_TRY(lks_guard_open(t, err));
    LKS_TRY(lks_audit_open(t, err));
    return lks_phases_create(&t->phases, meetings_of_epoch(t), err);
}

/* The initial state, once in each replica. */
static void initialise(lks_trainer *t) {
    if (t->exchange.writes) {
        lks_model_init(t->model, t->config->seed);
        lks_average_start(&t->average, t->view.weights);
        lks_hashes_wrote_all(&t->guard.hashes, t->threads);
    }
    t->exchange.way->share(t);
    if (!t->exchange.writes)
        lks_model_weights_changed(t->model);
    t->exchange.way->join(t);
    lks_trainer_took(t);
}

lks_status lks_trainer_open(lks_trainer *t, lks_comm *comm, const lks_config *config, int threads,
                            bool made_up, lks_error *err) {
    *t = (lks_trainer){.comm = comm,
                       .config = config,
                       .threads = threads,
                       .made_up = made_up,
                       .agreed_step = -1,
                       .whole = true};
    static const lks_exchange_way *const ways[] = {[LKS_EXCHANGE_ALLREDUCE] =
                                                       &lks_exchange_allreduce,
                                                   [LKS_EXCHANGE_HOST] = &lks_exchange_host,
                                                   [LKS_EXCHANGE_SCATTER] = &lks_exchange_scatter};
    t->exchange.way = ways[config->train.exchange];
    fesetenv(FE_DFL_ENV); /* whatever MPI's libraries left behind */
    lks_status status = lks_kernels_select(getenv("LOCKSTEP_ISA"), &t->kernels, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(open_data(t, err));
    status = make_rest(t, err);
    LKS_TRY(lks_comm_agree(comm, status, err));
    LKS_TRY(t->exchange.way->begin(t, err));
    initialise(t);
    return lks_comm_check(comm, err);
}

void lks_trainer_close(lks_trainer *t) {
    lks_guard_close(t);
    lks_audit_close(&t->audit);
    lks_optimizer_free(&t->optimizer);
    lks_average_free(&t->average);
    lks_model_free(t->model);
    lks_loader_free(t->loader);
    lks_augment_free(t->augment);
    lks_phases_free(&t->phases);
    lks_dataset_free(&t->data);
    lks_free(t->norms);
    if (t->exchange.way)
        t->exchange.way->end(t);
}

/* --- what it is ------------------------------------------------------------------------------- */

static void print_augment(const lks_trainer *t) {
    lks_error ignored;
    char *text = t->augment ? lks_config_augment_text(t->config, &ignored) : NULL;
    if (text)
        lks_info("augment    %s", text);
    free(text);
}

void lks_trainer_print(const lks_trainer *t, const lks_provenance *p) {
    lks_info("lockstep   %s (%s), %d rank%s x %d thread%s on %s, %s", p->version, p->revision,
             p->ranks, p->ranks == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s", p->hosts,
             p->isa);
    lks_dataset_print(&t->data);
    print_augment(t);
    lks_info("network    %s: %zu parameters in %d tensors", t->config->name, t->view.n_parameters,
             t->view.n_tensors);
    lks_info("products   %s", lks_products_text(t->config, t->kernels));
}

static_assert(2 + LKS_UPDATE_STATES <= LKS_CHECKPOINT_FLATS,
              "a checkpoint has room for model, average and all states of an optimizer");

/* One more array of the weights' shape. */
static void add_flat(const lks_trainer *t, lks_checkpoint *c, const char *group, float *values) {
    lks_flat *flat = &c->flats[c->n_flats++];
    *flat = (lks_flat){.values = values,
                       .count = t->view.n_weights,
                       .tensors = t->view.tensors,
                       .n_tensors = t->view.n_tensors};
    snprintf(flat->group, sizeof flat->group, "%s", group);
}

void lks_trainer_snapshot(const lks_trainer *t, lks_checkpoint *c) {
    *c = (lks_checkpoint){.numerics = LKS_NUMERICS,
                          .seed = t->config->seed,
                          .cursor = t->cursor,
                          .data = t->data.identity};
    add_flat(t, c, "model", t->view.weights);
    for (int s = 0; s < t->optimizer.n_states; s++)
        add_flat(t, c, t->optimizer.names[s], t->optimizer.state[s]);
    if (t->average.weights)
        add_flat(t, c, LKS_AVERAGE, t->average.weights);
}

void lks_trainer_broadcast(lks_trainer *t, lks_comm *comm) {
    lks_checkpoint now;
    lks_trainer_snapshot(t, &now);
    for (int f = 0; f < now.n_flats; f++)
        lks_comm_broadcast(comm, now.flats[f].values, now.flats[f].count * sizeof(float), 0);
}

void lks_trainer_gather(lks_trainer *t) {
    if (t->whole)
        return;
    const lks_phase before = lks_phases_enter(&t->phases, LKS_PHASE_CHECKPOINT);
    t->exchange.way->gather(t);
    t->whole = true;
    lks_phases_enter(&t->phases, before);
}

size_t lks_trainer_bytes(const lks_trainer *t) {
    const size_t flat = t->view.n_weights * sizeof(float);
    const size_t flats = 1 + (size_t)t->optimizer.n_states + (t->average.weights != NULL);
    const size_t shared = flats * flat + t->view.common_bytes;
    return t->view.bytes - flat - t->view.common_bytes + shared / (size_t)t->exchange.sharers +
           lks_packed_sum_bytes(&t->exchange.sum) + t->exchange.shares.bytes + t->audit.bytes;
}
