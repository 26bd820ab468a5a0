/* Linked into a copy of the program (--wrap): arithmetic that is wrong once. One bit of what one chunk adds to one layer's
 * gradient flips before it goes into the sum: of a partial, or of the gradient that a kernel makes partials of.
 *
 *   WRONG_AT   WHEN:RANK:BATCH:LAYER:CHUNK:NUMBER:BIT. WHEN: train, as that rank trains with its batch number BATCH (from
 *              1), or audit, as it computes another's once more; CHUNK: from 0, of those that are in its hands; NUMBER:
 *              counted from 0, and round, over the values that are large enough for a sum to see the bit
 *
 * What was done is told on standard error. One thread a rank. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/model.h"
#include "nn/sums.h"

static struct {
    char when[8], layer[LKS_NAME_MAX];
    int rank, batch, chunk, number, bit;
} order;

static struct {
    int batch;      /* how many were trained */
    const char *at; /* what is computed */
    bool done;
} now = {.at = ""};

__attribute__((constructor)) static void read_order(void) {
    const char *text = getenv("WRONG_AT"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!text ||
        sscanf(text, "%7[^:]:%d:%d:%63[^:]:%d:%d:%d", order.when, &order.rank, &order.batch,
               order.layer, &order.chunk, &order.number, &order.bit) != 7 ||
        order.rank != (rank ? atoi(rank) : 0))
        now.done = true;
}

static bool due(const lks_op *op, const lks_worker *w) {
    return !now.done && now.batch == order.batch && strcmp(now.at, order.when) == 0 &&
           strcmp(op->name, order.layer) == 0 && w->first / op->model->chunk == order.chunk;
}

static bool large(float x) {
    return x > 0x1p-12f || x < -0x1p-12f;
}

/* The number-th of those that are large, counted round; NULL: there are none. */
static float *aim(const float *p, size_t n, int number) {
    int count = 0;
    for (size_t i = 0; i < n; i++)
        count += large(p[i]);
    number = count > 0 ? number % count : 0;
    for (size_t i = 0; i < n; i++)
        if (large(p[i]) && number-- == 0)
            return (float *)(uintptr_t)&p[i];
    return NULL;
}

static void flip(float *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    word ^= UINT32_C(1) << order.bit;
    memcpy(at, &word, sizeof word);
}

/* What adds to sums, and how: for op_add() and op_wgrad() below. */
typedef struct call {
    lks_op *op;
    lks_worker *w;
    int slot;
    size_t at, n;
    const float *p;
    lks_wgrad_args *a;
    int count;
    const int32_t *element_offset;
    lks_span span;
} call;

/* Of n values at p a bit flips that changes the sums: a gradient at a pixel without ink changes none. */
static void go_wrong(const call *c, const float *p, size_t n, void (*add)(const call *c)) {
    const size_t bytes = c->op->sums_count * sizeof(int64_t);
    void *sums = lks_op_sums_at(c->op, c->w, c->slot);
    void *before = malloc(bytes), *right = malloc(bytes);
    memcpy(before, sums, bytes);
    add(c);
    memcpy(right, sums, bytes);
    for (int tries = 0; tries < 100 && !now.done; tries++) {
        float *at = aim(p, n, order.number + 7 * tries);
        if (!at)
            break;
        const float was = *at;
        memcpy(sums, before, bytes);
        flip(at);
        const float became = *at;
        add(c);
        flip(at);
        now.done = memcmp(sums, right, bytes) != 0;
        if (now.done)
            fprintf(stderr, "WRONG %s: %g became %g\n", c->op->name, (double)was, (double)became);
    }
    if (!now.done)
        memcpy(sums, right, bytes);
    free(before);
    free(right);
}

void __real_lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n);
void __wrap_lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n);

static void op_add(const call *c) {
    __real_lks_op_add(c->op, c->w, c->slot, c->at, c->p, c->n);
}

void __wrap_lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n) {
    const call c = {.op = op, .w = w, .slot = slot, .at = at, .n = n, .p = p};
    if (due(op, w))
        go_wrong(&c, p, n, op_add);
    else
        op_add(&c);
}

void __real_lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                         const int32_t *element_offset, lks_span span);
void __wrap_lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                         const int32_t *element_offset, lks_span span);

static void op_wgrad(const call *c) {
    __real_lks_op_wgrad(c->op, c->w, c->slot, c->a, c->count, c->element_offset, c->span);
}

void __wrap_lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                         const int32_t *element_offset, lks_span span) {
    const call c = {.op = op,
                    .w = w,
                    .slot = slot,
                    .a = a,
                    .count = count,
                    .element_offset = element_offset,
                    .span = span};
    if (due(op, w))
        go_wrong(&c, a->dy, a->dy_stride * (size_t)count, op_wgrad);
    else
        op_wgrad(&c);
}

void __real_lks_model_train(lks_model *model, const lks_batch *batch);
void __wrap_lks_model_train(lks_model *model, const lks_batch *batch);

void __wrap_lks_model_train(lks_model *model, const lks_batch *batch) {
    now.batch++;
    now.at = "train";
    __real_lks_model_train(model, batch);
    now.at = "";
}

bool __real_lks_model_recompute(lks_model *model, const lks_batch *batch, uint64_t *hashes);
bool __wrap_lks_model_recompute(lks_model *model, const lks_batch *batch, uint64_t *hashes);

bool __wrap_lks_model_recompute(lks_model *model, const lks_batch *batch, uint64_t *hashes) {
    now.at = "audit";
    const bool sound = __real_lks_model_recompute(model, batch, hashes);
    now.at = "";
    return sound;
}
