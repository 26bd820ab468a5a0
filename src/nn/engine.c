/* One batch through the network, on this rank's threads.
 *
 * Forward, loss and backward-data work on any range of images; weight gradients on whole chunks.
 * Batch normalisation needs sums over the whole batch: there threads and ranks meet.
 * Where the chunks go round evenly, a thread takes each of its chunks through everything else while
 * the data are in its cache, in pieces of a few images where they are large. Where they do not,
 * threads share the images first, then the outputs of the weight gradients. The results are the same
 * either way. */
#include "lockstep/model.h"

#include "lockstep/digest.h"
#include "lockstep/pulse.h"
#include "lockstep/trace.h"
#include "nn/op.h"

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

/* Operations [first, last). Where `forward`, they are run forward; where `backward`, all but the
 * first are then run backward, last to first. With both, the loss comes in between. */
typedef struct pass {
    int first, last;
    bool forward, backward;
    lks_op *next; /* what needs sums over the whole batch to go on, or NULL */
} pass;

static void forward_images(lks_model *m, lks_worker *w, int first, int last, lks_span s) {
    for (int i = first; i < last; i++)
        m->ops[i]->class->forward(m->ops[i], w, s.first, s.count);
}

static void add_gradient(lks_model *m, lks_activation *to, const float *from, lks_span s) {
    float *at = to->gradient + s.first * to->size;
    m->kernels->add(at, at, from + s.first * to->size, to->size * s.count);
}

static void backward_images(lks_op *op, lks_worker *w, lks_span s) {
    if (!op->out->gradient)
        return;
    op->class->backward(op, w, s.first, s.count);
    if (op->dx_adds)
        add_gradient(op->model, op->in, op->dx, s);
    for (int k = 0; k < op->n_more; k++)
        if (op->more[k].dx_adds)
            add_gradient(op->model, op->more[k].from, op->more[k].dx, s);
}

/* The gradient of the *sum* of losses goes to the logits; losses are added exactly, sample by sample. */
static void loss_of_images(lks_model *m, lks_worker *w, lks_span images) {
    const lks_objective *o = &m->objective;
    lks_activation *out = lks_model_last(m);
    for (int s = images.first; s < images.first + images.count; s++) {
        const size_t at = s * out->size;
        bool correct;
        double loss =
            o->train(o, out->value + at, m->batch.labels[s], out->gradient + at, &correct);
        if (!lks_limbs_add(&w->loss, loss))
            w->bad_loss = 1;
        w->correct += correct;
        w->samples++;
        w->hash += lks_hash64(m->batch.ids[s]);
    }
}

static void score_image(const lks_model *m, int s, lks_score *scores, float *probabilities) {
    const lks_objective *o = &m->objective;
    const lks_activation *out = lks_model_last(m);
    o->score(o, out->value + s * out->size, scores ? &m->batch.labels[s] : NULL,
             scores ? &scores[s] : NULL,
             probabilities ? probabilities + (size_t)s * o->classes : NULL);
}

static void run_images(lks_model *m, lks_worker *w, pass p, lks_span s) {
    lks_pulse_tick();
    if (p.forward)
        forward_images(m, w, p.first, p.last, s);
    if (p.forward && p.backward)
        loss_of_images(m, w, s);
    for (int i = p.last - 1; p.backward && i > p.first; i--)
        backward_images(m->ops[i], w, s);
}

static void weights_of_chunk(lks_model *m, lks_worker *w, pass p, lks_span chunk, int part,
                             int parts) {
    for (int i = p.last - 1; i > p.first; i--) {
        lks_op *op = m->ops[i];
        if (op->class->weights && op->trained && !op->wide)
            op->class->weights(op, w, w->index, chunk.first, chunk.count, part, parts);
    }
}

/* A batch without samples adds nothing: it only meets the other ranks. */
static void wide_weights(lks_model *m, lks_worker *w) {
    if (m->batch.n == 0)
        return;
    for (int i = m->n_ops - 1; i > 0; i--)
        if (m->ops[i]->wide && m->ops[i]->trained) {
            lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_WEIGHTS);
            m->ops[i]->class->weights(m->ops[i], w, 0, 0, m->batch.n, w->index, m->threads);
            lks_trace_close(event);
        }
}

/* Whole chunks per thread lose less than a barrier and shared caches cost, unless a thread would
 * idle for long. */
static bool chunks_go_round(int chunks, int threads) {
    return chunks % threads == 0 || chunks >= 8 * threads;
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
    int pieces = pieces_of(m, p, chunk.count);
    for (int i = 0; i < pieces; i++) {
        lks_span s = lks_part(chunk.count, i, pieces);
        s.first += chunk.first;
        run_images(m, w, p, s);
        if (p.next)
            p.next->class->moments(p.next, w, s.first, s.count, p.backward);
    }
    if (p.next)
        p.next->class->add_moments(p.next, w, chunk.count, p.backward);
    if (p.backward)
        weights_of_chunk(m, w, p, chunk, 0, 1);
}

static void moments_of_chunks(lks_model *m, lks_worker *w, pass p) {
    lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_MOMENTS);
    lks_span mine = lks_part(chunks_of(m), w->index, m->threads);
    for (int c = mine.first; c < mine.first + mine.count; c++) {
        lks_span s = chunk_span(m, c);
        p.next->class->moments(p.next, w, s.first, s.count, p.backward);
        p.next->class->add_moments(p.next, w, s.count, p.backward);
    }
    lks_trace_close(event);
}

/* Each chunk by one thread. */
static void run_chunks(lks_model *m, lks_worker *w, pass p) {
    lks_trace_event *event = lks_trace_open(w->index, kind_of(p));
    lks_span mine = lks_part(chunks_of(m), w->index, m->threads);
    for (int c = mine.first; c < mine.first + mine.count; c++)
        run_chunk(m, w, p, chunk_span(m, c));
    lks_trace_close(event);
}

/* Each thread its share of the images; what needs whole chunks comes afterwards. */
static void run_shares(lks_model *m, lks_worker *w, pass p) {
    lks_trace_event *event = lks_trace_open(w->index, kind_of(p));
    run_images(m, w, p, lks_part(m->batch.n, w->index, m->threads));
    lks_trace_close(event);
#pragma omp barrier
    if (p.backward) {
        event = lks_trace_open(w->index, LKS_TRACE_WEIGHTS);
        for (int c = 0; c < chunks_of(m); c++)
            weights_of_chunk(m, w, p, chunk_span(m, c), w->index, m->threads);
        lks_trace_close(event);
    }
    if (p.next)
        moments_of_chunks(m, w, p);
}

/* One pass, after which all threads and all ranks add up what operation `next` needs to know of the
 * whole batch. */
static void run_pass(lks_model *m, lks_worker *w, pass p) {
    if (chunks_go_round(chunks_of(m), m->threads))
        run_chunks(m, w, p);
    else
        run_shares(m, w, p);
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
    wide_weights(m, w);
}

void lks_model_train(lks_model *m, const lks_batch *batch) {
    m->batch = *batch;
    m->training = true;
    m->gathered += batch->n > 0;
    if (batch->n == 0 && m->rendezvous.n_stops == 0)
        return;
#pragma omp parallel num_threads(m->threads)
    {
        lks_default_floating_point();
        train_on_thread(m, m->workers[omp_get_thread_num()]);
    }
}

void lks_model_evaluate(lks_model *m, const lks_batch *batch, lks_score *scores,
                        float *probabilities) {
    m->batch = *batch;
    m->training = false;
    if (batch->n == 0)
        return;
#pragma omp parallel num_threads(m->threads)
    {
        lks_default_floating_point();
        lks_worker *w = m->workers[omp_get_thread_num()];
        lks_trace_event *event = lks_trace_open(w->index, LKS_TRACE_FORWARD);
        lks_span mine = lks_part(batch->n, w->index, m->threads);
        /* Chunk-sized pieces keep a piece's activations in the cache. */
        for (int s = mine.first, end = mine.first + mine.count; s < end; s += m->chunk) {
            lks_span piece = {s, end - s < m->chunk ? end - s : m->chunk};
            lks_pulse_tick();
            forward_images(m, w, 0, m->n_ops, piece);
            for (int i = s; i < s + piece.count; i++)
                score_image(m, i, scores, probabilities);
        }
        lks_trace_close(event);
    }
}

void lks_model_weights_changed(lks_model *m) {
#pragma omp parallel num_threads(m->threads)
    for (int i = 0; i < m->n_ops; i++)
        if (m->ops[i]->class->pack)
            m->ops[i]->class->pack(m->ops[i], omp_get_thread_num(), m->threads);
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
}

static void clear_sums(lks_model *m, int part) {
    size_t size = m->exact ? sizeof(int64_t) : sizeof(float);
    for (int i = 0; i < m->n_ops; i++) {
        lks_op *op = m->ops[i];
        for (int s = 0; s < op->n_sums && !op->in_place; s++) {
            size_t from = op->sums_count * part / m->threads;
            size_t to = op->sums_count * (part + 1) / m->threads;
            memset((char *)op->sums[s] + from * size, 0, (to - from) * size);
        }
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

static void collect_one(const lks_model *m, lks_op *op, int part) {
    int64_t *exact = m->message + LKS_MSG_HEAD + m->n_ops;
    if (!op->trained || (op->in_place && m->gathered == 0))
        collect_nothing(op, exact, m->gradients, part, m->threads);
    else if (!op->in_place)
        op->class->collect(op, exact, m->gradients, part, m->threads);
}

void lks_model_collect(lks_model *m) {
    collect_head(m, m->message);
#pragma omp parallel num_threads(m->threads)
    {
        int part = omp_get_thread_num();
        lks_trace_event *event = lks_trace_open(part, LKS_TRACE_COLLECT);
        for (int i = 0; i < m->n_ops; i++)
            collect_one(m, m->ops[i], part);
#pragma omp barrier
        clear_sums(m, part);
        lks_trace_close(event);
    }
    m->gathered = 0;
}
