#include "optim/hashes.h"

#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "optim/class.h"

/* The blocks of a tensor are those of the optimizer, which hashes them while they are in the cache. */
static lks_hash_block *cut(const lks_tensor *t, int number, lks_hash_block *to) {
    for (size_t at = 0; at < t->count; at += LKS_WEIGHT_BLOCK)
        *to++ = (lks_hash_block){
            .first = t->offset + at, .count = lks_block_size(t->count, at), .tensor = number};
    return to;
}

lks_status lks_hashes_create(lks_hashes *h, const lks_tensor *tensors, int n_tensors,
                             const lks_kernels *kernels, lks_error *err) {
    *h = (lks_hashes){
        .kernels = kernels, .tensors = tensors, .changed_array = -1, .changed_block = -1};
    for (int t = 0; t < n_tensors; t++) {
        h->n_blocks += lks_blocks_of(&tensors[t]);
        h->n += tensors[t].count;
    }
    h->blocks = lks_alloc((size_t)h->n_blocks, sizeof *h->blocks, "hashes of the state", err);
    if (!h->blocks)
        return err->status;
    lks_hash_block *next = h->blocks;
    for (int t = 0; t < n_tensors; t++)
        next = cut(&tensors[t], t, next);
    return LKS_OK;
}

static void free_written(lks_hashes *h) {
    for (int a = 0; a < h->n_arrays && !h->moved; a++)
        lks_free(h->written[a]);
}

void lks_hashes_free(lks_hashes *h) {
    free_written(h);
    lks_free(h->blocks);
    memset(h, 0, sizeof *h);
}

lks_status lks_hashes_add(lks_hashes *h, const char *name, const float *array, lks_error *err) {
    uint64_t *written = lks_alloc((size_t)h->n_blocks, sizeof *written, "hashes of the state", err);
    if (!written)
        return err->status;
    const int a = h->n_arrays++;
    h->arrays[a] = array;
    h->names[a] = name;
    h->written[a] = written;
    for (int b = 0; b < h->n_blocks; b++)
        lks_hashes_wrote(h, a, b);
    return LKS_OK;
}

void lks_hashes_share(lks_hashes *h, const float *const *arrays, uint64_t *memory) {
    free_written(h);
    h->moved = true;
    for (int a = 0; a < h->n_arrays; a++) {
        h->arrays[a] = arrays[a];
        h->written[a] = memory + (size_t)a * (size_t)h->n_blocks;
    }
}

void lks_hashes_part(lks_hashes *h, int n, size_t first, size_t end) {
    h->n_parted = n;
    h->first = first;
    h->end = end;
}

/* The block is another process's, and what stands here of it is old. */
static bool is_elsewhere(const lks_hashes *h, int array, int block) {
    const size_t at = h->blocks[block].first;
    return array > 0 && array <= h->n_parted && (at < h->first || at >= h->end);
}

static uint64_t hash_of(const lks_hashes *h, int array, int block) {
    const lks_hash_block *b = &h->blocks[block];
    return h->kernels->hash(h->arrays[array] + b->first, (size_t)b->count, (uint32_t)b->first);
}

static void look_at(lks_hashes *h, int array, int block, bool came) {
    if (hash_of(h, array, block) == h->written[array][block])
        return;
#pragma omp critical(lks_hashes)
    if (h->changed_array < 0) {
        h->changed_array = array;
        h->changed_block = block;
        h->came = came;
    }
}

void lks_hashes_read(lks_hashes *h, int array, int block) {
    look_at(h, array, block, false);
}

void lks_hashes_came(lks_hashes *h, int array, int block) {
    look_at(h, array, block, true);
}

void lks_hashes_wrote(lks_hashes *h, int array, int block) {
    h->written[array][block] = hash_of(h, array, block);
}

int lks_hashes_block(const lks_hashes *h, size_t element) {
    int low = 0, high = h->n_blocks;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (h->blocks[middle].first < element)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t lks_hashes_edge(const lks_hashes *h, size_t element) {
    const int b = lks_hashes_block(h, element);
    return b < h->n_blocks ? h->blocks[b].first : h->n;
}

void lks_hashes_read_part(lks_hashes *h, int array, size_t first, size_t n) {
    for (int b = lks_hashes_block(h, first), end = lks_hashes_block(h, first + n); b < end; b++)
        lks_hashes_read(h, array, b);
}

void lks_hashes_wrote_part(lks_hashes *h, int array, size_t first, size_t n) {
    for (int b = lks_hashes_block(h, first), end = lks_hashes_block(h, first + n); b < end; b++)
        lks_hashes_wrote(h, array, b);
}

void lks_hashes_read_all(lks_hashes *h, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int b = 0; b < h->n_blocks; b++)
        for (int a = 0; a < h->n_arrays; a++)
            if (!is_elsewhere(h, a, b))
                lks_hashes_read(h, a, b);
}

void lks_hashes_wrote_all(lks_hashes *h, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int b = 0; b < h->n_blocks; b++)
        for (int a = 0; a < h->n_arrays; a++)
            lks_hashes_wrote(h, a, b);
}

uint64_t lks_hashes_written(const lks_hashes *h, int array) {
    uint64_t sum = 0;
    for (int b = 0; b < h->n_blocks; b++)
        sum += h->written[array][b];
    return sum;
}

uint64_t lks_hashes_of_part(const lks_hashes *h, size_t first, size_t n) {
    const int begin = lks_hashes_block(h, first), end = lks_hashes_block(h, first + n);
    uint64_t hash = 0;
    for (int a = 0; a < h->n_arrays; a++) {
        uint64_t sum = 0;
        for (int b = begin; b < end; b++)
            sum += h->written[a][b];
        hash = lks_hash64(hash ^ sum);
    }
    return hash;
}

uint64_t lks_hashes_state(const lks_hashes *h) {
    uint64_t state = 0;
    for (int a = 0; a < h->n_arrays; a++)
        state = lks_hash64(state ^ lks_hashes_written(h, a));
    return state;
}

const lks_tensor *lks_hashes_changed_tensor(const lks_hashes *h) {
    return &h->tensors[h->blocks[h->changed_block].tensor];
}
