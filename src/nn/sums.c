/* Gradient sums: partials of chunks are computed in float, in order, and added as integers (or, in
 * the plain mode that exists for comparison, as floats). */
#include "nn/sums.h"

#include "nn/engine/lives.h"

#include <string.h>

/* Dense layers with more weights than this gather their gradients over all of a rank's chunks at
 * once: a copy of the sums for every thread would cost more to add up than the work itself. Decided
 * by shape alone, and without effect on any result. */
#define WIDE_WEIGHTS 65536

lks_status lks_op_sums(lks_op *op, size_t count, bool may_be_wide, lks_error *err) {
    lks_model *m = op->model;
    op->wide = may_be_wide && op->n_weights > WIDE_WEIGHTS;
    op->in_place = op->wide && count == op->n_flat;
    op->n_sums = op->wide ? 1 : m->threads;
    op->sums_count = count;
    op->sums = lks_op_alloc(op, (size_t)op->n_sums, sizeof *op->sums, err);
    if (!op->sums)
        return err->status;
    for (int s = 0; s < op->n_sums && !op->in_place; s++) {
        op->sums[s] = lks_lives_alloc(m, count, m->exact ? sizeof(int64_t) : sizeof(float), err);
        if (!op->sums[s])
            return err->status;
    }
    return LKS_OK;
}

bool lks_op_fresh(const lks_op *op, const lks_worker *w) {
    return op->in_place && w->fresh && !w->apart.open;
}

void lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n) {
    if (op->model->exact) {
        if (!op->model->kernels->accumulate((int64_t *)lks_op_sums_at(op, w, slot) + at, p, n))
            w->bad[op->index] = 1;
        return;
    }
    float *sum = (float *)lks_op_sums_at(op, w, slot) + at;
    for (size_t i = 0; i < n; i++)
        sum[i] += p[i];
}

void lks_op_take(const lks_op *op, size_t at, size_t n, size_t to, size_t step, int64_t *exact,
                 float *plain) {
    size_t out = op->offset + to;
    if (op->model->exact) {
        for (int s = 0; s < op->n_sums; s++) {
            const int64_t *sum = (const int64_t *)op->sums[s] + at;
            for (size_t i = 0; i < n; i++)
                exact[out + i * step] =
                    s == 0 ? sum[i]
                           /* unsigned: what a refused partial left behind may wrap */
                           : (int64_t)((uint64_t)exact[out + i * step] + (uint64_t)sum[i]);
        }
        return;
    }
    for (int s = 0; s < op->n_sums; s++) {
        const float *sum = (const float *)op->sums[s] + at;
        for (size_t i = 0; i < n; i++)
            plain[out + i * step] = s == 0 ? sum[i] : plain[out + i * step] + sum[i];
    }
}

void lks_op_take_rows(const lks_op *op, int rows, size_t width, size_t padded, int64_t *exact,
                      float *plain, int part, int parts) {
    lks_span mine = lks_part(rows, part, parts);
    for (int r = mine.first; r < mine.first + mine.count; r++)
        lks_op_take(op, r * padded, width, r * width, 1, exact, plain);
}

void lks_op_take_bias(const lks_op *op, size_t padded, int64_t *exact, float *plain) {
    lks_op_take(op, op->sums_count - padded, (size_t)op->n_bias, op->n_weights, 1, exact, plain);
}

void lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                  const int32_t *element_offset, lks_span span) {
    const lks_model *m = op->model;
    size_t at = (size_t)span.first * a->channels;
    a->samples = count;
    a->chunk = m->chunk;
    a->taps = span.count;
    a->tap_offset = element_offset + span.first;
    a->row = (size_t)a->channels;
    a->fresh = lks_op_fresh(op, w);
    if (m->exact)
        a->sums = (int64_t *)lks_op_sums_at(op, w, slot) + at;
    else
        a->out = (float *)lks_op_sums_at(op, w, slot) + at;
    if (!m->kernels->wgrad(a))
        w->bad[op->index] = 1;
}

void lks_op_clear_bias(const lks_op *op, const lks_worker *w, int slot, size_t channels) {
    size_t at = op->sums_count - channels;
    size_t each = op->model->exact ? sizeof(int64_t) : sizeof(float);
    if (lks_op_fresh(op, w))
        memset((char *)op->sums[slot] + at * each, 0, channels * each);
}

void lks_op_bias(lks_op *op, lks_worker *w, int slot, const float *dy, int count, int pixels,
                 int channels) {
    const lks_model *m = op->model;
    size_t per_sample = (size_t)pixels * channels, at = op->sums_count - (size_t)channels;
    lks_op_clear_bias(op, w, slot, (size_t)channels);
    for (int s = 0; s < count; s += m->chunk) {
        int n = count - s < m->chunk ? count - s : m->chunk;
        memset(w->scratch, 0, (size_t)channels * sizeof(float));
        m->kernels->bias(w->scratch, dy + s * per_sample, (size_t)n * pixels, channels);
        lks_op_add(op, w, slot, at, w->scratch, (size_t)channels);
    }
}
