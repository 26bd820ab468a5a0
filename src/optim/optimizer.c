/* Optimizers: the mean gradient of a block of weights is made from the sums, then the block is
 * updated while it is in the cache. */
#include "optim/class.h"

#include <string.h>

#include "base/memory.h"
#include "optim/matrices.h"

/* --- blocks of weights ------------------------------------------------------------------------ */

static bool decays(const lks_optimizer_config *c, lks_role role) {
    return c->decay_bias_and_norm || role == LKS_ROLE_WEIGHT;
}

/* Appends the blocks of tensor `number`, the first of which is block `place` of all tensors. */
static void cut(lks_optimizer *o, const lks_tensor *t, int number, int place) {
    for (size_t at = 0; at < t->count; at += LKS_WEIGHT_BLOCK)
        o->blocks[o->n_blocks++] = (lks_weight_block){.first = t->offset + at,
                                                      .count = lks_block_size(t->count, at),
                                                      .tensor = number,
                                                      .place = place++,
                                                      .decays = decays(&o->config, t->role)};
}

static lks_status cut_tensors(lks_optimizer *o, const lks_tensor *tensors, lks_error *err) {
    int n = 0, place = 0;
    for (int t = 0; t < o->n_tensors; t++) {
        n += tensors[t].trained ? lks_blocks_of(&tensors[t]) : 0;
        o->n += tensors[t].count;
    }
    o->blocks = lks_alloc((size_t)n, sizeof *o->blocks, "the optimizer's blocks", err);
    o->squares = lks_alloc((size_t)n, sizeof *o->squares, "the optimizer's blocks", err);
    o->measured = lks_alloc((size_t)n, sizeof *o->measured, "the optimizer's blocks", err);
    o->norms = lks_alloc((size_t)o->n_tensors, sizeof *o->norms, "the optimizer's norms", err);
    if (!o->blocks || !o->squares || !o->measured || !o->norms)
        return LKS_ERR_MEMORY;
    for (int t = 0; t < o->n_tensors; place += lks_blocks_of(&tensors[t++]))
        if (tensors[t].trained)
            cut(o, &tensors[t], t, place);
    o->end = o->n;
    o->own_end = o->n_blocks;
    return LKS_OK;
}

static bool keeps(const lks_optimizer_config *c, int s) {
    const lks_optimizer_class *class = lks_optimizer_class_of(c->name);
    return class->states[s] && (!class->keeps || class->keeps(c, s));
}

int lks_optimizer_states(const lks_optimizer_config *config) {
    int n = 0;
    for (int s = 0; s < LKS_UPDATE_STATES; s++)
        n += keeps(config, s);
    return n;
}

static lks_status add_states(lks_optimizer *o, lks_error *err) {
    for (int s = 0; s < LKS_UPDATE_STATES; s++) {
        if (!keeps(&o->config, s))
            continue;
        float *state = lks_alloc(o->n, sizeof *state, "optimizer state", err);
        if (!state)
            return LKS_ERR_MEMORY;
        o->names[o->n_states] = lks_optimizer_class_of(o->config.name)->states[s];
        o->state[o->n_states++] = o->slot[s] = state;
    }
    return LKS_OK;
}

lks_status lks_optimizer_create(lks_optimizer *o, const lks_optimizer_config *config,
                                const lks_tensor *tensors, int n_tensors,
                                const lks_kernels *kernels, lks_error *err) {
    *o = (lks_optimizer){.config = *config, .kernels = kernels, .n_tensors = n_tensors};
    lks_status status = cut_tensors(o, tensors, err);
    if (status == LKS_OK)
        status = add_states(o, err);
    if (status == LKS_OK && lks_optimizer_class_of(config->name)->open)
        status = lks_optimizer_class_of(config->name)->open(o, tensors, err);
    if (status != LKS_OK)
        lks_optimizer_free(o);
    return status;
}

static void free_arrays(lks_optimizer *o) {
    for (int s = 0; s < o->n_states && !o->moved; s++)
        lks_free(o->state[s]);
    if (o->moved)
        return;
    lks_free(o->squares);
    lks_free(o->measured);
}

void lks_optimizer_free(lks_optimizer *o) {
    free_arrays(o);
    lks_free(o->blocks);
    lks_free(o->norms);
    lks_matrices_free(o->matrices);
    memset(o, 0, sizeof *o);
}

/* --- several processes ------------------------------------------------------------------------ */

static size_t state_bytes(const lks_optimizer *o) {
    return (o->n * sizeof(float) + LKS_ALIGN - 1) / LKS_ALIGN * LKS_ALIGN;
}

size_t lks_optimizer_shared_bytes(const lks_optimizer *o) {
    return (size_t)o->n_states * state_bytes(o) + 2 * (size_t)o->n_blocks * sizeof *o->squares;
}

void lks_optimizer_move(lks_optimizer *o, void *memory) {
    char *at = memory;
    free_arrays(o);
    o->moved = true;
    for (int k = 0, s = 0; k < LKS_UPDATE_STATES; k++)
        if (o->slot[k]) {
            o->state[s++] = o->slot[k] = (float *)at;
            at += state_bytes(o);
        }
    o->squares = (double(*)[2])at;
    o->measured = o->squares + o->n_blocks;
}

int lks_optimizer_blocks(const lks_optimizer *o, size_t element) {
    int n = 0;
    while (n < o->n_blocks && o->blocks[n].first < element)
        n++;
    return n;
}

size_t lks_optimizer_edge(const lks_optimizer *o, size_t element) {
    int i = lks_optimizer_blocks(o, element);
    const bool cuts = i > 0 && i < o->n_blocks && o->blocks[i].matrix &&
                      o->blocks[i - 1].tensor == o->blocks[i].tensor;
    for (; cuts && i < o->n_blocks && o->blocks[i].tensor == o->blocks[i - 1].tensor; i++)
        element = o->blocks[i].first + (size_t)o->blocks[i].count;
    return element;
}

void lks_optimizer_share(lks_optimizer *o, const lks_update_share *share) {
    o->first = share->first;
    o->end = share->end;
    o->meet = share->meet;
    o->context = share->context;
    o->own_first = lks_optimizer_blocks(o, share->first);
    o->own_end = lks_optimizer_blocks(o, share->end);
}

/* See lks_update_share. */
static void meet(const lks_optimizer *o, double (*sums)[2]) {
    if (o->meet)
        o->meet(o->context, sums);
}

/* --- gradients -------------------------------------------------------------------------------- */

void lks_mean_gradient(const lks_kernels *kernels, const lks_gradient *from, size_t first, size_t n,
                       float *g) {
    if (from->exact)
        kernels->dequantise(g, from->exact + first, n, from->samples);
    else
        for (size_t i = 0; i < n; i++)
            g[i] = (float)((double)from->plain[first + i] / (double)from->samples);
}

static void mean_gradient(const lks_optimizer *o, const lks_gradient *from,
                          const lks_weight_block *b, float *g) {
    lks_mean_gradient(o->kernels, from, b->first, (size_t)b->count, g);
}

double lks_sum_of_squares(const float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i]; /* exact products: 48 bits */
    return sum;
}

/* The roots of two sums over the blocks of every tensor, in order: into norms [tensors], 0 for tensors
 * that are not trained, unless it is NULL. Returns the first kind's over all tensors: sums of tensors, in order. */
static double norms_of_squares(const lks_optimizer *o, double (*squares)[2], lks_norms *norms) {
    if (norms)
        memset(norms, 0, (size_t)o->n_tensors * sizeof *norms);
    double total = 0;
    for (int i = 0; i < o->n_blocks;) {
        double gradient = 0, weight = 0;
        int tensor = o->blocks[i].tensor;
        for (; i < o->n_blocks && o->blocks[i].tensor == tensor; i++) {
            gradient += squares[i][0];
            weight += squares[i][1];
        }
        if (norms)
            norms[tensor] = (lks_norms){sqrt(gradient), sqrt(weight)};
        total += gradient;
    }
    return sqrt(total);
}

double lks_optimizer_norms(const lks_optimizer *o, const float *weights, const lks_gradient *g,
                           lks_norms *norms, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = o->own_first; i < o->own_end; i++) {
        const lks_weight_block *b = &o->blocks[i];
        float mean[LKS_WEIGHT_BLOCK];
        mean_gradient(o, g, b, mean);
        o->measured[i][0] = lks_sum_of_squares(mean, b->count);
        if (norms)
            o->measured[i][1] = lks_sum_of_squares(weights + b->first, b->count);
    }
    meet(o, o->measured);
    return norms_of_squares(o, o->measured, norms);
}

double lks_clip_factor(double norm, double limit) {
    return limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1.0;
}

/* --- the update ------------------------------------------------------------------------------- */

void lks_block_gradient(const lks_optimizer *o, const lks_optimizer_work *work,
                        const lks_weight_block *b, float *g) {
    mean_gradient(o, work->gradient, b, g);
    if (work->factor != 1)
        for (int i = 0; i < b->count; i++)
            g[i] *= work->factor;
}

bool lks_pass_elementwise(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    float gradient[LKS_WEIGHT_BLOCK], *state[LKS_UPDATE_STATES];
    lks_block_gradient(o, work, b, gradient);
    for (int k = 0; k < LKS_UPDATE_STATES; k++)
        state[k] = o->slot[k] ? o->slot[k] + b->first : NULL;
    lks_update own = work->scalars;
    if (!b->decays)
        own.weight_decay = 0;
    lks_update_kernel update = o->kernels->update[lks_optimizer_class_of(o->config.name)->rule];
    return update(work->weights + b->first, state, gradient, (size_t)b->count, &own);
}

/* The weights are array 0 of the hashes, the states follow. */
static void hash_block(const lks_optimizer *o, int place,
                       void (*hash)(lks_hashes *h, int array, int block)) {
    for (int a = 0; o->hashes && a <= o->n_states; a++)
        hash(o->hashes, a, place);
}

static bool run_pass(lks_optimizer *o, const lks_optimizer_work *work, int pass) {
    const lks_optimizer_class *class = lks_optimizer_class_of(o->config.name);
    int bad = 0;
#pragma omp parallel for num_threads(work->threads) schedule(static)
    for (int i = o->own_first; i < o->own_end; i++) {
        const int place = o->blocks[i].place;
        hash_block(o, place, lks_hashes_read);
        if (!class->passes[pass](o, work, i)) {
#pragma omp atomic write
            bad = 1;
        }
        hash_block(o, place, lks_hashes_wrote);
    }
    return !bad;
}

/* What no step touches is looked at in each step all the same. */
static void read_untouched(const lks_optimizer *o, int threads) {
    const int n = o->hashes ? o->hashes->n_blocks : 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int b = 0; b < n; b++)
        if (!o->hashes->tensors[o->hashes->blocks[b].tensor].trained &&
            o->hashes->blocks[b].first >= o->first && o->hashes->blocks[b].first < o->end)
            hash_block(o, b, lks_hashes_read);
}

bool lks_optimizer_step(lks_optimizer *o, float *weights, const lks_gradient *g, double factor,
                        double lr, int64_t step, int threads) {
    const lks_optimizer_class *class = lks_optimizer_class_of(o->config.name);
    const lks_optimizer_work work = {.weights = weights,
                                     .gradient = g,
                                     .factor = (float)factor,
                                     .lr = lr,
                                     .scalars = class->scalars(&o->config, lr, step),
                                     .threads = threads};
    read_untouched(o, threads);
    bool finite = run_pass(o, &work, 0);
    if (class->passes[1]) {
        meet(o, o->squares);
        norms_of_squares(o, o->squares, o->norms);
        if (class->between) {
            class->between(o, &work);
            meet(o, NULL);
        }
        finite &= run_pass(o, &work, 1);
    }
    return finite;
}
