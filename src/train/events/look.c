#include "train/events/look.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

lks_status lks_look_open(lks_look *look, const lks_trainer *t, lks_error *err) {
    static const char what[] = "histograms";
    const size_t most = (size_t)t->view.n_tensors;
    look->tensors = lks_alloc(most, sizeof *look->tensors, what, err);
    look->numbers = lks_alloc(most, sizeof *look->numbers, what, err);
    look->reals = lks_alloc(2 * most, sizeof *look->reals, what, err);
    look->counts = lks_alloc(most * LKS_HISTOGRAM_BINS, sizeof *look->counts, what, err);
    if (!look->tensors || !look->numbers || !look->reals || !look->counts)
        return err->status;
    for (int i = 0; i < t->view.n_tensors; i++) {
        if (t->view.tensors[i].role == LKS_ROLE_MOMENT)
            continue;
        look->tensors[look->n].name = t->view.tensors[i].name;
        look->numbers[look->n++] = i;
    }
    return LKS_OK;
}

void lks_look_close(lks_look *look) {
    lks_free(look->tensors);
    lks_free(look->numbers);
    lks_free(look->reals);
    lks_free(look->counts);
    *look = (lks_look){0};
}

/* --- weights: rank 0 has all of them ----------------------------------------------------------- */

static void take_weights(lks_histogram *h, const lks_trainer *t, const lks_tensor *tensor) {
    const float *values = t->view.weights + tensor->offset;
    *h = lks_histogram_start();
    for (size_t i = 0; i < tensor->count; i++)
        lks_histogram_range(h, values[i]);
    for (size_t i = 0; i < tensor->count; i++)
        lks_histogram_count(h, values[i]);
}

/* --- gradients: each rank has some or all ------------------------------------------------------ */

/* How many ranks have the sums of a weight, each of which counts it. */
static int copies_of(const lks_trainer *t) {
    if (t->exchange.way == &lks_exchange_allreduce)
        return t->comm->size;
    return t->exchange.way == &lks_exchange_host ? t->comm->hosts : 1;
}

static double gradient_at(const lks_trainer *t, size_t i) {
    const lks_model_view *v = &t->view;
    const double samples = (double)v->message[LKS_MSG_SAMPLES];
    if (v->gradients)
        return (double)v->gradients[i] / samples;
    return ldexp((double)v->message[v->n_message - v->n_weights + i], -30) / samples;
}

/* Of the tensor's elements those whose sums this rank has. */
static void visit_own(lks_histogram *h, const lks_trainer *t, const lks_tensor *tensor,
                      void (*visit)(lks_histogram *h, double value)) {
    const lks_optimizer *o = &t->optimizer;
    const size_t end = tensor->offset + tensor->count;
    const size_t last = end < o->end ? end : o->end;
    for (size_t i = tensor->offset > o->first ? tensor->offset : o->first; i < last; i++)
        visit(h, gradient_at(t, i));
}

static void range_gradients(lks_look *look, const lks_trainer *t) {
    for (int k = 0; k < look->n; k++) {
        const lks_tensor *tensor = &t->view.tensors[look->numbers[k]];
        lks_histogram *h = &look->tensors[k].gradients;
        *h = lks_histogram_start();
        if (tensor->trained)
            visit_own(h, t, tensor, lks_histogram_range);
        look->reals[2 * k] = -h->least; /* so that both are the most of something */
        look->reals[2 * k + 1] = h->most;
    }
    lks_comm_max_f64(t->comm, look->reals, 2 * (size_t)look->n);
    for (int k = 0; k < look->n; k++) {
        look->tensors[k].gradients.least = -look->reals[2 * k];
        look->tensors[k].gradients.most = look->reals[2 * k + 1];
    }
}

static void count_gradients(lks_look *look, const lks_trainer *t) {
    const int copies = copies_of(t);
    for (int k = 0; k < look->n; k++) {
        const lks_tensor *tensor = &t->view.tensors[look->numbers[k]];
        lks_histogram *h = &look->tensors[k].gradients;
        if (tensor->trained)
            visit_own(h, t, tensor, lks_histogram_count);
        look->reals[2 * k] = h->sum;
        look->reals[2 * k + 1] = h->squares;
        memcpy(look->counts + k * LKS_HISTOGRAM_BINS, h->counts, sizeof h->counts);
    }
    lks_comm_sum_f64(t->comm, look->reals, 2 * (size_t)look->n);
    lks_comm_sum_i64(t->comm, look->counts, (size_t)look->n * LKS_HISTOGRAM_BINS);
    for (int k = 0; k < look->n; k++) {
        lks_histogram *h = &look->tensors[k].gradients;
        h->sum = look->reals[2 * k] / copies;
        h->squares = look->reals[2 * k + 1] / copies;
        for (int b = 0; b < LKS_HISTOGRAM_BINS; b++)
            h->counts[b] = look->counts[k * LKS_HISTOGRAM_BINS + b] / copies;
    }
}

void lks_look_take(lks_look *look, const lks_trainer *t) {
    if (!look->tensors)
        return;
    for (int k = 0; t->comm->rank == 0 && k < look->n; k++)
        take_weights(&look->tensors[k].weights, t, &t->view.tensors[look->numbers[k]]);
    range_gradients(look, t);
    count_gradients(look, t);
}
