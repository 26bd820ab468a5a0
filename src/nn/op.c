/* The toolkit: memory that belongs to an operation, operations and activations appended one after the
 * other, tensors registered. */
#include "nn/op.h"

#include <assert.h>
#include <fenv.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

lks_span lks_part(int n, int part, int parts) {
    int first = (int)((int64_t)n * part / parts);
    return (lks_span){first, (int)((int64_t)n * (part + 1) / parts) - first};
}

bool lks_default_floating_point(void) {
    volatile float smallest = FLT_MIN;
    fesetenv(FE_DFL_ENV);
    return fegetround() == FE_TONEAREST && smallest * 0.5f != 0.0f;
}

/* --- memory ----------------------------------------------------------------------------------- */

void *lks_model_alloc(lks_model *m, size_t count, size_t size, const char *what, lks_error *err) {
    void *p = lks_alloc(count, size, what, err);
    if (p)
        m->bytes += count * size;
    return p;
}

/* Room for one more pointer in op->owned. */
static lks_status grow_owned(lks_op *op, lks_error *err) {
    if (op->n_owned < op->room_owned)
        return LKS_OK;
    int room = op->room_owned ? 2 * op->room_owned : 16;
    void **owned = lks_alloc((size_t)room, sizeof *owned, op->name, err);
    if (!owned)
        return err->status;
    if (op->owned)
        memcpy(owned, op->owned, (size_t)op->n_owned * sizeof *owned);
    lks_free(op->owned);
    op->owned = owned;
    op->room_owned = room;
    return LKS_OK;
}

void *lks_op_alloc(lks_op *op, size_t count, size_t size, lks_error *err) {
    if (grow_owned(op, err) != LKS_OK)
        return NULL;
    void *p = lks_model_alloc(op->model, count, size, op->name, err);
    if (p)
        op->owned[op->n_owned++] = p;
    return p;
}

void lks_op_release(lks_op *op, const void *memory) {
    for (int k = 0; k < op->n_owned; k++)
        if (op->owned[k] == memory) {
            lks_free(op->owned[k]);
            op->owned[k] = NULL;
        }
}

void lks_op_keep(lks_op *op, lks_samples *samples, size_t each, bool from_forward) {
    assert(op->n_kept < LKS_KEPT_MAX);
    samples->each = each;
    op->kept[op->n_kept++] = (lks_kept){samples, from_forward};
}

static void free_samples(lks_samples *s) {
    if (!s->borrowed)
        lks_free_lazy(s->batch);
}

void lks_op_free(lks_op *op) {
    for (int s = 0; op->sums && !op->in_place && s < op->n_sums; s++)
        lks_free_lazy(op->sums[s]);
    for (int k = 0; k < op->n_owned; k++)
        lks_free(op->owned[k]);
    for (int k = 0; k < op->n_kept; k++)
        free_samples(op->kept[k].samples);
    free_samples(&op->apart);
    for (int k = 0; k < op->n_more; k++)
        free_samples(&op->more[k].apart);
    lks_free(op->owned);
    lks_free(op);
}

void lks_activation_free(lks_activation *a) {
    free_samples(&a->value);
    free_samples(&a->own_gradient);
    lks_free(a);
}

/* --- operations ------------------------------------------------------------------------------- */

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
    a->value.each = a->own_gradient.each = a->size * sizeof(float);
    if (gradient)
        a->gradient = lender ? lender->gradient : &a->own_gradient;
    m->activations[m->n_activations++] = a;
    return a;
}

lks_activation *lks_model_last(const lks_model *m) {
    return m->activations[m->n_activations - 1];
}

lks_activation *lks_model_output_of(const lks_model *m, int layer) {
    return layer < 0 ? m->activations[0] : m->layer_out[layer];
}

bool lks_op_reads(const lks_op *op, const lks_activation *a) {
    bool found = op->in == a;
    for (int k = 0; k < op->n_more; k++)
        found |= op->more[k].from == a;
    return found;
}

/* Of one image all is kept: somebody may look at it. */
void lks_op_make_value(lks_activation *a) {
    if (a->op->model->capacity > 1 && a->readers == 1 && a->op->class->make_value)
        a->value_maker = a->op;
}

void lks_op_make_gradient(lks_op *op) {
    if (op->model->capacity > 1 && op->in->readers == 1 && op->in->op->traits.takes_made)
        op->in->gradient_maker = op;
}

void lks_op_pass_gradient(const lks_op *op, lks_activation *in) {
    if (lks_has_gradient(in) && in->readers == 1 && in->stride == op->out->stride &&
        in->op->traits.keeps_dy)
        in->gradient = op->out->gradient;
}

bool lks_has_gradient(const lks_activation *a) {
    return a && a->gradient;
}

lks_status lks_model_append(lks_model *m, lks_op *op, const lks_op_class *class, const char *name,
                            lks_shape out, int stride, lks_error *err) {
    if (m->n_ops == m->room_ops) {
        lks_free(op);
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': more than %d operations", name,
                        m->room_ops);
    }
    op->class = class;
    op->model = m;
    op->index = m->n_ops;
    snprintf(op->name, sizeof op->name, "%s", name);
    m->ops[m->n_ops++] = op;
    /* A gradient is needed behind weights that learn; before them, nobody asks. */
    bool gradient = op->trained || lks_has_gradient(op->in);
    for (int i = 0; i < op->n_more; i++)
        gradient |= lks_has_gradient(op->more[i].from);
    bool shares = op->traits.dx_over_dy && lks_has_gradient(op->in) && op->in->readers == 1;
    op->out = add_activation(m, out, stride, gradient, shares ? op->in : NULL, err);
    if (!op->out)
        return err->status;
    op->out->op = op;
    return LKS_OK;
}

/* --- tensors ---------------------------------------------------------------------------------- */

static lks_status add_tensor(lks_op *op, const lks_tensor_plan *plan, lks_error *err) {
    lks_model *m = op->model;
    if (m->n_tensors == m->room_tensors)
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': more than %d tensors", op->name,
                        m->room_tensors);
    m->plans[m->n_tensors] = *plan;
    lks_tensor *t = &m->tensors[m->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s/%s", op->name, plan->what);
    t->ndim = plan->ndim;
    t->count = 1;
    for (int d = 0; d < plan->ndim; d++) {
        t->shape[d] = plan->shape[d];
        t->count *= (size_t)plan->shape[d];
    }
    t->offset = m->n_weights;
    t->role = plan->role;
    t->trained = op->trained && plan->role != LKS_ROLE_MOMENT;
    op->n_flat += t->count;
    if (plan->role == LKS_ROLE_WEIGHT)
        op->n_weights = t->count;
    else if (plan->role == LKS_ROLE_BIAS)
        op->n_bias = (int)t->count;
    m->n_weights += t->count;
    if (m->n_weights > INT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': more than 2^31 parameters", op->name);
    return LKS_OK;
}

lks_status lks_op_tensors(lks_op *op, const lks_layer_info *info, lks_error *err) {
    op->offset = op->model->n_weights;
    for (int i = 0; i < info->n_tensors; i++)
        LKS_TRY(add_tensor(op, &info->tensors[i], err));
    return LKS_OK;
}
