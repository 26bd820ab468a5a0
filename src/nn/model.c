/* Building a model: operations appended one after the other, then the flat arrays and each thread's
 * own memory. */
#include "nn/op.h"

#include <assert.h>
#include <string.h>

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

static void free_activation(lks_activation *a) {
    lks_free(a->value);
    if (!a->borrowed)
        lks_free(a->gradient);
    lks_free(a);
}

void *lks_op_alloc(lks_op *op, size_t count, size_t size, lks_error *err) {
    assert(op->n_owned < LKS_OP_OWNED);
    void *p = lks_model_alloc(op->model, count, size, op->name, err);
    if (p)
        op->owned[op->n_owned++] = p;
    return p;
}

/* A new activation for `shape`; with a gradient where asked for, that of `lender` where there is one.
 */
static lks_activation *add_activation(lks_model *m, lks_shape shape, int stride, bool gradient,
                                      const lks_activation *lender, lks_error *err) {
    lks_activation *a = lks_alloc(1, sizeof *a, "an activation", err);
    if (!a)
        return NULL;
    a->shape = shape;
    a->stride = stride;
    a->size = (size_t)shape.rows * shape.columns * stride;
    a->value = lks_model_alloc(m, a->size * m->capacity, sizeof(float), "activations", err);
    a->borrowed = lender != NULL;
    if (lender)
        a->gradient = lender->gradient;
    else if (gradient)
        a->gradient =
            lks_model_alloc(m, a->size * m->capacity, sizeof(float), "activation gradients", err);
    if (!a->value || (gradient && !a->gradient)) {
        free_activation(a);
        return NULL;
    }
    m->activations[m->n_activations++] = a;
    return a;
}

lks_activation *lks_model_last(const lks_model *m) {
    return m->activations[m->n_activations - 1];
}

lks_activation *lks_model_output_of(const lks_model *m, int layer) {
    return layer < 0 ? m->activations[0] : m->layer_out[layer];
}

lks_layer_output lks_model_output(const lks_model *m, int layer) {
    const lks_activation *a = m->layer_out[layer];
    if (!a)
        return (lks_layer_output){0};
    return (lks_layer_output){a->shape, (size_t)a->stride, a->size, a->value};
}

lks_activation *lks_model_input(const lks_model *m, const lks_layer_config *layer) {
    return lks_model_output_of(m, layer->input_layer);
}

static bool has_gradient(const lks_activation *a) {
    return a && a->gradient;
}

lks_status lks_model_append(lks_model *m, lks_op *op, const lks_op_class *class, const char *name,
                            lks_shape out, int stride, lks_error *err) {
    op->class = class;
    op->model = m;
    op->index = m->n_ops;
    snprintf(op->name, sizeof op->name, "%s", name);
    m->ops[m->n_ops++] = op; /* from here on the model frees it */
    /* A gradient is needed behind weights that learn; before them, nobody asks. */
    bool gradient = op->trained || has_gradient(op->in) || has_gradient(op->second);
    bool shares = op->dx_over_dy && has_gradient(op->in) && op->in->readers == 1;
    op->out = add_activation(m, out, stride, gradient, shares ? op->in : NULL, err);
    return op->out ? LKS_OK : err->status;
}

lks_status lks_model_add_tensor(lks_model *m, lks_op *op, const char *what, lks_role role, int ndim,
                                const int64_t *shape, lks_error *err) {
    lks_tensor *t = &m->tensors[m->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s/%s", op->name, what);
    t->ndim = ndim;
    t->count = 1;
    for (int d = 0; d < ndim; d++) {
        t->shape[d] = shape[d];
        t->count *= (size_t)shape[d];
    }
    t->offset = m->n_weights;
    t->role = role;
    t->trained = op->trained && role != LKS_ROLE_MOMENT;
    if (op->n_flat == 0)
        op->offset = m->n_weights;
    op->n_flat += t->count;
    m->n_weights += t->count;
    if (m->n_weights > INT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': more than 2^31 parameters", op->name);
    return LKS_OK;
}

lks_status lks_model_add_weights(lks_model *m, lks_op *op, int ndim, const int64_t *shape,
                                 int n_bias, lks_error *err) {
    LKS_TRY(lks_model_add_tensor(m, op, "weight", LKS_ROLE_WEIGHT, ndim, shape, err));
    op->n_weights = op->n_flat;
    op->n_bias = n_bias;
    const int64_t size = n_bias;
    return n_bias ? lks_model_add_tensor(m, op, "bias", LKS_ROLE_BIAS, 1, &size, err) : LKS_OK;
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

/* What is known of the layers while operations are made of them. */
typedef struct plan {
    const lks_config *config;
    int *readers; /* [layers] how many layers read each one's output */
} plan;

/* Whether layer i + 1 is of `kind`, and nobody else reads what layer i gives. */
static bool followed_by(const plan *p, int i, lks_layer_kind kind) {
    if (i + 1 >= p->config->n_layers || p->readers[i] != 1)
        return false;
    const lks_layer_config *next = &p->config->layers[i + 1];
    return next->kind == kind && next->input_layer == i;
}

static bool is_plain_pool(const lks_layer_config *pool) {
    return pool->window[0] == 2 && pool->window[1] == 2 && pool->stride[0] == 2 &&
           pool->stride[1] == 2 && pool->padding == LKS_PAD_VALID;
}

/* conv [relu] pool [relu] in any of its orders: max-pooling and ReLU commute. */
static lks_status add_convolution(lks_model *m, const plan *p, int i, int *used, lks_error *err) {
    const lks_layer_config *layer = &p->config->layers[i];
    int relu_next = followed_by(p, i, LKS_RELU);
    bool pool_next =
        followed_by(p, i + relu_next, LKS_MAXPOOL) && is_plain_pool(layer + 1 + relu_next);
    bool relu_after = pool_next && !relu_next && followed_by(p, i + 1, LKS_RELU);
    *used += relu_next + pool_next + relu_after;
    return lks_conv_new(m, layer, relu_next || relu_after, pool_next, err);
}

/* Appends the operation that starts at layer i; *used is the number of layers it takes in. */
static lks_status add_operation(lks_model *m, const plan *p, int i, int *used, lks_error *err) {
    const lks_layer_config *layer = &p->config->layers[i];
    *used = 1;
    switch (layer->kind) {
    case LKS_CONV2D:
        return add_convolution(m, p, i, used, err);
    case LKS_DENSE:
        *used += followed_by(p, i, LKS_RELU);
        return lks_dense_new(m, layer, *used > 1, err);
    case LKS_MAXPOOL:
    case LKS_AVGPOOL:
    case LKS_GLOBAL_AVGPOOL:
        return lks_pool_new(m, layer, err);
    case LKS_BATCHNORM:
        *used += followed_by(p, i, LKS_RELU);
        return lks_batchnorm_new(m, layer, *used > 1, err);
    case LKS_ADD:
        return lks_add_new(m, layer, err);
    case LKS_RELU:
    case LKS_LEAKY_RELU:
    case LKS_TANH:
    case LKS_SIGMOID:
    case LKS_GELU:
        return lks_activation_new(m, layer, err);
    case LKS_DROPOUT:
        return lks_dropout_new(m, layer, i, err);
    case LKS_FLATTEN: /* a view: dense layers read any shape in row, column, channel order */
    case LKS_LAYER_KINDS:
        break;
    }
    return LKS_OK;
}

static lks_status add_operations(lks_model *m, const plan *p, lks_error *err) {
    for (int i = 0, used; i < p->config->n_layers; i += used) {
        LKS_TRY(add_operation(m, p, i, &used, err));
        bool view = p->config->layers[i].kind == LKS_FLATTEN;
        lks_activation *out = view ? lks_model_input(m, &p->config->layers[i]) : lks_model_last(m);
        out->readers += p->readers[i + used - 1] - view; /* a view's readers, not the view */
        m->layer_out[i + used - 1] = out;
    }
    return LKS_OK;
}

static lks_status plan_operations(lks_model *m, const lks_config *config, lks_error *err) {
    plan p = {.config = config};
    p.readers = lks_alloc((size_t)config->n_layers, sizeof(int), "the network", err);
    if (!p.readers)
        return err->status;
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *layer = &config->layers[i];
        if (layer->input_layer >= 0)
            p.readers[layer->input_layer]++;
        if (layer->from_layer >= 0)
            p.readers[layer->from_layer]++;
    }
    lks_status status = add_operations(m, &p, err);
    lks_free(p.readers);
    return status;
}

/* The last operation to read an activation is the first one backward: it writes the gradient, the
 * others' are added to it, in the order in which backward comes by. */
static lks_status connect_one(lks_op *op, lks_activation *in, bool first, float **dx, bool *adds,
                              lks_error *err) {
    if (!has_gradient(in) || !op->out->gradient)
        return LKS_OK;
    *adds = !first;
    *dx =
        first ? in->gradient : lks_op_alloc(op, in->size * op->model->capacity, sizeof(float), err);
    return *dx ? LKS_OK : err->status;
}

static bool read_later(const lks_model *m, const lks_activation *a, int op) {
    for (int i = op + 1; i < m->n_ops; i++)
        if (m->ops[i]->in == a || m->ops[i]->second == a)
            return true;
    return false;
}

static lks_status connect_gradients(lks_model *m, lks_error *err) {
    for (int i = 1; i < m->n_ops; i++) {
        lks_op *op = m->ops[i];
        bool first = !read_later(m, op->in, i);
        LKS_TRY(connect_one(op, op->in, first, &op->dx, &op->dx_adds, err));
        first = op->second != op->in && !read_later(m, op->second, i);
        LKS_TRY(connect_one(op, op->second, first, &op->dx_second, &op->dx_second_adds, err));
    }
    return LKS_OK;
}

/* Whether layer i gives images of the input's channels, laid out as the input is. */
static bool keeps_input_channels(const lks_config *config, int i) {
    for (; i >= 0; i = config->layers[i].input_layer)
        if (config->layers[i].kind == LKS_CONV2D || config->layers[i].kind == LKS_DENSE)
            return false;
    return true;
}

/* Whether the input's channels have to be padded: where a batchnorm works on them, and where gradients
 * flow back to activations of that shape, as to a sum with something that learns. */
static bool pads_input_channels(const lks_config *config) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        if ((l->kind == LKS_ADD || l->kind == LKS_BATCHNORM) &&
            keeps_input_channels(config, l->input_layer))
            return true;
    }
    return false;
}

static lks_status make_message(lks_model *m, lks_error *err) {
    size_t head = LKS_MSG_HEAD + (size_t)m->n_ops;
    m->n_message = head + (m->exact ? m->n_weights : 0);
    m->message = lks_model_alloc(m, m->n_message, sizeof *m->message, "the message", err);
    if (!m->exact)
        m->gradients = lks_model_alloc(m, m->n_weights, sizeof *m->gradients, "gradients", err);
    return m->message && (m->exact || m->gradients) ? LKS_OK : err->status;
}

static void place_sums(lks_model *m, lks_op *op) {
    int64_t *exact = m->message + LKS_MSG_HEAD + m->n_ops + op->offset;
    op->sums[0] = m->exact ? (void *)exact : (void *)(m->gradients + op->offset);
}

static lks_status build(lks_model *m, const lks_config *config, const float (*pixels)[256],
                        lks_error *err) {
    size_t n = (size_t)config->n_layers + 1;
    m->ops = lks_alloc(n, sizeof(lks_op *), "the network", err);
    m->stops = lks_alloc(n, sizeof(int), "the network", err);
    m->activations = lks_alloc(n, sizeof(lks_activation *), "the network", err);
    m->layer_out = lks_alloc(n, sizeof(lks_activation *), "the network", err);
    m->tensors = lks_alloc(4 * n, sizeof *m->tensors, "the network", err);
    m->class_weight = lks_alloc((size_t)m->classes, sizeof(double), "the network", err);
    if (!m->ops || !m->stops || !m->activations || !m->layer_out || !m->tensors || !m->class_weight)
        return err->status;
    for (int c = 0; c < m->classes; c++)
        m->class_weight[c] = 1;
    LKS_TRY(lks_input_new(m, pixels, pads_input_channels(config), err));
    LKS_TRY(plan_operations(m, config, err));
    LKS_TRY(connect_gradients(m, err));
    m->weights = lks_model_alloc(m, m->n_weights, sizeof(float), "weights", err);
    if (!m->weights)
        return err->status;
    LKS_TRY(make_message(m, err));
    for (int i = 0; i < m->n_ops; i++) {
        m->ops[i]->weights = m->weights + m->ops[i]->offset;
        if (m->ops[i]->in_place)
            place_sums(m, m->ops[i]);
        if (m->ops[i]->class->moments && m->ops[i]->trained)
            m->stops[m->n_stops++] = i;
    }
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
    m->smoothing = config->train.label_smoothing;
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
        for (int s = 0; op->sums && !op->in_place && s < op->n_sums; s++)
            lks_free(op->sums[s]);
        for (int k = 0; k < op->n_owned; k++)
            lks_free(op->owned[k]);
        lks_free(op);
    }
    for (int i = 0; i < m->n_activations; i++)
        free_activation(m->activations[i]);
    for (int t = 0; m->workers && t < m->threads && m->workers[t]; t++) {
        lks_free(m->workers[t]->scratch);
        lks_free(m->workers[t]->bad);
        lks_free(m->workers[t]);
    }
    lks_free(m->workers);
    lks_free(m->ops);
    lks_free(m->stops);
    lks_free(m->activations);
    lks_free(m->layer_out);
    lks_free(m->class_weight);
    lks_free(m->tensors);
    lks_free(m->weights);
    lks_free(m->message);
    lks_free(m->gradients);
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
                            .message = m->message,
                            .n_message = m->n_message,
                            .gradients = m->gradients,
                            .n_meetings = 2 * m->n_stops, /* forward and backward */
                            .bytes = m->bytes,
                            .kernels = m->kernels};
}

int64_t lks_model_flop(const lks_model *m) {
    int64_t products = 0;
    for (int t = 0; t < m->threads; t++)
        products += m->workers[t]->products;
    return 2 * products;
}

void lks_model_share(lks_model *m, lks_sum_i64 sum, void *context) {
    m->sum = sum;
    m->sum_context = context;
}

void lks_model_weigh_classes(lks_model *m, const double *factors) {
    memcpy(m->class_weight, factors, (size_t)m->classes * sizeof *factors);
}

const char *lks_model_operation_name(const lks_model *m, int index) {
    return m->ops[index]->name;
}
