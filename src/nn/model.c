/* The life of a model: building and freeing it, what callers may read and set. */
#include "lockstep/model.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/input.h"
#include "nn/engine/apart.h"
#include "nn/engine/lives.h"
#include "nn/engine/wide.h"
#include "nn/plan.h"

/* Every loop here deals its work to exactly m->threads threads, so they must really come. */
static lks_status check_threads(const lks_model *m, lks_error *err) {
    int given = 0, odd = 0;
    omp_set_dynamic(0);
#pragma omp parallel num_threads(m->threads)
    {
#pragma omp master
        given = omp_get_num_threads();
        if (!lks_default_floating_point()) {
#pragma omp atomic write
            odd = 1;
        }
    }
    if (odd)
        return lks_fail(err, LKS_ERR_NUMERIC,
                        "the floating-point environment cannot be set: results would differ from "
                        "other machines'");
    if (given != m->threads)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%d threads were asked for, OpenMP gives %d; check OMP_THREAD_LIMIT or set "
                        "--threads %d",
                        m->threads, given, given);
    return LKS_OK;
}

static lks_status add_workers(lks_model *m, lks_error *err) {
    LKS_TRY(check_threads(m, err));
    size_t scratch = 0, rounded = 0;
    for (int i = 0; i < m->n_ops; i++) {
        const lks_op *op = m->ops[i];
        scratch = op->scratch_floats > scratch ? op->scratch_floats : scratch;
        rounded = op->rounded_floats > rounded ? op->rounded_floats : rounded;
    }
    m->workers = lks_alloc((size_t)m->threads, sizeof *m->workers, "thread memory", err);
    if (!m->workers)
        return err->status;
    for (int t = 0; t < m->threads; t++) {
        lks_worker *w = lks_model_alloc(m, 1, sizeof *w, "thread memory", err);
        m->workers[t] = w;
        if (!w)
            return err->status;
        w->index = t;
        w->own = lks_lives_alloc(m, m->worker_bytes, 1, err);
        w->scratch = lks_model_alloc(m, scratch, sizeof(float), "thread memory", err);
        w->rounded.memory = lks_model_alloc(m, rounded, sizeof(float), "thread memory", err);
        w->bad = lks_model_alloc(m, (size_t)m->n_ops, sizeof *w->bad, "thread memory", err);
        w->memory = w->own;
        if (!w->own || !w->scratch || !w->rounded.memory || !w->bad)
            return err->status;
    }
    return LKS_OK;
}

static lks_status make_message(lks_model *m, lks_error *err) {
    size_t head = LKS_MSG_HEAD + (size_t)m->n_ops;
    m->gathered.length = head + (m->exact ? m->n_weights : 0);
    m->gathered.message =
        lks_model_alloc(m, m->gathered.length, sizeof *m->gathered.message, "the message", err);
    if (!m->exact)
        m->gathered.gradients =
            lks_model_alloc(m, m->n_weights, sizeof *m->gathered.gradients, "gradients", err);
    return m->gathered.message && (m->exact || m->gathered.gradients) ? LKS_OK : err->status;
}

static void place_sums(lks_model *m, lks_op *op) {
    int64_t *exact = m->gathered.message + LKS_MSG_HEAD + m->n_ops + op->offset;
    op->sums[0] = m->exact ? (void *)exact : (void *)(m->gathered.gradients + op->offset);
}

/* Where operations find what is theirs. */
static void place(lks_model *m) {
    for (int i = 0; i < m->n_ops; i++) {
        m->ops[i]->weights = m->weights + m->ops[i]->offset;
        if (m->ops[i]->in_place)
            place_sums(m, m->ops[i]);
    }
}

/* A layer is at most one operation, and there is the input. */
static lks_status make_room(lks_model *m, const lks_config *config, lks_error *err) {
    size_t n = (size_t)config->n_layers + 1, tensors = LKS_LAYER_TENSORS_MAX * n;
    m->room_ops = (int)n;
    m->room_tensors = (int)tensors;
    m->ops = lks_alloc(n, sizeof(lks_op *), "the network", err);
    m->rendezvous.stops = lks_alloc(n, sizeof(int), "the network", err);
    m->activations = lks_alloc(n, sizeof(lks_activation *), "the network", err);
    m->layer_out = lks_alloc(n, sizeof(lks_activation *), "the network", err);
    m->tensors = lks_alloc(tensors, sizeof *m->tensors, "the network", err);
    m->plans = lks_alloc(tensors, sizeof *m->plans, "the network", err);
    if (!m->ops || !m->rendezvous.stops || !m->activations || !m->layer_out || !m->tensors ||
        !m->plans)
        return err->status;
    return LKS_OK;
}

static lks_status build(lks_model *m, const lks_config *config, const lks_layer_info *info,
                        const float (*pixels)[256], lks_error *err) {
    LKS_TRY(make_room(m, config, err));
    LKS_TRY(lks_plan(m, config, info, pixels, err));
    for (int i = 0; i < m->n_ops; i++)
        if (m->ops[i]->class->moments && m->ops[i]->trained)
            m->rendezvous.stops[m->rendezvous.n_stops++] = i;
    m->weights = lks_model_alloc(m, m->n_weights, sizeof(float), "weights", err);
    if (!m->weights)
        return err->status;
    LKS_TRY(make_message(m, err));
    place(m);
    LKS_TRY(lks_lives_place(m, err));
    return add_workers(m, err);
}

static lks_status create(lks_model **model, const lks_config *config, const lks_layer_info *info,
                         int classes, const float (*pixels)[256], lks_model start, lks_error *err) {
    lks_model *m = lks_alloc(1, sizeof *m, "the network", err);
    if (!m)
        return err->status;
    *m = start;
    m->chunk = config->train.chunk;
    m->exact = config->train.reduce == LKS_REDUCE_EXACT;
    m->training = true;
    m->whole =
        config->train.precision == LKS_BF16; /* its kernels work on sixteen images at a time */
    m->seed = config->seed;
    m->init = config->init;
    lks_status status = lks_objective_create(&m->objective, &config->train, classes, err);
    if (status == LKS_OK)
        status = build(m, config, info, pixels, err);
    if (status != LKS_OK) {
        lks_model_free(m);
        return status;
    }
    lks_model_weights_changed(m);
    *model = m;
    return LKS_OK;
}

lks_status lks_model_create(lks_model **model, const lks_config *config, lks_shape input,
                            int classes, const float (*pixels)[256], const lks_kernels *kernels,
                            int threads, int capacity, lks_error *err) {
    *model = NULL;
    if (!kernels)
        LKS_TRY(lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err));
    lks_layer_info *info =
        lks_alloc((size_t)config->n_layers, sizeof *info, "the layer table", err);
    if (!info)
        return err->status;
    lks_status status = lks_model_shapes(config, input, classes, info, err);
    if (status == LKS_OK)
        status = create(model, config, info, classes, pixels,
                        (lks_model){.kernels = kernels,
                                    .threads = threads,
                                    .capacity = capacity > 0 ? capacity : 1,
                                    .input = input},
                        err);
    lks_free(info);
    return status;
}

static void free_arrays(lks_model *m) {
    if (m->gathered.moved)
        return;
    lks_free(m->weights);
    lks_free(m->gathered.message);
    lks_free(m->gathered.gradients);
}

void lks_model_move(lks_model *m, float *weights, int64_t *message, float *gradients) {
    free_arrays(m);
    m->gathered.moved = true;
    m->weights = weights;
    m->gathered.message = message;
    m->gathered.gradients = m->exact ? NULL : gradients;
    place(m);
}

void lks_model_ask(lks_model *m, float *weights) {
    for (int i = 0; i < m->n_ops; i++)
        m->ops[i]->weights = (weights ? weights : m->weights) + m->ops[i]->offset;
    lks_model_weights_changed(m);
}

void lks_model_free(lks_model *m) {
    if (!m)
        return;
    lks_model_mode(m, true);
    for (int i = 0; i < m->n_ops; i++)
        lks_op_free(m->ops[i]);
    for (int i = 0; i < m->n_activations; i++)
        lks_activation_free(m->activations[i]);
    for (int t = 0; m->workers && t < m->threads && m->workers[t]; t++) {
        lks_free_lazy(m->workers[t]->own);
        lks_free_lazy(m->workers[t]->apart.sums);
        lks_free(m->workers[t]->scratch);
        lks_free(m->workers[t]->rounded.memory);
        lks_free(m->workers[t]->bad);
        lks_free(m->workers[t]);
    }
    lks_free(m->workers);
    lks_free(m->ops);
    lks_free(m->rendezvous.stops);
    lks_free(m->activations);
    lks_free(m->layer_out);
    lks_objective_free(&m->objective);
    lks_free(m->tensors);
    lks_free(m->plans);
    lks_apart_free(m);
    free_arrays(m);
    lks_free(m);
}

lks_model_view lks_model_look(const lks_model *m) {
    size_t parameters = 0;
    for (int t = 0; t < m->n_tensors; t++)
        if (m->tensors[t].role != LKS_ROLE_MOMENT)
            parameters += m->tensors[t].count;
    return (lks_model_view){.weights = m->weights,
                            .n_weights = m->n_weights,
                            .n_parameters = parameters,
                            .tensors = m->tensors,
                            .n_tensors = m->n_tensors,
                            .n_operations = m->n_ops,
                            .message = m->gathered.message,
                            .n_message = m->gathered.length,
                            .gradients = m->gathered.gradients,
                            .n_meetings = 2 * m->rendezvous.n_stops, /* forward and backward */
                            .bytes = m->bytes,
                            .common_bytes = lks_wide_common_bytes(m),
                            .peer_bytes = lks_wide_peer_bytes(m),
                            .kernels = m->kernels,
                            .pixels = lks_input_pixels(m->ops[0])};
}

int64_t lks_model_flop(const lks_model *m) {
    int64_t products = 0;
    for (int t = 0; t < m->threads; t++)
        products += m->workers[t]->products;
    return 2 * products;
}

void lks_model_share(lks_model *m, lks_sum_i64 sum, void *context) {
    m->rendezvous.sum = sum;
    m->rendezvous.context = context;
}

void lks_model_watch(lks_model *m, lks_touch touch, void *context) {
    m->rendezvous.touch = touch;
    m->rendezvous.watcher = context;
}

void lks_model_weigh_classes(lks_model *m, const double *factors) {
    memcpy(m->objective.class_weight, factors, (size_t)m->objective.classes * sizeof *factors);
}

lks_score lks_model_judge(const lks_model *m, const double *probabilities, int label) {
    return m->objective.judge(&m->objective, probabilities, label);
}

const char *lks_model_operation_name(const lks_model *m, int index) {
    return m->ops[index]->name;
}

lks_layer_output lks_model_output(const lks_model *m, int layer) {
    const lks_activation *a = m->layer_out[layer];
    if (!a || a->value_maker)
        return (lks_layer_output){0};
    return (lks_layer_output){a->shape, (size_t)a->stride, lks_value(a, m->workers[0], 0)};
}
