/* Building a model: operations appended one after the other, then the flat arrays and each thread's
 * own memory. */
#include "nn/op.h"

#include <omp.h>
#include <stdio.h>

#include "lockstep/memory.h"

lks_span lks_part(int n, int part, int parts) {
    int first = (int)((int64_t)n * part / parts);
    return (lks_span){first, (int)((int64_t)n * (part + 1) / parts) - first};
}

void *lks_model_alloc(lks_model *m, size_t count, size_t size, const char *what, lks_error *err) {
    void *p = lks_alloc(count, size, what, err);
    if (p)
        m->bytes += count * size;
    return p;
}

lks_activation *lks_activation_new(lks_model *m, lks_shape shape, int stride, bool gradient,
                                   lks_error *err) {
    lks_activation *a = lks_alloc(1, sizeof *a, "an activation", err);
    if (!a)
        return NULL;
    a->shape = shape;
    a->stride = stride;
    a->size = (size_t)shape.rows * shape.columns * stride;
    a->value = lks_model_alloc(m, a->size * m->capacity, sizeof(float), "activations", err);
    if (gradient)
        a->gradient =
            lks_model_alloc(m, a->size * m->capacity, sizeof(float), "activation gradients", err);
    if (!a->value || (gradient && !a->gradient)) {
        lks_free(a->value);
        lks_free(a);
        return NULL;
    }
    m->activations[m->n_activations++] = a;
    return a;
}

lks_activation *lks_model_last(const lks_model *m) {
    return m->n_activations ? m->activations[m->n_activations - 1] : NULL;
}

lks_status lks_model_append(lks_model *m, lks_op *op, const lks_op_class *class, const char *name,
                            lks_shape out, int stride, lks_error *err) {
    op->class = class;
    op->model = m;
    op->index = m->n_ops;
    op->in = lks_model_last(m);
    snprintf(op->name, sizeof op->name, "%s", name);
    m->ops[m->n_ops++] = op; /* from here on the model frees it */
    /* A gradient is needed from the first operation with weights on; before it, nobody asks. */
    bool gradient = m->n_weights > 0 || class->weights;
    op->out = lks_activation_new(m, out, stride, gradient, err);
    return op->out ? LKS_OK : err->status;
}

lks_status lks_model_add_weights(lks_model *m, lks_op *op, int ndim, const int64_t *shape,
                                 int n_bias, lks_error *err) {
    op->offset = m->n_weights;
    op->n_weights = 1;
    lks_tensor *t = &m->tensors[m->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s/weight", op->name);
    t->ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        t->shape[d] = shape[d];
        op->n_weights *= (size_t)shape[d];
    }
    t->offset = op->offset;
    t->count = op->n_weights;
    op->n_bias = n_bias;
    if (n_bias) {
        t = &m->tensors[m->n_tensors++];
        snprintf(t->name, sizeof t->name, "%s/bias", op->name);
        t->ndim = 1;
        t->shape[0] = n_bias;
        t->offset = op->offset + op->n_weights;
        t->count = (size_t)n_bias;
    }
    m->n_weights += op->n_weights + (size_t)n_bias;
    if (m->n_weights > INT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': more than 2^31 parameters", op->name);
    return LKS_OK;
}

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
    size_t scratch = 0;
    for (int i = 0; i < m->n_ops; i++)
        if (m->ops[i]->scratch_floats > scratch)
            scratch = m->ops[i]->scratch_floats;
    m->workers = lks_alloc((size_t)m->threads, sizeof *m->workers, "thread memory", err);
    if (!m->workers)
        return err->status;
    for (int t = 0; t < m->threads; t++) {
        lks_worker *w = lks_model_alloc(m, 1, sizeof *w, "thread memory", err);
        m->workers[t] = w;
        if (!w)
            return err->status;
        w->index = t;
        w->scratch = lks_model_alloc(m, scratch, sizeof(float), "thread memory", err);
        w->bad = lks_model_alloc(m, (size_t)m->n_ops, sizeof *w->bad, "thread memory", err);
        if (!w->scratch || !w->bad)
            return err->status;
    }
    return LKS_OK;
}

/* Appends the operation that starts at layer i; *used is the number of layers it takes in. */
static lks_status add_operation(lks_model *m, const lks_config *config, int i, int *used,
                                lks_error *err) {
    const lks_layer_config *layer = &config->layers[i];
    int left = config->n_layers - i;
    bool relu_next = left > 1 && layer[1].kind == LKS_RELU;
    *used = 1;
    switch (layer->kind) {
    case LKS_CONV2D: {
        /* conv [relu] pool [relu] in any of its orders: max-pooling and ReLU commute. */
        const lks_layer_config *pool = layer + 1 + relu_next;
        bool pool_next = left > 1 + relu_next && pool->kind == LKS_MAXPOOL &&
                         pool->window[0] == 2 && pool->window[1] == 2 && pool->stride[0] == 2 &&
                         pool->stride[1] == 2;
        bool relu_after = pool_next && !relu_next && left > 2 && layer[2].kind == LKS_RELU;
        *used += relu_next + pool_next + relu_after;
        return lks_conv_new(m, layer, relu_next || relu_after, pool_next, err);
    }
    case LKS_DENSE:
        *used += relu_next;
        return lks_dense_new(m, layer, relu_next, err);
    case LKS_MAXPOOL:
        return lks_maxpool_new(m, layer, err);
    case LKS_RELU:
        return lks_relu_new(m, layer, err);
    case LKS_DROPOUT:
        return lks_dropout_new(m, layer, i, err);
    case LKS_FLATTEN: /* a view: dense layers read any shape in row, column, channel order */
    case LKS_LAYER_KINDS:
        break;
    }
    return LKS_OK;
}

static lks_status build(lks_model *m, const lks_config *config, const float (*pixels)[256],
                        lks_error *err) {
    size_t n = (size_t)config->n_layers + 1;
    m->ops = lks_alloc(n, sizeof(lks_op *), "the network", err);
    m->activations = lks_alloc(n, sizeof(lks_activation *), "the network", err);
    m->tensors = lks_alloc(2 * n, sizeof *m->tensors, "the network", err);
    if (!m->ops || !m->activations || !m->tensors)
        return err->status;
    LKS_TRY(lks_input_new(m, pixels, err));
    for (int i = 0, used; i < config->n_layers; i += used)
        LKS_TRY(add_operation(m, config, i, &used, err));
    m->weights = lks_model_alloc(m, m->n_weights, sizeof(float), "weights", err);
    if (!m->weights)
        return err->status;
    for (int i = 0; i < m->n_ops; i++)
        m->ops[i]->weights = m->weights + m->ops[i]->offset;
    return add_workers(m, err);
}

lks_status lks_model_create(lks_model **model, const lks_config *config, lks_shape input,
                            int classes, const float (*pixels)[256], const lks_kernels *kernels,
                            int threads, int capacity, lks_error *err) {
    *model = NULL;
    lks_layer_info *info =
        lks_alloc((size_t)config->n_layers, sizeof *info, "the layer table", err);
    if (!info)
        return err->status;
    lks_status status = lks_model_shapes(config, input, classes, info, err);
    lks_free(info);
    if (status != LKS_OK)
        return status;

    lks_model *m = lks_alloc(1, sizeof *m, "the network", err);
    if (!m)
        return err->status;
    m->kernels = kernels;
    m->threads = threads;
    m->capacity = capacity > 0 ? capacity : 1;
    m->classes = classes;
    m->chunk = config->train.chunk;
    m->exact = config->train.reduce == LKS_REDUCE_EXACT;
    m->seed = config->seed;
    m->init = config->init;
    m->input = input;
    status = build(m, config, pixels, err);
    if (status != LKS_OK) {
        lks_model_free(m);
        return status;
    }
    lks_model_weights_changed(m);
    *model = m;
    return LKS_OK;
}

void lks_model_free(lks_model *m) {
    if (!m)
        return;
    for (int i = 0; i < m->n_ops; i++) {
        lks_op *op = m->ops[i];
        if (op->class->release)
            op->class->release(op);
        for (int s = 0; op->sums && s < op->n_sums; s++)
            lks_free(op->sums[s]);
        lks_free(op->sums);
        lks_free(op);
    }
    for (int i = 0; i < m->n_activations; i++) {
        lks_free(m->activations[i]->value);
        lks_free(m->activations[i]->gradient);
        lks_free(m->activations[i]);
    }
    for (int t = 0; m->workers && t < m->threads && m->workers[t]; t++) {
        lks_free(m->workers[t]->scratch);
        lks_free(m->workers[t]->bad);
        lks_free(m->workers[t]);
    }
    lks_free(m->workers);
    lks_free(m->ops);
    lks_free(m->activations);
    lks_free(m->tensors);
    lks_free(m->weights);
    lks_free(m);
}

lks_model_view lks_model_look(const lks_model *m) {
    return (lks_model_view){.weights = m->weights,
                            .n_weights = m->n_weights,
                            .tensors = m->tensors,
                            .n_tensors = m->n_tensors,
                            .n_operations = m->n_ops,
                            .bytes = m->bytes,
                            .kernels = m->kernels};
}

const char *lks_model_operation_name(const lks_model *m, int index) {
    return m->ops[index]->name;
}
