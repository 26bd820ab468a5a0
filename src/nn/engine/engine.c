/* One batch through the network, on this rank's threads.
 *
 * A thread takes a chunk through all operations while the data are in its cache, in pieces of a few
 * images where they are large; then the next one, of its own share first, then of the others'. Batch
 * normalisation needs sums over the whole batch: there threads and ranks meet. Chunks that do not go
 * round are shared out: their images first, then the outputs of their weight gradients. Partials of
 * chunks are added as integers, so the results are the same whoever did what. Float sums, for
 * comparison, depend on the order: with them each thread does its own share only. */
#include "lockstep/model.h"

#include "base/digest.h"
#include "base/observe/pulse.h"
#include "base/observe/trace.h"
#include "nn/op.h"
#include "nn/engine/apart.h"
#include "nn/engine/wide.h"
#include "nn/engine/work.h"

#include <omp.h>
#include <string.h>

static int chunks_of(const lks_model *m) {
    return (m->batch.n + m->chunk - 1) / m->chunk;
}

static lks_span chunk_span(const lks_model *m, int chunk) {
    int first = chunk * m->chunk;
    int left = m->batch.n - first;
    return (lks_span){first, left < m->chunk ? left : m->chunk};
}

void lks_model_mode(lks_model *m, bool training) {
    if (m->training == training)
        return;
    m->training = training;
    for (int i = 0; i < m->n_ops; i++) { /* in order: an idle operation may follow another */
        lks_op *op = m->ops[i];
        if (!op->class->idle_in_evaluation)
            continue;
        if (!training)
            op->out->trained_value = op->out->value;
        op->out->value = training ? op->out->trained_value : op->in->value;
    }
}

/* Operations [first, last). Where `forward`, they are run forward; where `backward`, all but the
 * first are then run backward, last to first. With both, the loss comes in between. */
typedef struct pass {
    int first, last;
    bool forward, backward;
    lks_op *next; /* what needs sums over the whole batch to go on, or NULL */
} pass;

/* The worker turns to a chunk, or to a piece of it, whose first sample stands first in the memory of `home`. */
static void hold(lks_worker *w, const lks_worker *home, int first) {
    w->memory = home->own;
    w->first = first;
}

static void forward_images(lks_model *m, lks_worker *w, int first, int last, lks_span s) {
    for (int i = first; i < last; i++)
        if (m->training || !m->ops[i]->class->idle_in_evaluation)
            m->ops[i]->class->forward(m->ops[i], w, s.first, s.count);
}

static void add_gradient(const lks_op *op, const lks_worker *w, const lks_activation *to,
                         const lks_samples *from, lks_span s) {
    float *at = lks_gradient(to, w, s.first);
    op->model->kernels->add(at, at, lks_sample(from, w, s.first), to->size * s.count, false);
}

static void backward_images(lks_op *op, lks_worker *w, lks_span s) {
    if (!op->out->gradient)
        return;
    op->class->backward(op, w, s.first, s.count);
    if (op->dx == &op->apart)
        add_gradient(op, w, op->in, op->dx, s);
    for (int k = 0; k < op->n_more; k++)
        if (op->more[k].dx == &op->more[k].apart)
            add_gradient(op, w, op->more[k].from, op->more[k].dx, s);
}

/* The gradient of the *sum* of losses goes to the logits; losses are added exactly, sample by sample. */
static void loss_of_images(lks_model *m, lks_worker *w, lks_span images) {
    const lks_objective *o = &m->objective;
    const lks_activation *out = lks_model_last(m);
    for (int s = images.first; s < images.first + images.count; s++) {
        bool correct;
        double loss = o->train(o, lks_value(out, w, s), m->batch.labels[s], lks_gradient(out, w, s),
                               &correct);
        if (!lks_limbs_add(&w->loss, loss))
            w->bad_loss = 1;
        w->correct += correct;
        w->samples++;
        w->hash += lks_hash64(m->batch.ids[s]);
    }
}

static void score_image(const lks_model *m, const lks_worker *w, int s, lks_score *scores,
                        float *probabilities) {
    const lks_objective *o = &m->objective;
    o->score(o, lks_value(lks_model_last(m), w, s), scores ? &m->batch.labels[s] : NULL,
             scores ? &scores[s] : NULL,
             probabilities ? probabilities + (size_t)s * o->classes : NULL);
}

/* Whether weight gradients are made chunk by chunk. */
static bool weighs_chunks(const lks_op *op) {
    return op->class->weights && op->trained && !op->wide;
}

static void weights_of_chunk(lks_op *op, lks_worker *w, lks_span chunk, int part, int parts) {
    const lks_model *m = op->model;
    if (!weighs_chunks(op))
        return;
    const bool apart = lks_apart_open(m, w, chunk.first / m->chunk, chunk.count);
    op->class->weights(op, w, w->index, chunk.first, chunk.count, part, parts);
    if (apart)
        lks_apart_close(op, w, w->index, 0, op->sums_count, false);
}

/* Backward, moments are the gradients of a scale and a shift. */
static void add_moments(lks_op *op, lks_worker *w, lks_span chunk, bool backward) {
    const lks_model *m = op->model;
    const bool apart = lks_apart_open(m, w, chunk.first / m->chunk, chunk.count);
    op->class->add_moments(op, w, chunk.count, backward);
    if (apart)
        lks_apart_close(op, w, w->index, 0, backward ? op->sums_count : 0, false);
}

/* Where the images are a `whole` chunk, the weight gradients come right after what they are made of. */
static void run_images(lks_model *m, lks_worker *w, pass p, lks_span s, bool whole) {
    lks_pulse_tick();
    if (p.forward)
        forward_images(m, w, p.first, p.last, s);
    if (p.forward && p.backward)
        loss_of_images(m, w, s);
    for (int i = p.last - 1; p.backward && i > p.first; i--) {
        backward_images(m->ops[i], w, s);
        if (whole)
            weights_of_chunk(m->ops[i], w, s, 0, 1);
    }
}

/* How many of the last chunks are shared out: those that do not go round, unless a thread would idle for a
 * small part of the time only. No more than there are workers with memory for one. */
static int shared_chunks(const lks_model *m) {
    const int chunks = chunks_of(m);
    return m->whole || chunks >= 8 * m->threads ? 0 : chunks % m->threads;
}

static lks_trace_kind kind_of(pass p) {
    if (p.forward && p.backward)
        return LKS_TRACE_FORWARD_BACKWARD;
    return p.forward ? LKS_TRACE_FORWARD : LKS_TRACE_BACKWARD;
}

/* What goes into an operation and comes out of it should stay in the second-level cache until the
 * next one reads it; but weights have to be worth their reading for so few images. */
#define PIECE_FLOATS ((size_t)1 << 17)

/* Into how many pieces a chunk of `count` images is cut on its way through a pass. */
static int pieces_of(const lks_model *m, pass p, int count) {
    size_t fewest = (size_t)count;
    for (int i = p.forward && p.first > 0 ? p.first : p.first + 1; i < p.last; i++) {
        const lks_op *op = m->ops[i];
        size_t least = op->n_weights > PIECE_FLOATS ? op->n_weights : PIECE_FLOATS;
        size_t pieces = (op->in->size + op->out->size) * (size_t)count / least;
        fewest = pieces < fewest ? pieces : fewest;
    }
    return fewest > 0 ? (int)fewest : 1;
}

/* The chunk's moments for the next operation are taken while the data are in the cache. */
static void run_chunk(lks_model *m, lks_worker *w, pass p, lks_span chunk) {
    int pieces = m->whole ? 1 : pieces_of(m, p, chunk.count);
    hold(w, w, chunk.first);
    for (int i = 0; i < pieces; i++) {
        lks_span s = lks_part(chunk.count, i, pieces);
        s.first += chunk.first;
        run_images(m, w, p, s, pieces == 1);
        if (p.next)
            p.next->class->moments(p.next, w, s.first, s.count, p.backward);
    }
    if (p.next)
        add_moments(p.next, w, chunk, p.backward);
    for (int i = p.last - 1; p.backward && pieces > 1 && i > p.first; i--)
        weights_of_chunk(m->ops[i], w, chunk, 0, 1);
}

/* The first `n` chunks, each by one thread. */
static void run_chunks(lks_model *m, lks_worker *w, pass p, int n) {
    if (n == 0)
        return;
    lks_trace_event *event = lks_trace_open(w->index, kind_of(p));
    for (int c; (c = lks_work_next(m, w, n, m->exact)) >= 0;)
        run_chunk(m, w, p, chunk_span(m, c));
    lks_trace_close(event);
}

/* Chunks [first, first + n), which the threads share out. Each is at home with one worker. */
typedef struct shared {
    int first, n;
} shared;

static lks_span hold_shared(const lks_model *m, lks_worker *w, shared of, int i) {
    const lks_span chunk = chunk_span(m, of.first + i);
    hold(w, m->workers[i], chunk.first);
    return chunk;
}

/* Into how many pieces each of `chunks` of `images` is cut, so that the thread with most images has as few as
 * can be. */
static int fair_pieces(int chunks, int images, int threads) {
    int best = 1, fewest = INT32_MAX;
    for (int pieces = 1; pieces <= images; pieces++) {
        const int rounds = (chunks * pieces + threads - 1) / threads;
        const int most = rounds * ((images + pieces - 1) / pieces);
        if (most < fewest) {
            fewest = most;
            best = pieces;
        }
    }
    return best;
}

static void share_images(lks_model *m, lks_worker *w, pass p, shared of) {
    lks_trace_event *event = lks_trace_open(w->index, kind_of(p));
    const int pieces = fair_pieces(of.n, m->chunk, m->threads);
    for (int i; (i = lks_work_next(m, w, of.n * pieces, m->exact)) >= 0;) {
        const lks_span chunk = hold_shared(m, w, of, i / pieces);
        lks_span s = lks_part(chunk.count, i % pieces, pieces);
        s.first += chunk.first;
        if (s.count > 0)
            run_images(m, w, p, s, false);
    }
    lks_trace_close(event);
}

static void share_moments(lks_model *m, lks_worker *w, pass p, shared of) {
    lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_MOMENTS);
    for (int i; (i = lks_work_next(m, w, of.n, m->exact)) >= 0;) {
        const lks_span s = hold_shared(m, w, of, i);
        p.next->class->moments(p.next, w, s.first, s.count, p.backward);
        add_moments(p.next, w, s, p.backward);
    }
    lks_trace_close(event);
}

static void share_weights(lks_model *m, lks_worker *w, pass p, shared of) {
    lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_WEIGHTS);
    const int parts = (m->threads + of.n - 1) / of.n;
    for (int i = p.last - 1; i > p.first; i--)
        if (weighs_chunks(m->ops[i]))
            for (int k; (k = lks_work_next(m, w, of.n * parts, m->exact)) >= 0;) {
                const lks_span chunk = hold_shared(m, w, of, k / parts);
                weights_of_chunk(m->ops[i], w, chunk, k % parts, parts);
            }
    lks_trace_close(event);
}

/* The workers whose memory it takes are done with their own chunks. */
static void run_shared(lks_model *m, lks_worker *w, pass p, shared of) {
#pragma omp barrier
    share_images(m, w, p, of);
#pragma omp barrier
    if (p.next)
        share_moments(m, w, p, of);
    if (p.backward)
        share_weights(m, w, p, of);
}

/* One pass, after which all threads and all ranks add up what operation `next` needs to know of the
 * whole batch. */
static void run_pass(lks_model *m, lks_worker *w, pass p) {
    const int n = shared_chunks(m), first = chunks_of(m) - n;
    run_chunks(m, w, p, first);
    if (n > 0)
        run_shared(m, w, p, (shared){first, n});
    if (!p.next)
        return;
#pragma omp barrier
#pragma omp master
    p.next->class->agree(p.next, p.backward);
#pragma omp barrier
}

/* The operation at stop s; none before the first. */
static lks_op *stop(const lks_model *m, int s) {
    return s >= 0 ? m->ops[m->rendezvous.stops[s]] : NULL;
}

/* Forward from stop to stop, then the last stretch forward and backward, and back from stop to
 * stop. Without stops a chunk goes through everything while its data are in the cache. */
static void train_on_thread(lks_model *m, lks_worker *w) {
    int first = 0, last = m->rendezvous.n_stops - 1;
    for (int s = 0; s <= last; first = m->rendezvous.stops[s++])
        run_pass(m, w, (pass){first, m->rendezvous.stops[s], .forward = true, .next = stop(m, s)});
    run_pass(m, w,
             (pass){first, m->n_ops, .forward = true, .backward = true, .next = stop(m, last)});
    for (int s = last; s >= 0; s--) {
        first = s > 0 ? m->rendezvous.stops[s - 1] : 0;
        run_pass(
            m, w,
            (pass){first, m->rendezvous.stops[s] + 1, .backward = true, .next = stop(m, s - 1)});
    }
#pragma omp barrier
    lks_wide_weights(m, w);
}

void lks_model_train(lks_model *m, const lks_batch *batch) {
    m->batch = *batch;
    lks_model_mode(m, true);
    m->trained++;
    lks_wide_begin(m);
    lks_apart_begin(m);
    if (batch->n == 0 && m->rendezvous.n_stops == 0 && m->gathered.peers.n == 0)
        return;
#pragma omp parallel num_threads(m->threads)
    {
        lks_default_floating_point();
        train_on_thread(m, m->workers[omp_get_thread_num()]);
    }
}

/* --- single chunks once more ------------------------------------------------------------------- */

/* The moments of a batchnorm that learns are those of the batch that was trained; this chunk's are made for their hash. */
static void moments_again(lks_op *op, lks_worker *w, lks_span s, bool backward) {
    if (!op->class->moments || !op->trained)
        return;
    op->class->moments(op, w, s.first, s.count, backward);
    add_moments(op, w, s, backward);
}

static void weights_again(lks_op *op, lks_worker *w, lks_span s) {
    const lks_model *m = op->model;
    if (!op->class->weights || !op->trained)
        return;
    lks_apart_open(m, w, s.first / m->chunk, s.count);
    op->class->weights(op, w, op->wide ? 0 : w->index, s.first, s.count, 0, 1);
    lks_apart_close(op, w, 0, 0, op->sums_count, false);
}

/* A chunk from the first operation to the last one and back, by one thread. */
static void recompute_chunk(lks_model *m, lks_worker *w, lks_span s) {
    const lks_objective *o = &m->objective;
    const lks_activation *out = lks_model_last(m);
    bool correct;
    lks_pulse_tick();
    hold(w, w, s.first);
    for (int i = 0; i < m->n_ops; i++) {
        moments_again(m->ops[i], w, s, false);
        forward_images(m, w, i, i + 1, s);
    }
    for (int i = s.first; i < s.first + s.count; i++)
        o->train(o, lks_value(out, w, i), m->batch.labels[i], lks_gradient(out, w, i), &correct);
    for (int i = m->n_ops - 1; i > 0; i--) {
        moments_again(m->ops[i], w, s, true);
        backward_images(m->ops[i], w, s);
        weights_again(m->ops[i], w, s);
    }
}

static bool anything_bad(const lks_model *m) {
    bool bad = false;
    for (int t = 0; t < m->threads; t++)
        for (int i = 0; i < m->n_ops; i++)
            bad |= m->workers[t]->bad[i] != 0;
    return bad;
}

static void clear_bad(const lks_model *m) {
    for (int t = 0; t < m->threads; t++)
        memset(m->workers[t]->bad, 0, (size_t)m->n_ops * sizeof *m->workers[t]->bad);
}

bool lks_model_recompute(lks_model *m, const lks_batch *batch, uint64_t *hashes) {
    lks_asked *a = &m->gathered.asked;
    if (anything_bad(m)) /* the step's own marks are for its message */
        return false;
    m->batch = *batch;
    m->trained++; /* what stands in the workers' memory is another batch's */
    a->alone = true;
    lks_apart_begin(m);
#pragma omp parallel num_threads(m->threads)
    {
        lks_worker *w = m->workers[omp_get_thread_num()];
        const int64_t products = w->products; /* counted are those of training */
        lks_default_floating_point();
        for (int c; (c = lks_work_next(m, w, chunks_of(m), true)) >= 0;)
            recompute_chunk(m, w, chunk_span(m, c));
        w->products = products;
    }
    a->alone = false;
    lks_apart_hashes(m, hashes);
    const bool sound = !anything_bad(m);
    clear_bad(m);
    return sound;
}

/* --- evaluation -------------------------------------------------------------------------------- */

/* Results go to the arrays where they are given. */
typedef struct scoring {
    lks_score *scores;
    float *probabilities;
} scoring;

static void evaluate_images(lks_model *m, lks_worker *w, lks_span s, scoring to) {
    lks_pulse_tick();
    hold(w, w, s.first);
    forward_images(m, w, 0, m->n_ops, s);
    for (int i = s.first; i < s.first + s.count; i++)
        score_image(m, w, i, to.scores, to.probabilities);
}

/* Pieces of a chunk at most, and no fewer than there are threads. */
static void evaluate_on_thread(lks_model *m, lks_worker *w, scoring to) {
    lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_FORWARD);
    const int n = m->batch.n, pieces = chunks_of(m) > m->threads ? chunks_of(m) : m->threads;
    for (int i; (i = lks_work_next(m, w, pieces, true)) >= 0;) {
        const lks_span s = lks_part(n, i, pieces);
        if (s.count > 0)
            evaluate_images(m, w, s, to);
    }
    lks_trace_close(event);
}

void lks_model_evaluate(lks_model *m, const lks_batch *batch, lks_score *scores,
                        float *probabilities) {
    const scoring to = {scores, probabilities};
    m->batch = *batch;
    lks_model_mode(m, false);
    if (batch->n == 0)
        return;
    if (batch->n == 1) { /* by the first worker: lks_model_output() looks there */
        evaluate_images(m, m->workers[0], (lks_span){0, 1}, to);
        return;
    }
#pragma omp parallel num_threads(m->threads)
    {
        lks_default_floating_point();
        evaluate_on_thread(m, m->workers[omp_get_thread_num()], to);
    }
}

/* Fewer weights are packed or collected faster than shared out. */
#define LEAST_PART ((size_t)1 << 12)

void lks_model_weights_changed(lks_model *m) {
    lks_wide_meet(m);
#pragma omp parallel num_threads(m->threads)
    {
        lks_worker *w = m->workers[omp_get_thread_num()];
        for (int i = 0; i < m->n_ops; i++) {
            lks_op *op = m->ops[i];
            const int own = op->class->pack ? lks_parts_of(m, op, LEAST_PART) : 0;
            int first, parts;
            lks_wide_packs(m, op, own, &first, &parts);
            for (int part; (part = lks_work_next(m, w, own, true)) >= 0;)
                op->class->pack(op, first + part, parts);
        }
    }
    lks_wide_meet(m);
}

/* The workers' counts, and the marks of operations whose partials could not be summed. */
static void collect_head(lks_model *m, int64_t *message) {
    memset(message + LKS_MSG_SAMPLES, 0,
           (size_t)(LKS_MSG_HEAD + m->n_ops - LKS_MSG_SAMPLES) * sizeof *message);
    lks_limbs loss = {0, 0};
    for (int t = 0; t < m->threads; t++) {
        lks_worker *w = m->workers[t];
        message[LKS_MSG_SAMPLES] += w->samples;
        message[LKS_MSG_HASH] = (int64_t)((uint64_t)message[LKS_MSG_HASH] + w->hash);
        loss = lks_limbs_sum(loss, w->loss);
        message[LKS_MSG_CORRECT] += w->correct;
        message[LKS_MSG_BAD_LOSS] |= w->bad_loss;
        for (int i = 0; i < m->n_ops; i++)
            message[LKS_MSG_HEAD + i] |= w->bad[i];
        w->samples = w->correct = w->bad_loss = 0;
        w->hash = 0;
        w->loss = (lks_limbs){0, 0};
        memset(w->bad, 0, (size_t)m->n_ops * sizeof *w->bad);
    }
    message[LKS_MSG_LOSS_HI] = loss.hi;
    message[LKS_MSG_LOSS_LO] = loss.lo;
    lks_apart_collect(m, message);
}

/* Each thread the sums that it fills. */
static void clear_sums(lks_model *m, lks_worker *w) {
    const size_t size = m->exact ? sizeof(int64_t) : sizeof(float);
    for (int slot; (slot = lks_work_next(m, w, m->threads, true)) >= 0;)
        for (int i = 0; i < m->n_ops; i++) {
            const lks_op *op = m->ops[i];
            if (slot < op->n_sums && !op->in_place)
                memset(op->sums[slot], 0, op->sums_count * size);
        }
}

/* Weights that are kept as they are have no gradient, nor have any where no sample came by. */
static void collect_nothing(const lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    size_t from = op->n_flat * part / parts, to = op->n_flat * (part + 1) / parts;
    if (plain)
        memset(plain + op->offset + from, 0, (to - from) * sizeof *plain);
    else
        memset(exact + op->offset + from, 0, (to - from) * sizeof *exact);
}

static void collect_part(const lks_model *m, lks_op *op, int part, int parts) {
    int64_t *exact = m->gathered.message + LKS_MSG_HEAD + m->n_ops;
    if (!op->trained || (op->in_place && m->gathered.batches == 0))
        collect_nothing(op, exact, m->gathered.gradients, part, parts);
    else if (!op->in_place)
        op->class->collect(op, exact, m->gathered.gradients, part, parts);
}

void lks_model_collect(lks_model *m) {
    collect_head(m, m->gathered.message);
#pragma omp parallel num_threads(m->threads)
    {
        lks_worker *w = m->workers[omp_get_thread_num()];
        lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_COLLECT);
        for (int i = 0; i < m->n_ops; i++) {
            const int parts = lks_parts_of(m, m->ops[i], LEAST_PART);
            for (int part; (part = lks_work_next(m, w, parts, true)) >= 0;)
                collect_part(m, m->ops[i], part, parts);
        }
#pragma omp barrier
        clear_sums(m, w);
        lks_trace_close(event);
    }
    m->gathered.batches = 0;
    m->gathered.read = false; /* who collects meets them before the next batch */
}
