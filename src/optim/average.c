/* Averaged weights: a pass of its own over memory behind the optimizer's, since few runs ask for one. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "optim/class.h"

lks_status lks_average_create(lks_average *a, const lks_train_config *config,
                              const lks_tensor *tensors, int n_tensors, lks_error *err) {
    *a = (lks_average){.decay = config->ema_decay,
                       .warmup = config->ema_warmup,
                       .tensors = tensors,
                       .n_tensors = n_tensors};
    if (config->ema_decay == 0)
        return LKS_OK;
    for (int t = 0; t < n_tensors; t++)
        a->n += tensors[t].count;
    a->end = a->n;
    a->weights = lks_alloc(a->n, sizeof *a->weights, "averaged weights", err);
    return a->weights ? LKS_OK : err->status;
}

void lks_average_free(lks_average *a) {
    if (!a->moved)
        lks_free(a->weights);
    memset(a, 0, sizeof *a);
}

void lks_average_share(lks_average *a, const lks_update_share *share, float *memory) {
    if (!a->weights)
        return;
    if (!a->moved)
        lks_free(a->weights);
    a->weights = memory;
    a->moved = true;
    a->first = share->first;
    a->end = share->end;
}

void lks_average_start(lks_average *a, const float *weights) {
    if (a->weights)
        memcpy(a->weights, weights, a->n * sizeof *weights);
    if (a->weights && a->hashes)
        lks_hashes_wrote_part(a->hashes, a->hashes->n_arrays - 1, 0, a->n);
}

double lks_average_decay(const lks_average *a, int64_t step) {
    double t = (double)step + 1, most = (1 + t) / (10 + t);
    return a->warmup && most < a->decay ? most : a->decay;
}

static void update_block(float *restrict average, const float *restrict now, int n, float share) {
    for (int i = 0; i < n; i++)
        average[i] = lks_flush_tiny(average[i] + share * (now[i] - average[i]));
}

/* Block `block` of a tensor, which is number `place` of all blocks. */
static void update(const lks_average *a, const lks_tensor *t, const float *weights, float share,
                   int block, int place) {
    const size_t at = (size_t)block * LKS_WEIGHT_BLOCK;
    const int n = lks_block_size(t->count, at);
    float *average = a->weights + t->offset + at;
    const float *now = weights + t->offset + at;
    if (t->offset + at < a->first || t->offset + at >= a->end)
        return;
    if (a->hashes)
        lks_hashes_read(a->hashes, a->hashes->n_arrays - 1, place);
    if (t->trained)
        update_block(average, now, n, share);
    else
        memcpy(average, now, (size_t)n * sizeof *now);
    if (a->hashes)
        lks_hashes_wrote(a->hashes, a->hashes->n_arrays - 1, place);
}

void lks_average_update(lks_average *a, const float *weights, int64_t step, int threads) {
    if (!a->weights)
        return;
    const float share = (float)(1 - lks_average_decay(a, step));
    for (int t = 0, place = 0; t < a->n_tensors; t++) {
        const int blocks = lks_blocks_of(&a->tensors[t]);
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int b = 0; b < blocks; b++)
            update(a, &a->tensors[t], weights, share, b, place + b);
        place += blocks;
    }
}
