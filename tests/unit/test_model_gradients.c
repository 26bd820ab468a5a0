/* Gradients of networks with batchnorm, sums of layers and every other kind, against differences of
 * the network's own loss: all weights of a tensor are moved up or down a little, at random. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net_case.h"
#include "support/layers.h"
#include "support/random_data.h"

#define DIRECTIONS 4

/* Every weight of a tensor makes a step, and half of it. The rounding of the logits, some 1e-6 in the
 * sum of the losses, is divided by the step. Otherwise the error of the differences falls with the
 * step's fourth power, but in proportion to it where a ReLU or a maximum
 * behind weights has kinks. */
typedef struct accuracy {
    double step, relative, absolute;
} accuracy;

static const accuracy smooth = {0x1p-7, 5e-4, 1e-3}, kinked = {0x1p-12, 1e-2, 4e-3};

static accuracy accuracy_of(const lks_config *config) {
    bool weights = false;
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        if (weights &&
            (lks_test_is(l, "relu") || lks_test_is(l, "leaky_relu") || lks_test_is(l, "maxpool")))
            return kinked;
        weights |= lks_test_is(l, "conv2d") || lks_test_is(l, "dense");
    }
    return smooth;
}

static double loss_with(lks_model *m, const net *n, const lks_tensor *t, const float *start,
                        const signed char *sign, double step) {
    lks_model_view v = lks_model_look(m);
    for (size_t i = 0; i < t->count; i++)
        v.weights[t->offset + i] = start[t->offset + i] + (float)(sign[i] * step);
    lks_model_weights_changed(m);
    lks_model_train(m, &n->batch);
    int64_t *message = net_collect(m);
    lks_limbs loss = {message[LKS_MSG_LOSS_HI], message[LKS_MSG_LOSS_LO]};
    free(message);
    memcpy(v.weights + t->offset, start + t->offset, t->count * sizeof *start);
    return lks_limbs_value(loss);
}

/* The derivative of the loss in a direction, with an error of the fourth order. */
static double difference(lks_model *m, const net *n, const lks_tensor *t, const float *start,
                         const signed char *sign, double step) {
    double change[2];
    for (int i = 0; i < 2; i++, step /= 2)
        change[i] = loss_with(m, n, t, start, sign, step) - loss_with(m, n, t, start, sign, -step);
    return (8 * change[1] - change[0]) / (24 * step);
}

static size_t check_tensor(lks_model *m, const net *n, const lks_tensor *t, const float *start,
                           const int64_t *gradient) {
    signed char *sign = malloc(t->count);
    const accuracy a = accuracy_of(&n->config);
    size_t wrong = 0;
    for (int d = 0; d < DIRECTIONS; d++) {
        double want = 0, norm = 0;
        for (size_t i = 0; i < t->count; i++) {
            double g = (double)gradient[t->offset + i] * 0x1p-30;
            sign[i] = (signed char)(lks_random_int(0, 1) ? 1 : -1);
            want += sign[i] * g;
            norm += g * g;
        }
        double off = fabs(difference(m, n, t, start, sign, a.step) - want);
        if (!(off <= a.relative * sqrt(norm) + a.absolute) && wrong++ == 0)
            printf("\n  %s: %g, off by %g\n", t->name, want, off);
    }
    free(sign);
    return wrong;
}

static void check(const net_case *c) {
    net n = net_open(c, NULL);
    lks_model *m = net_model(&n, net_kernels(), 2);
    lks_model_view v = lks_model_look(m);
    float *start = malloc(v.n_weights * sizeof *start);
    memcpy(start, v.weights, v.n_weights * sizeof *start);
    lks_model_train(m, &n.batch);
    int64_t *message = net_collect(m), *gradient = message + LKS_MSG_HEAD + v.n_operations;
    size_t wrong = 0;
    for (int t = 0; t < v.n_tensors; t++)
        if (v.tensors[t].trained)
            wrong += check_tensor(m, &n, &v.tensors[t], start, gradient);
        else
            for (size_t i = 0; i < v.tensors[t].count; i++)
                wrong += gradient[v.tensors[t].offset + i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong)
        printf("  %s: %zu gradients are wrong\n", c->name, wrong);
    free(message);
    free(start);
    lks_model_free(m);
    net_close(&n);
}

static void test_gradients(void) {
    lks_random_seed(1);
    for (int i = 0; i < n_batch_cases; i++)
        check(&batch_cases[i]);
}

int main(void) {
    static const lks_test tests[] = {{"gradients against differences", test_gradients},
                                     {NULL, NULL}};
    return lks_test_main("model gradients", tests);
}
