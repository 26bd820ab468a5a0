/* Small networks against PyTorch (tests/golden/make-torch.py): logits, losses, the gradient of every
 * weight, running moments and evaluation after them. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "lockstep/exact.h"
#include "lockstep/model.h"
#include "nn/op.h" /* the last activation: logits */
#include "support/golden.h"
#include "support/layers.h"

/* The golden values are true to 7 digits (5e-8). Lockstep's numbers pass through up to a dozen
 * roundings of 6e-8 one behind the other, each in a sum of up to some hundred terms of both signs,
 * whose errors add up like their square root; a tensor's largest element is the scale of all that.
 * The worst element of all cases is off by 6e-7. The partial gradients of the two chunks are rounded
 * to 2^-30 as well. */
#define TOLERANCE 2e-6
#define QUANTUM   0x1p-30

typedef struct network {
    const lks_golden_case *golden;
    lks_config config;
    lks_model *model;
    uint8_t *images, *labels;
    uint32_t *ids;
    lks_batch batch;
    int classes;
    bool coupled; /* samples of a batch act on each other */
} network;

static uint8_t *bytes_of(const lks_golden_tensor *t) {
    uint8_t *bytes = malloc(t->count);
    CU_ASSERT_FATAL(bytes != NULL);
    for (size_t i = 0; i < t->count; i++)
        bytes[i] = (uint8_t)t->values[i];
    return bytes;
}

/* @p set: one override, or NULL. */
static void configure(network *n, const char *set) {
    char text[2048];
    lks_error err;
    int size =
        snprintf(text, sizeof text, "model: %s\ntrain: %s\n",
                 lks_golden_text_of(n->golden, "model"), lks_golden_text_of(n->golden, "train"));
    CU_ASSERT_FATAL(size < (int)sizeof text);
    if (lks_config_parse(&n->config, text, (size_t)size, n->golden->name, &set, set != NULL,
                         &err) != LKS_OK) {
        printf("\n  %s\n", err.text);
        CU_FAIL_FATAL("the case's configuration was refused");
    }
    for (int i = 0; i < n->config.n_layers; i++)
        n->coupled |= lks_test_is(&n->config.layers[i], "batchnorm");
}

static void create(network *n) {
    static float pixels[LKS_CHANNELS_MAX][256];
    for (int c = 0; c < LKS_CHANNELS_MAX; c++)
        for (int b = 0; b < 256; b++)
            pixels[c][b] = (float)(b - 128) / 64;
    const int64_t *shape = lks_golden_tensor_of(n->golden, "images")->shape;
    const lks_shape image = {(int)shape[1], (int)shape[2], (int)shape[3]};
    const lks_kernels *tables[LKS_MAX_TABLES];
    lks_error err;
    if (lks_model_create(&n->model, &n->config, image, n->classes, (const float(*)[256])pixels,
                         tables[lks_kernels_usable(tables) - 1], 2, n->batch.n, &err) != LKS_OK) {
        printf("\n  %s\n", err.text);
        CU_FAIL_FATAL("the case's network was refused");
    }
    if (n->config.train.n_class_weights > 0)
        lks_model_weigh_classes(n->model, n->config.train.class_weights);
}

/* Every weight has to be given: a tensor of another name or size ends the test. */
static void set_weights(network *n) {
    lks_model_view v = lks_model_look(n->model);
    for (int t = 0; t < v.n_tensors; t++) {
        const lks_golden_tensor *from = lks_golden_tensor_of(n->golden, v.tensors[t].name);
        CU_ASSERT_EQUAL_FATAL(from->count, v.tensors[t].count);
        for (int d = 0; d < from->ndim; d++)
            CU_ASSERT_EQUAL(from->shape[d], v.tensors[t].shape[d]);
        for (size_t i = 0; i < from->count; i++)
            v.weights[v.tensors[t].offset + i] = (float)from->values[i];
    }
    lks_model_weights_changed(n->model);
}

static network open_network(const lks_golden_case *golden, const char *set) {
    network n = {.golden = golden};
    n.images = bytes_of(lks_golden_tensor_of(golden, "images"));
    n.labels = bytes_of(lks_golden_tensor_of(golden, "labels"));
    n.classes = (int)lks_golden_tensor_of(golden, "logits")->shape[1];
    int samples = (int)lks_golden_tensor_of(golden, "labels")->count;
    n.ids = calloc((size_t)samples, sizeof *n.ids);
    n.batch = (lks_batch){n.images, n.labels, n.ids, samples, 0};
    configure(&n, set);
    create(&n);
    set_weights(&n);
    return n;
}

static void close_network(network *n) {
    lks_model_free(n->model);
    lks_config_free(&n->config);
    free(n->images);
    free(n->labels);
    free(n->ids);
}

/* One tensor, as vector of `stride` floats a row of which the first `row` are looked at. */
static void compare(const network *n, const char *key, const float *got, size_t row, size_t stride,
                    double quantum) {
    const lks_golden_tensor *want = lks_golden_tensor_of(n->golden, key);
    double scale = lks_golden_scale(want);
    int wrong = 0;
    for (size_t i = 0; i < want->count; i++) {
        double off = fabs((double)got[i / row * stride + i % row] - want->values[i]);
        if (!(off <= TOLERANCE * scale + quantum) && wrong++ == 0)
            printf("\n  %s, %s[%zu]: %.9g, PyTorch has %.9g\n", n->golden->name, key, i,
                   (double)got[i / row * stride + i % row], want->values[i]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* In training: with the batch as one chunk its outputs lie in one worker's memory. */
static void check_logits(const lks_golden_case *golden) {
    network n = open_network(golden, "train.chunk=16");
    const lks_activation *out = lks_model_last(n.model);
    CU_ASSERT_FATAL(n.batch.n <= n.config.train.chunk);
    lks_model_train(n.model, &n.batch);
    compare(&n, "logits", lks_value(out, n.model->workers[0], 0), (size_t)n.classes, out->size, 0);
    close_network(&n);
}

static void compare_evaluated(const network *n, const char *key) {
    const size_t classes = (size_t)n->classes,
                 pixels = lks_golden_tensor_of(n->golden, "images")->count / (size_t)n->batch.n;
    float got[256];
    CU_ASSERT_FATAL(classes * (size_t)n->batch.n <= 256);
    for (int s = 0; s < n->batch.n; s++) {
        const lks_batch one = {n->images + (size_t)s * pixels, n->labels + s, n->ids, 1, 0};
        lks_model_evaluate(n->model, &one, NULL, NULL);
        memcpy(got + (size_t)s * classes, lks_model_output(n->model, n->config.n_layers - 1).values,
               classes * sizeof *got);
    }
    compare(n, key, got, classes, classes, 0);
}

/* Gradient sums of the last step, gathered, and its loss. */
static double collect(const network *n, int64_t *sums) {
    lks_model_view v = lks_model_look(n->model);
    size_t head = LKS_MSG_HEAD + (size_t)v.n_operations;
    const int64_t *message = v.message;
    lks_model_collect(n->model);
    for (size_t i = LKS_MSG_BAD_LOSS; i < head; i++)
        CU_ASSERT_EQUAL(message[i], 0);
    if (sums)
        memcpy(sums, message + head, v.n_weights * sizeof *sums);
    return lks_limbs_value((lks_limbs){message[LKS_MSG_LOSS_HI], message[LKS_MSG_LOSS_LO]});
}

/* What is trained has a golden gradient; the sums of everything else are 0. */
static void compare_gradients(const network *n, const int64_t *sums) {
    lks_model_view v = lks_model_look(n->model);
    float *g = malloc(v.n_weights * sizeof *g);
    CU_ASSERT_FATAL(g != NULL);
    for (int t = 0; t < v.n_tensors; t++) {
        const lks_tensor *tensor = &v.tensors[t];
        int others = 0;
        for (size_t i = 0; i < tensor->count; i++) {
            int64_t sum = sums[tensor->offset + i];
            g[i] = (float)((double)sum * 0x1p-30 / n->batch.n);
            others += !tensor->trained && sum != 0;
        }
        CU_ASSERT_EQUAL(others, 0);
        char key[LKS_TENSOR_NAME_MAX + 10];
        snprintf(key, sizeof key, "gradient/%s", tensor->name);
        CU_ASSERT_EQUAL(tensor->trained, lks_golden_find(n->golden, key) != NULL);
        if (tensor->trained)
            compare(n, key, g, tensor->count, 0, QUANTUM);
    }
    free(g);
}

static void check_batch(network *n) {
    lks_model_view v = lks_model_look(n->model);
    int64_t *sums = calloc(v.n_weights, sizeof *sums);
    CU_ASSERT_FATAL(sums != NULL);
    lks_model_train(n->model, &n->batch);
    double loss = collect(n, sums), want = 0;
    const lks_golden_tensor *losses = lks_golden_tensor_of(n->golden, "losses");
    for (size_t i = 0; i < losses->count; i++)
        want += losses->values[i];
    CU_ASSERT_DOUBLE_EQUAL(loss, want, TOLERANCE * want);
    compare_gradients(n, sums);
    free(sums);
}

/* The losses one by one, where a sample does not see the others. */
static void check_losses(network *n) {
    const lks_golden_tensor *losses = lks_golden_tensor_of(n->golden, "losses");
    size_t pixels = lks_golden_tensor_of(n->golden, "images")->count / losses->count;
    float got[16];
    CU_ASSERT_FATAL(losses->count <= 16);
    for (size_t i = 0; i < losses->count; i++) {
        lks_batch one = {n->images + i * pixels, n->labels + i, n->ids, 1, 0};
        lks_model_train(n->model, &one);
        got[i] = (float)collect(n, NULL);
    }
    compare(n, "losses", got, losses->count, 0, 0);
}

/* Running moments after the one batch that was trained on, and logits that use them. */
static void check_moments(network *n) {
    lks_model_view v = lks_model_look(n->model);
    for (int t = 0; t < v.n_tensors; t++) {
        char key[LKS_TENSOR_NAME_MAX + 10];
        snprintf(key, sizeof key, "after/%s", v.tensors[t].name);
        if (v.tensors[t].role == LKS_ROLE_MOMENT)
            compare(n, key, v.weights + v.tensors[t].offset, v.tensors[t].count, 0, 0);
    }
    lks_model_weights_changed(n->model);
    compare_evaluated(n, "evaluated");
}

static void check_network(const lks_golden_case *golden) {
    check_logits(golden);
    network n = open_network(golden, NULL);
    check_batch(&n);
    if (n.coupled) {
        check_moments(&n);
    } else {
        check_losses(&n);
        compare_evaluated(&n, "logits");
    }
    close_network(&n);
}

static void test_networks(void) {
    lks_golden g = lks_golden_read("torch-networks.txt");
    CU_ASSERT(g.n_cases > 0);
    for (int i = 0; i < g.n_cases; i++)
        check_network(&g.cases[i]);
    lks_golden_free(&g);
}

int main(void) {
    static const lks_test tests[] = {{"networks", test_networks}, {NULL, NULL}};
    return lks_test_main("networks of PyTorch", tests);
}
