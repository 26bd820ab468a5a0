#include "nn/engine/wide.h"

#include "lockstep/model.h"
#include "base/observe/pulse.h"
#include "base/observe/trace.h"
#include "nn/engine/apart.h"
#include "nn/engine/lives.h"
#include "nn/engine/work.h"

#include <omp.h>

/* A part of a wide operation's weights is large enough that its outputs' gradients, read again for each,
 * do not count. */
#define WIDE_PART ((size_t)1 << 14)

int lks_parts_of(const lks_model *m, const lks_op *op, size_t least) {
    const int enough = (int)((op->n_flat + least - 1) / least);
    return (enough + m->threads - 1) / m->threads * m->threads;
}

/* --- what peers read -------------------------------------------------------------------------- */

/* At the beginning of a peer's memory. */
typedef struct head {
    int samples; /* of its batch */
} head;

static head *head_of(const lks_model *m, int peer) {
    return (head *)(m->gathered.peers.memory +
                    (peer - m->gathered.peers.own) * m->gathered.peers.apart);
}

static size_t aligned(size_t bytes) {
    return (bytes + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
}

/* Memory of the whole batch moves to `*to`, or, where that is NULL, is only measured. */
static size_t move(const lks_model *m, lks_samples *s, char **to) {
    if (!s->batch)
        return 0;
    const size_t bytes = aligned((size_t)m->capacity * s->each);
    if (*to) {
        lks_free_lazy(s->batch);
        s->batch = *to;
        s->borrowed = true;
        *to += bytes;
    }
    return bytes;
}

static bool value_is_read(const lks_model *m, const lks_op *op) {
    bool read = lks_op_is_late(op);
    for (int i = op->index + 1; i < m->n_ops; i++)
        read |= lks_op_is_late(m->ops[i]) && lks_op_reads(m->ops[i], op->out);
    return read;
}

static bool gradient_is_read(const lks_model *m, const lks_op *op) {
    bool read = false;
    for (int i = 0; i < m->n_ops; i++)
        read |= lks_op_is_late(m->ops[i]) && m->ops[i]->out->gradient == &op->out->own_gradient;
    return read;
}

static size_t move_all(const lks_model *m, char *to) {
    size_t bytes = 0;
    for (int i = 0; i < m->n_ops; i++) {
        lks_op *op = m->ops[i];
        if (value_is_read(m, op))
            bytes += move(m, &op->out->value, &to);
        if (gradient_is_read(m, op))
            bytes += move(m, &op->out->own_gradient, &to);
        for (int k = 0; lks_op_is_late(op) && k < op->n_kept; k++)
            bytes += move(m, op->kept[k].samples, &to);
    }
    return bytes;
}

size_t lks_wide_peer_bytes(const lks_model *m) {
    const size_t bytes = move_all(m, NULL);
    return bytes > 0 ? aligned(sizeof(head)) + lks_apart_peer_bytes(m) + bytes : 0;
}

/* Packed weights move to `to`, or, where it is NULL, are only measured. */
static size_t move_packed(const lks_model *m, char *to) {
    size_t at = 0, bytes;
    for (int i = 0; i < m->n_ops; i++) {
        lks_op *op = m->ops[i];
        void **array;
        for (int k = 0; lks_op_is_late(op) && (array = op->class->packed(op, k, &bytes)); k++) {
            if (to) {
                lks_op_release(op, *array);
                *array = to + at;
            }
            at += aligned(bytes);
        }
    }
    return at;
}

size_t lks_wide_common_bytes(const lks_model *m) {
    return move_packed(m, NULL);
}

void lks_model_join(lks_model *m, const lks_peers *peers) {
    m->gathered.peers = *peers;
    char *to = peers->memory + aligned(sizeof(head));
    lks_apart_move(m, to);
    move_all(m, to + lks_apart_peer_bytes(m));
    move_packed(m, peers->common);
}

void lks_wide_packs(const lks_model *m, const lks_op *op, int n, int *first, int *parts) {
    const bool shared = m->gathered.peers.n > 0 && lks_op_is_late(op);
    *first = shared ? m->gathered.peers.own * n : 0;
    *parts = shared ? m->gathered.peers.n * n : n;
}

void lks_wide_meet(lks_model *m) {
    if (m->gathered.peers.n > 0)
        m->gathered.peers.meet(m->gathered.peers.context);
}

/* --- who makes which sums --------------------------------------------------------------------- */

/* The peer that makes the gradient of weight `at` of a wide operation; the first makes those of the bias. */
static int maker_of(const lks_op *op, size_t at, size_t *end) {
    const int n = op->model->gathered.peers.n;
    const size_t width = op->n_weights / (size_t)op->class->rows(op, 0, 1).count;
    for (int peer = 0; peer < n; peer++) {
        const lks_span rows = op->class->rows(op, peer, n);
        *end = (size_t)(rows.first + rows.count) * width;
        if (at < *end)
            return peer;
    }
    *end = op->n_flat;
    return 0;
}

int lks_model_sum_holder(const lks_model *m, size_t at, size_t *end) {
    *end = m->n_weights;
    for (int i = 0; i < m->n_ops; i++) {
        const lks_op *op = m->ops[i];
        if (m->gathered.peers.n == 0 || !lks_op_is_late(op) || at >= op->offset + op->n_flat)
            continue;
        *end = op->offset; /* it begins later */
        if (at < op->offset)
            return -1;
        const int peer = maker_of(op, at - op->offset, end);
        *end += op->offset;
        return peer;
    }
    return -1;
}

/* --- a batch ---------------------------------------------------------------------------------- */

void lks_wide_begin(lks_model *m) {
    if (m->gathered.peers.n == 0) {
        m->gathered.batches += m->batch.n > 0;
        return;
    }
    if (m->gathered.read)
        m->gathered.peers.meet(m->gathered.peers.context);
    head_of(m, m->gathered.peers.own)->samples = m->batch.n;
}

/* One thread, when the others have written what there is. */
static void meet_peers(lks_model *m) {
    bool any = false;
    m->gathered.peers.meet(m->gathered.peers.context);
    for (int peer = 0; peer < m->gathered.peers.n; peer++)
        any |= head_of(m, peer)->samples > 0;
    m->gathered.batches += any;
    m->gathered.read = true;
}

/* A part of one chunk's gradient by itself: rows of the weights, and with the first part the bias behind them. */
static void close_part(lks_op *op, lks_worker *w, int part, int parts) {
    const size_t bias = op->n_bias ? (size_t)lks_padded(op->n_bias) : 0;
    const size_t at = op->sums_count - bias;
    const size_t width = at / (size_t)op->class->rows(op, 0, 1).count;
    const lks_span rows = op->class->rows(op, part, parts);
    lks_apart_close(op, w, 0, (size_t)rows.first * width, (size_t)rows.count * width, w->fresh);
    if (part == 0 && bias)
        lks_apart_close(op, w, 0, at, bias, w->fresh);
}

/* A part for `samples` samples: whole chunks in one go, but for those that are looked at. */
static void weights_of_samples(lks_model *m, lks_worker *w, lks_op *op, int samples, int part,
                               int parts) {
    for (int first = 0, n; first < samples; first += n) {
        n = samples - first < m->chunk ? samples - first : m->chunk;
        const bool apart = lks_apart_open(m, w, first / m->chunk, n);
        while (!apart && first + n < samples) {
            const int more = samples - first - n < m->chunk ? samples - first - n : m->chunk;
            if (lks_apart_open(m, w, (first + n) / m->chunk, more))
                break;
            n += more;
        }
        w->apart.open = apart;
        op->class->weights(op, w, 0, first, n, part, parts);
        if (apart)
            close_part(op, w, part, parts);
        w->fresh = false;
    }
}

/* A part for the samples of all peers, while its sums are in the cache. */
static void weights_of_all(lks_model *m, lks_worker *w, lks_op *op, int part, int parts) {
    const lks_peers *p = &m->gathered.peers;
    w->fresh = m->gathered.batches == 1;
    for (int peer = 0; peer < p->n; peer++) {
        const int samples = head_of(m, peer)->samples;
        if (samples == 0)
            continue;
        w->away = (peer - p->own) * p->apart;
        w->rounded.of = NULL; /* what stands there is another's */
        weights_of_samples(m, w, op, samples, part, parts);
    }
    w->away = 0;
    w->rounded.of = NULL;
}

/* A batch without samples adds nothing. */
static void weights_of_own(lks_model *m, lks_worker *w, lks_op *op, int part, int parts) {
    w->fresh = m->gathered.batches == 1;
    weights_of_samples(m, w, op, m->batch.n, part, parts);
}

/* An element's sum is one chain over all chunks, so here any thread may help in any mode. */
static void weights_of(lks_model *m, lks_worker *w, lks_op *op) {
    const int own = m->gathered.peers.own,
              peers = m->gathered.peers.n > 0 ? m->gathered.peers.n : 1;
    const int each = (lks_parts_of(m, op, WIDE_PART) / m->threads + peers - 1) / peers * m->threads;
    lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_WEIGHTS);
    for (int part; (part = lks_work_next(m, w, each, true)) >= 0;) {
        lks_pulse_tick();
        if (m->gathered.peers.n > 0)
            weights_of_all(m, w, op, own * each + part, peers * each);
        else if (m->batch.n > 0)
            weights_of_own(m, w, op, part, each);
    }
    lks_trace_close(event);
}

void lks_wide_weights(lks_model *m, lks_worker *w) {
    if (m->gathered.peers.n > 0) {
#pragma omp master
        meet_peers(m);
#pragma omp barrier
    }
    for (int i = m->n_ops - 1; i > 0; i--)
        if (lks_op_is_late(m->ops[i]))
            weights_of(m, w, m->ops[i]);
}
