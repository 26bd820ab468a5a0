/* Batch normalisation fused with the ReLU behind it, alone in using its input's gradient or not, its output made while
 * pooling or a sum reads it, over threads and kernel tables, gives the bits of the layers one by one. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "net_case.h"
#include "support/random_data.h"

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

/* "| relu" is a ReLU that is fused, or one behind a layer that changes nothing and prevents that; other layers after
 * "|" have what they read made for them, or kept. */
static const net_case fusing[] = {
    {"ragged channels, frozen, logits",
     "[{conv2d: {filters: 7, kernel: 3}}, batchnorm, | relu, {conv2d: {filters: 18, kernel: 2,"
     " stride: 2}}, {batchnorm: {affine: false}}, | relu, {conv2d: {filters: 5, kernel: 1}},"
     " {batchnorm: {trainable: false}}, | relu, flatten, {dense: 33}, batchnorm, | relu,"
     " {dense: 4}, batchnorm]",
     {9, 8, 1},
     4,
     26,
     4,
     51},
    {"on the image, two in a row",
     "[{batchnorm: {trainable: false}}, | relu, {conv2d: {filters: 16, kernel: 3}}, batchnorm,"
     " batchnorm, | relu, {conv2d: {filters: 17, kernel: 3}}, {maxpool: 2}, batchnorm, | relu,"
     " flatten, {dense: 3}]",
     {11, 10, 2},
     3,
     21,
     8,
     52},
    {"on the image, learning",
     "[batchnorm, | relu, {conv2d: {filters: 6, kernel: 3}}, batchnorm, | relu, global_avgpool,"
     " {dense: 3}]",
     {7, 10, 3},
     3,
     13,
     4,
     53},
    {"others read the input",
     "[{conv2d: {filters: 6, kernel: 3}}, batchnorm, | relu, {add: conv1}, {batchnorm: {name: n}},"
     " {flatten: {name: view}}, {dense: 5}, {batchnorm: {input: n}}, | relu, {conv2d: {filters: 5,"
     " kernel: [4, 5]}}, {add: dense1}, batchnorm, | relu, {dense: 3}]",
     {6, 7, 1},
     3,
     18,
     4,
     54},
    {"chunks in pieces",
     "[{conv2d: {filters: 16, kernel: 3}}, batchnorm, | relu, {conv2d: {filters: 32, kernel: 3}},"
     " batchnorm, | relu, global_avgpool, {dense: 3}]",
     {20, 20, 1},
     3,
     75,
     32,
     55},
    {"windows, and a block whose sum has two norms",
     "[{conv2d: {filters: 6, kernel: 3}}, batchnorm, | relu, | {maxpool: {window: 2, name: stem}}, "
     "{conv2d: {filters: 19,"
     " kernel: 3, padding: 1}}, {batchnorm: {name: branch}}, {conv2d: {filters: 19, kernel: 1, "
     "bias: false, input:"
     " stem}}, batchnorm, | {add: branch}, | {relu: {name: block}}, {conv2d: {filters: 5, kernel: "
     "3, padding: 1}},"
     " batchnorm, | {avgpool: {window: 2, padding: 1}}, {conv2d: {filters: 7, kernel: 2}}, "
     "batchnorm, | {maxpool:"
     " {window: 2, stride: 1}}, flatten, {dense: 3}]",
     {13, 12, 1},
     3,
     22,
     4,
     57},
    {"a window of many cells, without a later norm",
     "[{conv2d: {filters: 5, kernel: 2}}, batchnorm, | relu, | {maxpool: [17, 16]}, flatten, "
     "{dense: 3}]",
     {18, 17, 1},
     3,
     14,
     4,
     58},
};

/* What two steps leave: the loss, gradients, and running moments; and what evaluation gives. */
typedef struct outcome {
    double loss[2];
    int64_t *gradients[2];
    float *weights, *probabilities;
    size_t n_weights, n_operations;
} outcome;

static net open_variant(const net_case *c, bool fused, char text[1024]) {
    size_t at = 0;
    for (const char *p = c->layers; *p; p++)
        if (*p != '|')
            text[at++] = *p;
        else if (!fused)
            at += (size_t)sprintf(text + at, "{dropout: 0},");
    text[at] = 0;
    net_case variant = *c;
    variant.layers = text;
    return net_open(&variant, NULL);
}

static outcome outcome_of(const net *n, const lks_kernels *table, int threads) {
    lks_model *m = net_model(n, table, threads);
    lks_model_view v = lks_model_look(m);
    size_t head = LKS_MSG_HEAD + (size_t)v.n_operations;
    outcome o = {.n_weights = v.n_weights, .n_operations = (size_t)v.n_operations};
    for (int i = 0; i < 2; i++) {
        lks_batch part = net_part(n, 0, n->batch.n - 3 * i);
        lks_model_train(m, &part);
        int64_t *message = net_collect(m);
        lks_limbs loss = {message[LKS_MSG_LOSS_HI], message[LKS_MSG_LOSS_LO]};
        o.loss[i] = lks_limbs_value(loss);
        memmove(message, message + head, o.n_weights * sizeof *message);
        o.gradients[i] = message;
    }
    o.weights = malloc(o.n_weights * sizeof *o.weights);
    o.probabilities = calloc((size_t)(n->batch.n * n->classes), sizeof *o.probabilities);
    memcpy(o.weights, v.weights, o.n_weights * sizeof *o.weights);
    lks_model_weights_changed(m);
    lks_model_evaluate(m, &n->batch, NULL, o.probabilities);
    lks_model_free(m);
    return o;
}

static bool same_outcome(const net *n, const outcome *a, const outcome *b) {
    size_t values = (size_t)(n->batch.n * n->classes);
    bool same = a->n_weights == b->n_weights &&
                lks_differing_bits(a->weights, b->weights, a->n_weights) == 0 &&
                lks_differing_bits(a->probabilities, b->probabilities, values) == 0;
    for (int i = 0; i < 2; i++)
        same &= a->loss[i] == b->loss[i] &&
                memcmp(a->gradients[i], b->gradients[i], a->n_weights * sizeof(int64_t)) == 0;
    return same;
}

static void free_outcome(outcome *o) {
    free(o->gradients[0]);
    free(o->gradients[1]);
    free(o->weights);
    free(o->probabilities);
}

/* How many operations less there are where nothing comes between. */
static size_t fewer_of(const net_case *c) {
    size_t n = 0;
    for (const char *p = c->layers; *p; p++)
        if (*p == '|')
            n += strncmp(p, "| relu", 6) == 0 || strncmp(p, "| {relu", 7) == 0 ? 2 : 1;
    return n;
}

/* Three threads do not share out the chunks evenly: then each takes images, and the moments come in
 * a pass of their own. */
static void check_fusing(const net_case *c) {
    char text[2][1024];
    net variant[2] = {open_variant(c, false, text[0]), open_variant(c, true, text[1])};
    outcome want = outcome_of(&variant[0], tables[n_tables - 1], 1);
    int wrong = 0;
    for (int i = 0; i < 2; i++)
        for (int t = 0; t < n_tables; t++)
            for (int threads = 1; threads <= 3; threads++) {
                outcome got = outcome_of(&variant[i], tables[t], threads);
                size_t fewer = want.n_operations - got.n_operations;
                wrong += !same_outcome(&variant[i], &got, &want) || fewer != (i ? fewer_of(c) : 0);
                free_outcome(&got);
            }
    CU_ASSERT_EQUAL(wrong, 0);
    free_outcome(&want);
    net_close(&variant[0]);
    net_close(&variant[1]);
}

static void test_fusing(void) {
    for (size_t i = 0; i < sizeof fusing / sizeof *fusing; i++)
        check_fusing(&fusing[i]);
}

int main(void) {
    static const lks_test tests[] = {{"fused with ReLU", test_fusing}, {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("batchnorm", tests);
}
