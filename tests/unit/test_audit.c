/* What an audit compares: a chunk that is computed once more, by another model, has the hashes of what it contributed;
 * with one flipped bit in a gradient before the sum it has not, wherever that changed the sum. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "net_case.h"

static lks_error err;

/* --- kernels that are wrong once -------------------------------------------------------------- */

static const lks_kernels *sound;
static int calls, wrong_call = -1; /* of kernels that make sums */
static uint32_t element, bit;

static void flip(const float *p, size_t n) {
    uint32_t word;
    float *at = (float *)(uintptr_t)p + element % n;
    memcpy(&word, at, sizeof word);
    word ^= UINT32_C(1) << bit;
    memcpy(at, &word, sizeof word);
}

/* The partial itself. */
static bool accumulate(int64_t *sum, const float *p, size_t n) {
    const bool wrong = calls++ == wrong_call;
    if (wrong)
        flip(p, n);
    const bool ok = sound->accumulate(sum, p, n);
    if (wrong)
        flip(p, n);
    return ok;
}

/* The gradient that partials are made of. */
static bool wgrad(const lks_wgrad_args *a) {
    const bool wrong = calls++ == wrong_call;
    if (wrong)
        flip(a->dy, (size_t)a->channels);
    const bool ok = sound->wgrad(a);
    if (wrong)
        flip(a->dy, (size_t)a->channels);
    return ok;
}

static lks_kernels faulty;

/* --- a batch and its chunks ------------------------------------------------------------------- */

static int hashes_of(const net *n, const lks_model *m) {
    const int chunk = n->config.train.chunk;
    return (n->batch.n + chunk - 1) / chunk * lks_model_look(m).n_operations;
}

/* Trains the batch, and hashes its chunks. */
static lks_model *trained(const net *n, const lks_kernels *kernels, int threads,
                          uint64_t **hashes) {
    lks_model *m = net_model(n, kernels, threads);
    CU_ASSERT_EQUAL_FATAL(lks_model_open_chunks(m, &err), LKS_OK);
    *hashes = calloc((size_t)hashes_of(n, m), sizeof **hashes);
    lks_model_look_into(m, false, true);
    lks_model_train(m, &n->batch);
    lks_model_chunk_hashes(m, *hashes);
    return m;
}

static bool same(const uint64_t *a, const uint64_t *b, int n) {
    return memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

static const net_case *case_at(int i) {
    if (i < n_batch_cases)
        return &batch_cases[i];
    const int left = i - n_batch_cases;
    return left < n_wide_cases                 ? &wide_cases[left]
           : left - n_wide_cases < n_net_cases ? &net_cases[left - n_wide_cases]
                                               : NULL;
}

/* The chunks in two parts, as two ranks have them: each chunk has the hashes that it has in the whole batch, after which
 * it was computed. */
static void check_parts(lks_model *m, const net *n, const uint64_t *want) {
    const int chunk = n->config.train.chunk, ops = lks_model_look(m).n_operations;
    const int chunks = hashes_of(n, m) / ops, first = chunks / 2;
    uint64_t *again = calloc((size_t)(chunks * ops), sizeof *again);
    const lks_batch parts[2] = {net_part(n, 0, first * chunk),
                                net_part(n, first * chunk, n->batch.n - first * chunk)};
    CU_ASSERT(lks_model_recompute(m, &parts[1], again + first * ops));
    CU_ASSERT(lks_model_recompute(m, &parts[0], again));
    CU_ASSERT(same(again, want, chunks * ops));
    free(again);
}

/* Sums and the rest of the message are what they are without an audit, in this step and the next. */
static void check_auditor(const net *n, const lks_kernels *kernels, int threads,
                          const uint64_t *want, const int64_t *message) {
    uint64_t *own;
    lks_model *m = trained(n, kernels, threads, &own);
    CU_ASSERT(same(own, want, hashes_of(n, m)));
    check_parts(m, n, want);
    for (int step = 0; step < 2; step++) {
        int64_t *got = net_collect(m);
        CU_ASSERT(net_same_message(m, got, message));
        free(got);
        lks_model_look_into(m, false, false);
        lks_model_train(m, &n->batch);
    }
    free(own);
    lks_model_free(m);
}

static int64_t *plain_message(const net *n) {
    lks_model *m = net_model(n, net_kernels(), 1);
    lks_model_train(m, &n->batch);
    int64_t *message = net_collect(m);
    lks_model_free(m);
    return message;
}

static void the_same_whoever_computes_it(void) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    const int n_tables = lks_kernels_usable(tables);
    const net_case *c;
    for (int i = 0; (c = case_at(i)); i++) {
        net n = net_open(c, NULL);
        uint64_t *want;
        int64_t *message = plain_message(&n);
        lks_model *m = trained(&n, net_kernels(), 1, &want);
        for (int t = 0; t < n_tables; t++)
            check_auditor(&n, tables[t], 1 + t % 3, want, message);
        check_auditor(&n, net_kernels(), 3, want, message);
        free(message);
        free(want);
        lks_model_free(m);
        net_close(&n);
    }
}

/* A network that learns too fast comes to numbers that no sum holds: that is no fault. */
static void numbers_without_a_sum_are_told(void) {
    net n = net_open(&wide_cases[0], NULL);
    uint64_t *own;
    lks_model *m = trained(&n, net_kernels(), 1, &own);
    lks_model_look(m).weights[0] = NAN;
    lks_model_weights_changed(m);
    CU_ASSERT(!lks_model_recompute(m, &n.batch, own));
    free(own);
    lks_model_free(m);
    net_close(&n);
}

/* --- flips ------------------------------------------------------------------------------------ */

typedef struct count {
    int tried, changed, missed;
} count;

static void flip_once(const net *n, int call, uint32_t seed, const int64_t *message, count *all) {
    uint64_t *own;
    calls = 0;
    wrong_call = call;
    element = seed * 7919;
    bit = 16 + seed % 14; /* no sign, and no exponent beyond what sums hold */
    lks_model *m = trained(n, &faulty, 1, &own);
    wrong_call = -1;
    uint64_t *again = calloc((size_t)hashes_of(n, m), sizeof *again);
    lks_model_recompute(m, &n->batch, again);
    int64_t *got = net_collect(m);
    const bool changed = !net_same_message(m, got, message);
    const bool found = !same(own, again, hashes_of(n, m));
    all->tried++;
    all->changed += changed;
    all->missed += changed && !found; /* what is behind the last channel is hashed, too */
    free(got);
    free(own);
    free(again);
    lks_model_free(m);
}

static void each_flip_is_found(void) {
    count all = {0};
    const net_case *c;
    sound = net_kernels();
    faulty = *sound;
    faulty.accumulate = accumulate;
    faulty.wgrad = wgrad;
    for (int i = 0; (c = case_at(i)); i++) {
        net n = net_open(c, NULL);
        uint64_t *hashes;
        int64_t *message = plain_message(&n);
        calls = 0;
        lks_model_free(trained(&n, &faulty, 1, &hashes));
        free(hashes);
        const int made = calls;
        for (uint32_t k = 0; made > 0 && k < 12; k++)
            flip_once(&n, (int)k * made / 12, k + 12 * (uint32_t)i, message, &all);
        free(message);
        net_close(&n);
    }
    printf("%d flips, %d changed a sum ", all.tried, all.changed);
    CU_ASSERT(all.changed >= 100);
    CU_ASSERT_EQUAL(all.missed, 0);
}

int main(int argc, char **argv) {
    net_use(argc > 1 ? argv[1] : NULL);
    static const lks_test tests[] = {
        {"a chunk is the same whoever computes it", the_same_whoever_computes_it},
        {"numbers without a sum are told", numbers_without_a_sum_are_told},
        {"each flip is found", each_flip_is_found},
        {NULL, NULL}};
    return lks_test_main("audit", tests);
}
