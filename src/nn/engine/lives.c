#include "nn/engine/lives.h"

#include "base/memory.h"

/* The pass in which an operation runs forward: the number of stops up to it, itself included. */
static int forward_pass(const lks_model *m, int op) {
    int pass = 0;
    while (pass < m->rendezvous.n_stops && m->rendezvous.stops[pass] <= op)
        pass++;
    return pass;
}

/* The pass in which it runs backward: that after the last stop does both. A stop's own comes after the
 * threads have met. */
static int backward_pass(const lks_model *m, int op) {
    int before = 0;
    while (before < m->rendezvous.n_stops && m->rendezvous.stops[before] < op)
        before++;
    return 2 * m->rendezvous.n_stops - before;
}

static bool in_one_pass(const lks_model *m, const lks_op *op) {
    return forward_pass(m, op->index) == backward_pass(m, op->index);
}

/* What reads the output comes later: where forward and backward are one pass, those are the same. */
static bool value_outlasts(const lks_model *m, const lks_op *op) {
    bool outlasts = !in_one_pass(m, op) || lks_op_is_late(op);
    for (int i = op->index + 1; i < m->n_ops; i++)
        outlasts |= lks_op_reads(m->ops[i], op->out) && lks_op_is_late(m->ops[i]);
    return outlasts;
}

/* What an operation makes its input's gradient of is read where that is. */
static bool made_later(const lks_model *m, const lks_op *op) {
    return op->in && op->in->gradient_maker == op &&
           backward_pass(m, op->in->op->index) != backward_pass(m, op->index);
}

/* A gradient is put together where the readers run backward, and is read where the operation itself
 * does; a stop's is read for the moments before. */
static bool gradient_outlasts(const lks_model *m, const lks_op *op) {
    const int own = backward_pass(m, op->index);
    bool outlasts = lks_op_is_late(op) || (op->class->moments && op->trained) || made_later(m, op);
    for (int i = op->index + 1; i < m->n_ops; i++)
        outlasts |= lks_op_reads(m->ops[i], op->out) && backward_pass(m, i) != own;
    return outlasts;
}

/* Where several activations share a gradient's memory, it outlasts if it does for one of them. */
static bool shared_gradient_outlasts(const lks_model *m, const lks_op *op) {
    bool outlasts = false;
    for (int i = 0; i < m->n_ops; i++)
        if (m->ops[i]->out->gradient == &op->out->own_gradient)
            outlasts |= gradient_outlasts(m, m->ops[i]);
    return outlasts;
}

/* Whether a gradient stands there, of one activation or another. */
static bool is_kept(const lks_model *m, const lks_samples *gradient) {
    bool kept = false;
    for (int i = 0; i < m->n_activations; i++)
        kept |= m->activations[i]->gradient == gradient && !m->activations[i]->gradient_maker;
    return kept;
}

void *lks_lives_alloc(lks_model *m, size_t count, size_t each, lks_error *err) {
    void *p = lks_alloc_lazy(count, each, "memory for samples", err);
    if (p)
        m->bytes += count * each;
    return p;
}

static lks_status place(lks_model *m, lks_samples *s, bool outlasts, lks_error *err) {
    if (s->each == 0)
        return LKS_OK;
    if (outlasts) {
        s->batch = lks_lives_alloc(m, (size_t)m->capacity, s->each, err);
        return s->batch ? LKS_OK : err->status;
    }
    const size_t rows = (size_t)(m->chunk < m->capacity ? m->chunk : m->capacity);
    s->at = m->worker_bytes;
    m->worker_bytes += (s->each * rows + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
    return LKS_OK;
}

static lks_status place_operation(lks_model *m, lks_op *op, lks_error *err) {
    lks_activation *out = op->out;
    if (!out->value_maker)
        LKS_TRY(place(m, &out->value, value_outlasts(m, op), err));
    if (is_kept(m, &out->own_gradient))
        LKS_TRY(place(m, &out->own_gradient, shared_gradient_outlasts(m, op), err));
    const bool later = !in_one_pass(m, op) || made_later(m, op);
    for (int k = 0; k < op->n_kept; k++)
        LKS_TRY(place(m, op->kept[k].samples, op->kept[k].from_forward && later, err));
    /* Added to the input's gradient as soon as it is there. */
    LKS_TRY(place(m, &op->apart, false, err));
    for (int k = 0; k < op->n_more; k++)
        LKS_TRY(place(m, &op->more[k].apart, false, err));
    return LKS_OK;
}

lks_status lks_lives_place(lks_model *m, lks_error *err) {
    for (int i = 0; i < m->n_ops; i++)
        LKS_TRY(place_operation(m, m->ops[i], err));
    return LKS_OK;
}
