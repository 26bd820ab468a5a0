/* The network against the double-precision reference: gradient sums, loss and counts of training,
 * scores of evaluation, for every net case; marks of numbers that are not finite. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "net_case.h"
#include "support/random_data.h"
#include "support/reference.h"

static lks_reference *reference_of(const net *n, const lks_model *m) {
    lks_reference *r = lks_reference_new(&n->config, n->input, (const float(*)[256])n->pixels);
    lks_reference_view *v = lks_reference_look(r);
    lks_model_view view = lks_model_look(m);
    CU_ASSERT_EQUAL_FATAL(v->n_weights, view.n_weights);
    for (size_t i = 0; i < v->n_weights; i++)
        v->weights[i] = view.weights[i];
    return r;
}

static double loss_of(const int64_t *message) {
    return lks_limbs_value((lks_limbs){message[LKS_MSG_LOSS_HI], message[LKS_MSG_LOSS_LO]});
}

/* Gradients of the sum of losses lie within the reference's bounds, and these are narrow: as
 * vectors, less than a thousandth of the gradient. In bf16 a float's last bit may decide how an operand is rounded:
 * less than a fifteenth. */
static void check_gradients(const lks_reference_view *v, const int64_t *sums, bool bf16) {
    size_t wrong = 0;
    double bounds = 0, sizes = 0;
    for (size_t i = 0; i < v->n_weights; i++) {
        double difference = fabs((double)sums[i] * 0x1p-30 - v->gradient[i]);
        if (!(difference <= v->bound[i]) && wrong++ == 0)
            printf("\n  weight %zu: off by %g, bound %g\n", i, difference, v->bound[i]);
        bounds += v->bound[i] * v->bound[i];
        sizes += v->gradient[i] * v->gradient[i];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(bounds < (bf16 ? 1.0 / 225 : 1e-6) * sizes);
}

/* A step of @p m, whose weights may be any. */
static void check_training(const net *n, lks_model *m, const char *name) {
    int operations = lks_model_look(m).n_operations;
    lks_reference *r = reference_of(n, m);
    const lks_reference_view *v = lks_reference_look(r);
    lks_reference_train(r, &n->batch);
    lks_model_train(m, &n->batch);
    int64_t *message = net_collect(m);
    /* Should a case be too close to call one day, another seed will do. In bf16 the bounds are wide, so a few are:
     * but gradients tell how they were taken. */
    const bool bf16 = n->config.train.precision == LKS_BF16;
    const int64_t bearable = bf16 ? v->decisions / 1000 : 0;
    CU_ASSERT(v->close_calls <= bearable);
    if (v->close_calls > bearable)
        printf("\n  %s: %lld close calls of %lld\n", name, (long long)v->close_calls,
               (long long)v->decisions);
    check_gradients(v, message + LKS_MSG_HEAD + operations, bf16);

    uint64_t hash = 0;
    for (int s = 0; s < n->batch.n; s++)
        hash += lks_hash64(n->ids[s]);
    CU_ASSERT_EQUAL(message[LKS_MSG_STOP], 0);
    CU_ASSERT_EQUAL(message[LKS_MSG_SAMPLES], n->batch.n);
    CU_ASSERT_EQUAL((uint64_t)message[LKS_MSG_HASH], hash);
    CU_ASSERT_EQUAL(message[LKS_MSG_CORRECT], v->correct);
    CU_ASSERT(fabs(loss_of(message) - v->loss) <= v->loss_bound);
    for (int i = LKS_MSG_BAD_LOSS; i < LKS_MSG_HEAD + operations; i++)
        CU_ASSERT_EQUAL(message[i], 0);
    free(message);
    lks_reference_free(r);
}

static void test_training(void) {
    for (int i = 0; i < n_net_cases; i++) {
        net n = net_open(&net_cases[i], NULL);
        lks_model *m = net_model(&n, net_kernels(), 2);
        check_training(&n, m, net_cases[i].name);
        lks_model_free(m);
        net_close(&n);
    }
}

/* Pixels of few values and weights of -1/8, 0 and 1/8: no sum rounds, so windows are full of equal
 * values from unequal inputs, and the gradient belongs to the first of them. */
static void test_ties_in_windows(void) {
    static const char *const cases[] = {"convolutions, pooling, dropout", "overlapping windows",
                                        "pooling before ReLU", "six channels, sparse first layer"};
    for (int i = 0; i < 4; i++) {
        net n = net_open(net_case_named(cases[i]), NULL);
        for (int c = 0; c < n.input.channels; c++)
            for (int b = 0; b < 256; b++)
                n.pixels[c][b] = (float)(b % 4 - 1);
        lks_model *m = net_model(&n, net_kernels(), 2);
        lks_model_view v = lks_model_look(m);
        for (int t = 0; t < v.n_tensors && strncmp(v.tensors[t].name, "conv", 4) == 0; t++)
            for (size_t w = 0; w < v.tensors[t].count; w++)
                v.weights[v.tensors[t].offset + w] = 0.125f * (float)lks_random_int(-1, 1);
        lks_model_weights_changed(m);
        check_training(&n, m, cases[i]);
        lks_model_free(m);
        net_close(&n);
    }
}

/* One evaluated sample against the reference's logits. */
static size_t wrong_score(const net *n, const double *z, const double *bound, int label,
                          const lks_score *score, const float *probability) {
    int best = 0, rank = 0;
    double total = 0, error = 0, sum = 0;
    size_t wrong = 0;
    for (int c = 0; c < n->classes; c++) {
        best = z[c] > z[best] ? c : best;
        rank += z[c] > z[label];
        error = fmax(error, bound[c]);
    }
    for (int c = 0; c < n->classes; c++)
        total += exp(z[c] - z[best]);
    for (int c = 0; c < n->classes; c++) {
        double p = exp(z[c] - z[best]) / total;
        wrong += !(fabs(probability[c] - p) <= 2.1 * error * p + 0x1p-24 * p);
        sum += probability[c];
    }
    double loss = log(total) + z[best] - z[label];
    wrong += !(fabs(score->loss - loss) <= 2 * error + 1e-13);
    wrong += score->predicted != best || score->rank_label != rank;
    return wrong + !(fabs(sum - 1) <= n->classes * 0x1p-24);
}

static void check_evaluation(const net_case *c) {
    net n = net_open(c, NULL);
    lks_model *m = net_model(&n, net_kernels(), 2);
    lks_reference *r = reference_of(&n, m);
    size_t wrong = 0, classes = (size_t)n.classes;
    double z[16], bound[16];
    lks_score *scores = calloc((size_t)n.batch.n, sizeof *scores);
    float *probabilities = calloc((size_t)n.batch.n * classes, sizeof *probabilities);
    lks_model_evaluate(m, &n.batch, scores, probabilities);
    for (int s = 0; s < n.batch.n; s++) {
        lks_reference_logits(r, &n.batch, s, z, bound);
        wrong += wrong_score(&n, z, bound, n.labels[s], &scores[s], probabilities + s * classes);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(scores);
    free(probabilities);
    lks_reference_free(r);
    lks_model_free(m);
    net_close(&n);
}

static void test_evaluation(void) {
    for (int i = 0; i < n_net_cases; i++)
        check_evaluation(&net_cases[i]);
}

/* Softmax of the last layer's output is what evaluation says; all outputs have the sizes that
 * lks_model_shapes() tells, and those inside a fused group are not there. */
static void check_outputs(const net_case *c) {
    net n = net_open(c, NULL);
    lks_model *m = net_model(&n, net_kernels(), 2);
    const int layers = n.config.n_layers;
    lks_layer_info *info = calloc((size_t)layers, sizeof *info);
    float *probabilities = calloc((size_t)(n.batch.n * n.classes), sizeof *probabilities);
    CU_ASSERT_EQUAL_FATAL(lks_model_shapes(&n.config, n.input, n.classes, info, NULL), LKS_OK);
    int wrong = 0;
    for (int i = 0; i < layers; i++) {
        const lks_layer_output o = lks_model_output(m, i);
        const lks_shape s = info[i].out;
        const int elements = o.shape.rows * o.shape.columns * o.shape.channels;
        if (o.values)
            wrong += elements != s.rows * s.columns * s.channels ||
                     o.pixel_step < (size_t)o.shape.channels ||
                     (s.rows > 1 && (o.shape.rows != s.rows || o.shape.columns != s.columns));
    }
    for (int s = 0; s < n.batch.n; s++) {
        const lks_batch one = net_part(&n, s, 1);
        lks_model_evaluate(m, &one, NULL, probabilities + s * n.classes);
        const float *z = lks_model_output(m, layers - 1).values;
        CU_ASSERT_PTR_NOT_NULL_FATAL(z);
        double sum = 0;
        for (int k = 0; k < n.classes; k++)
            sum += exp((double)z[k]);
        for (int k = 0; k < n.classes; k++)
            wrong +=
                !(fabs(exp((double)z[k]) / sum - (double)probabilities[s * n.classes + k]) < 1e-6);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(info);
    free(probabilities);
    lks_model_free(m);
    net_close(&n);
}

static void test_outputs(void) {
    for (int i = 0; i < n_net_cases; i++)
        check_outputs(&net_cases[i]);
    for (int i = 0; i < n_batch_cases; i++)
        check_outputs(&batch_cases[i]);
    net n = net_open(net_case_named("convolutions, pooling, dropout"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    CU_ASSERT_STRING_EQUAL(lks_layer_kind_name(n.config.layers[0].kind), "conv2d");
    CU_ASSERT_PTR_NULL(lks_model_output(m, 0).values);
    lks_model_free(m);
    net_close(&n);
}

/* With all weights 0 every class is as likely as any other: the first one is predicted, and the
 * label stands behind the classes before it. */
static void test_ties(void) {
    net n = net_open(net_case_named("odd channels, 5x5, stride 2, explicit padding"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    lks_model_view v = lks_model_look(m);
    lks_score scores[32];
    memset(v.weights, 0, v.n_weights * sizeof *v.weights);
    lks_model_weights_changed(m);
    lks_model_evaluate(m, &n.batch, scores, NULL);
    int64_t zeros = 0;
    for (int s = 0; s < n.batch.n; s++) {
        zeros += n.labels[s] == 0;
        CU_ASSERT_EQUAL(scores[s].predicted, 0);
        CU_ASSERT_EQUAL(scores[s].rank_label, n.labels[s]);
        CU_ASSERT_DOUBLE_EQUAL(scores[s].loss, log(n.classes), 1e-15);
    }
    lks_model_train(m, &n.batch);
    int64_t *message = net_collect(m);
    CU_ASSERT_EQUAL(message[LKS_MSG_CORRECT], zeros);
    free(message);
    lks_model_free(m);
    net_close(&n);
}

/* Where logits are NaN nothing is known about the label: rank 0, which counts as correct, needs the
 * label to be the predicted class. */
static void test_nan_is_not_correct(void) {
    net n = net_open(net_case_named("a single dense layer"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    lks_model_view v = lks_model_look(m);
    lks_score scores[33];
    for (int bad = -1; bad < n.classes; bad++) { /* one class's logit, or all of them */
        lks_model_init(m, 1);
        for (int c = 0; c < n.classes; c++)
            if (bad < 0 || c == bad)
                v.weights[v.n_weights - (size_t)(n.classes - c)] = NAN;
        lks_model_weights_changed(m);
        lks_model_evaluate(m, &n.batch, scores, NULL);
        size_t wrong = 0;
        for (int s = 0; s < n.batch.n; s++)
            wrong += isfinite(scores[s].loss) ||
                     (scores[s].rank_label == 0) != (scores[s].predicted == n.labels[s]);
        CU_ASSERT_EQUAL(wrong, 0);
    }
    lks_model_free(m);
    net_close(&n);
}

static int operation_named(const lks_model *m, const char *name) {
    for (int i = 0; i < lks_model_look(m).n_operations; i++)
        if (strcmp(lks_model_operation_name(m, i), name) == 0)
            return i;
    CU_FAIL_FATAL("no such operation");
    return -1;
}

static size_t weight_of(const lks_model *m, const char *tensor) {
    lks_model_view v = lks_model_look(m);
    for (int t = 0; t < v.n_tensors; t++)
        if (strcmp(v.tensors[t].name, tensor) == 0)
            return v.tensors[t].offset;
    CU_FAIL_FATAL("no such tensor");
    return 0;
}

/* One weight set to @p value: @p operation and, where asked for, the loss are marked, once a rank
 * whatever the number of threads; with the weight put back all is as before. */
static void check_bad(lks_model *m, const net *n, const char *tensor, float value,
                      const char *operation, bool bad_loss) {
    lks_model_view v = lks_model_look(m);
    lks_model_train(m, &n->batch);
    int64_t *before = net_collect(m);
    float *weight = &v.weights[weight_of(m, tensor)], saved = *weight;
    *weight = value;
    lks_model_weights_changed(m);
    lks_model_train(m, &n->batch);
    int64_t *message = net_collect(m);
    if (operation)
        CU_ASSERT_EQUAL(message[LKS_MSG_HEAD + operation_named(m, operation)], 1);
    CU_ASSERT_EQUAL(message[LKS_MSG_BAD_LOSS], bad_loss);
    CU_ASSERT_EQUAL(message[LKS_MSG_SAMPLES], n->batch.n);
    free(message);
    *weight = saved;
    lks_model_weights_changed(m);
    lks_model_train(m, &n->batch);
    message = net_collect(m);
    CU_ASSERT(memcmp(message, before, net_message_length(m) * sizeof *message) == 0);
    free(message);
    free(before);
}

static void test_bad_numbers(void) {
    static const char *const cases[] = {"convolutions, pooling, dropout", "wide dense layers"};
    for (int i = 0; i < 2; i++) {
        net n = net_open(net_case_named(cases[i]), NULL);
        for (int threads = 1; threads <= 3; threads++) {
            lks_model *m = net_model(&n, net_kernels(), threads);
            CU_ASSERT_STRING_EQUAL(lks_model_operation_name(m, 0), "input");
            check_bad(m, &n, "conv1/weight", NAN, "dense1", true);
            check_bad(m, &n, "conv1/weight", INFINITY, "dense1", true);
            /* A ReLU keeps the NaN out of its own layer's gradients; the next layer sees it. */
            check_bad(m, &n, "dense1/bias", NAN, i ? "dense2" : "dense1", true);
            check_bad(m, &n, "dense1/bias", 1e12f, i ? "dense2" : NULL, false);
            check_bad(m, &n, "dense1/bias", 1e30f, i ? "dense2" : NULL, true);
            lks_model_free(m);
        }
        net_close(&n);
    }
}

/* One image has a value that is not finite, at its first, its last or another byte: the others are answered as ever,
 * to the bit. In bf16 nothing of it is lost, wherever it is: all its answers are NaN, and the first layer says so. */
static void check_spoilt(const net_case *c, float value) {
    net n = net_open(c, NULL);
    const size_t pixels = (size_t)(n.input.rows * n.input.columns * n.input.channels);
    const size_t classes = (size_t)n.classes, all = (size_t)n.batch.n * classes;
    const int spoilt = n.batch.n / 2;
    uint8_t *image = n.images + (size_t)spoilt * pixels;
    const bool bf16 = n.config.train.precision == LKS_BF16;
    float *want = calloc(all, sizeof *want), *got = calloc(all, sizeof *got);
    for (size_t i = 0; i < (size_t)n.batch.n * pixels; i++)
        n.images[i] %= 255;
    for (int ch = 0; ch < n.input.channels; ch++)
        n.pixels[ch][255] = value;
    lks_model *m = net_model(&n, net_kernels(), 2);
    lks_model_evaluate(m, &n.batch, NULL, want);
    const size_t places[] = {0, pixels - 1, pixels / 3};
    for (int p = 0; p < 3; p++) {
        const uint8_t byte = image[places[p]];
        image[places[p]] = 255;
        lks_model_evaluate(m, &n.batch, NULL, got);
        size_t wrong = 0;
        for (size_t i = 0; i < all; i++)
            if (i / classes == (size_t)spoilt)
                wrong += bf16 && !isnan(got[i]);
            else
                wrong += memcmp(&got[i], &want[i], sizeof *got) != 0;
        CU_ASSERT_EQUAL(wrong, 0);
        lks_model_train(m, &n.batch);
        int64_t *message = net_collect(m);
        CU_ASSERT(!bf16 || message[LKS_MSG_BAD_LOSS] == 1);
        CU_ASSERT(!bf16 || message[LKS_MSG_HEAD + 1] == 1);
        free(message);
        image[places[p]] = byte;
    }
    free(want);
    free(got);
    lks_model_free(m);
    net_close(&n);
}

static void test_spoilt_image(void) {
    static const char *const cases[] = {
        "convolutions, pooling, dropout", "odd channels, 5x5, stride 2, explicit padding",
        "3 x 3 of many channels, all paddings", "wide dense layers", "dense layers only"};
    for (int i = 0; i < 5; i++) {
        check_spoilt(net_case_named(cases[i]), NAN);
        check_spoilt(net_case_named(cases[i]), -INFINITY);
    }
}

/* What a caller left in the message is overwritten, whether sums are made elsewhere or in it: the ranks'
 * sums of the last step stand there. */
static void check_overwritten(const char *name, bool samples) {
    net n = net_open(net_case_named(name), NULL);
    lks_model *m = net_model(&n, net_kernels(), 2);
    size_t length = net_message_length(m), wrong = 0;
    const lks_batch empty = {NULL, NULL, NULL, 0, 0};
    int64_t *message = lks_model_look(m).message, *want = calloc(length, sizeof *want);
    if (samples) {
        free(want);
        lks_model_train(m, &n.batch);
        want = net_collect(m);
    }
    memset(message, 0x55, length * sizeof *message);
    message[LKS_MSG_STOP] = 42;
    lks_model_train(m, &empty);
    if (samples)
        lks_model_train(m, &n.batch);
    lks_model_evaluate(m, &empty, NULL, NULL);
    lks_model_collect(m);
    CU_ASSERT_EQUAL(message[LKS_MSG_STOP], 42); /* belongs to the caller */
    for (size_t i = 1; i < length; i++)
        wrong += message[i] != want[i];
    CU_ASSERT_EQUAL(wrong, 0);
    free(want);
    lks_model_free(m);
    net_close(&n);
}

static void test_overwritten(void) {
    for (int samples = 0; samples < 2; samples++) {
        check_overwritten("convolutions, pooling, dropout", samples);
        check_overwritten("wide dense layers", samples);
        check_overwritten("wide dense layers in place", samples);
    }
}

/* Plain floats instead of integers: the same sums but for the rounding of `chunks` additions and of
 * each chunk to 2^-30. */
static void check_fp32(const net_case *c) {
    net exact = net_open(c, NULL), plain = net_open(c, "train.reduce=fp32");
    lks_model *me = net_model(&exact, net_kernels(), 2), *mp = net_model(&plain, net_kernels(), 2);
    lks_model_view v = lks_model_look(mp);
    lks_reference *r = reference_of(&exact, me);
    lks_reference_train(r, &exact.batch);
    lks_model_train(me, &exact.batch);
    lks_model_train(mp, &plain.batch);
    int64_t *want = net_collect(me);
    const float *gradients = v.gradients;
    size_t h = LKS_MSG_HEAD + (size_t)v.n_operations, wrong = 0;
    lks_model_collect(mp);
    CU_ASSERT_EQUAL(v.n_message, h);
    CU_ASSERT(memcmp(v.message, want, h * sizeof *want) == 0);
    double chunks = ceil((double)c->samples / c->chunk) + 1;
    for (size_t i = 0; i < v.n_weights; i++)
        wrong += !(fabs(gradients[i] - (double)want[h + i] * 0x1p-30) <=
                   chunks * (0x1p-24 * lks_reference_look(r)->size[i] + 0x1p-31));
    CU_ASSERT_EQUAL(wrong, 0);
    lks_model_collect(mp); /* moved out: nothing is left */
    for (size_t i = 0; i < v.n_weights; i++)
        wrong += gradients[i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    free(want);
    lks_reference_free(r);
    lks_model_free(me);
    lks_model_free(mp);
    net_close(&exact);
    net_close(&plain);
}

static void test_fp32(void) {
    for (int i = 0; i < n_net_cases; i++)
        check_fp32(&net_cases[i]);
}

int main(int argc, char **argv) {
    net_use(argc > 1 ? argv[1] : NULL);
    static const lks_test tests[] = {{"training", test_training},
                                     {"ties in windows", test_ties_in_windows},
                                     {"evaluation", test_evaluation},
                                     {"outputs of layers", test_outputs},
                                     {"ties", test_ties},
                                     {"NaN is not correct", test_nan_is_not_correct},
                                     {"bad numbers are marked", test_bad_numbers},
                                     {"an image that is not finite", test_spoilt_image},
                                     {"what stood in the message", test_overwritten},
                                     {"fp32", test_fp32},
                                     {NULL, NULL}};
    return lks_test_main("model", tests);
}
