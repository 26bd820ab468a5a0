/* A few training steps of a small network with everything in it, on synthetic images, by the modules
 * that need nothing but a C library: usage train_core ISA THREADS FILE. FILE gets, for two optimizers and,
 * with one of them, for bfloat16, the weights after the last step, the optimizer's state and the averaged weights, as they lie in
 * memory: equal on every processor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/model.h"
#include "optim/optim.h"
#include "lockstep/philox.h"
#include "support/layers.h"

#define BATCH      26
#define STEPS      2
#define ACCUMULATE 3
#define SIZE       20
#define CLASSES    10

static const char *const network[][2] = {
    {"conv2d", "filters=7 kernel=5 stride=2 padding=same bias=false"},
    {"batchnorm", ""},
    {"leaky_relu", "slope=0.1 name=stem"},
    {"conv2d", "filters=7 kernel=3 padding=same bias=false"},
    {"batchnorm", ""},
    {"add", "from=stem"},
    {"gelu", ""},
    {"conv2d", "filters=18 kernel=3 stride=2 padding=1"},
    {"sigmoid", ""},
    {"conv2d", "filters=21 kernel=3 padding=same"},
    {"relu", ""},
    {"maxpool", "window=2"},
    {"avgpool", "window=2 stride=1 padding=same count_padding=false"},
    {"dropout", "rate=0.3"},
    {"flatten", ""},
    {"dense", "units=19"},
    {"tanh", ""},
    {"dense", "units=10"},
};
#define N_LAYERS ((int)(sizeof network / sizeof *network))

static _Noreturn void fail(const lks_error *err) {
    fprintf(stderr, "train_core: %s\n", err->text);
    exit(1);
}

static lks_config configuration(void) {
    static lks_layer_config layers[N_LAYERS];
    lks_config c = {.seed = 3, .layers = layers, .n_layers = N_LAYERS, .init = LKS_INIT_HE_NORMAL};
    for (int i = 0; i < N_LAYERS; i++) {
        layers[i] = lks_test_layer(i, network[i][0], network[i][1]);
        for (int k = 0; k < i && layers[i].n_from; k++)
            if (strcmp(layers[k].name, layers[i].from[0]) == 0)
                layers[i].inputs[layers[i].n_inputs++] = k;
    }
    c.train.global_batch = BATCH;
    c.train.chunk = 8;
    c.train.label_smoothing = 0.1;
    c.train.ema_decay = 0.9;
    c.train.ema_warmup = true;
    c.train.optimizer = (lks_optimizer_config){.name = LKS_ADAMW,
                                               .lr = 0.01,
                                               .weight_decay = 0.1,
                                               .beta1 = 0.9,
                                               .beta2 = 0.99,
                                               .momentum = 0.9,
                                               .nesterov = true,
                                               .adam_lr = 0.01,
                                               .epsilon = 1e-8};
    return c;
}

static void draw(uint8_t *bytes, size_t n, uint32_t step) {
    const lks_stream s = lks_stream_make(1, LKS_PURPOSE_INIT, 99, step, 0);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(lks_stream_uniform(&s, i) * 256);
}

/* Forward and backward over micro-batch number `batch`, the last of a step one sample short. */
static void add_batch(lks_model *m, int batch) {
    static uint8_t images[BATCH * SIZE * SIZE], labels[BATCH];
    static uint32_t ids[BATCH];
    draw(images, sizeof images, (uint32_t)batch);
    for (int i = 0; i < BATCH; i++) {
        ids[i] = (uint32_t)(batch * BATCH + i);
        labels[i] = images[i * SIZE * SIZE] % CLASSES;
    }
    const lks_batch b = {images, labels, ids, BATCH - (batch % ACCUMULATE == 2), 0};
    lks_model_train(m, &b);
}

static void train(lks_model *m, lks_optimizer *o, lks_average *average, int threads) {
    lks_model_view v = lks_model_look(m);
    size_t head = LKS_MSG_HEAD + (size_t)v.n_operations;
    lks_average_start(average, v.weights);
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < ACCUMULATE; i++)
            add_batch(m, step * ACCUMULATE + i);
        lks_model_collect(m);
        const lks_gradient g = {.exact = v.message + head, .samples = v.message[LKS_MSG_SAMPLES]};
        double norm = lks_optimizer_norms(o, v.weights, &g, NULL, threads);
        if (!lks_optimizer_step(o, v.weights, &g, lks_clip_factor(norm, 0.5), 0.01, step, threads))
            exit(1);
        lks_average_update(average, v.weights, step, threads);
        lks_model_weights_changed(m);
    }
}

static lks_model *create(const lks_config *c, const lks_kernels *kernels, int threads) {
    static float pixels[1][256];
    lks_error err;
    lks_model *m;
    for (int b = 0; b < 256; b++)
        pixels[0][b] = (float)b / 255.0f;
    if (lks_model_create(&m, c, (lks_shape){SIZE, SIZE, 1}, CLASSES, (const float(*)[256])pixels,
                         kernels, threads, BATCH, &err) != LKS_OK)
        fail(&err);
    return m;
}

/* From the initial weights, with one optimizer; writes the weights, and what is kept beside them. */
static void train_with(lks_optimizer_name name, lks_model *m, const lks_kernels *kernels,
                       int threads, FILE *out) {
    lks_error err;
    lks_optimizer o;
    lks_average average;
    lks_config c = configuration();
    lks_model_view v = lks_model_look(m);
    c.train.optimizer.name = name;
    if (lks_optimizer_create(&o, &c.train.optimizer, v.tensors, v.n_tensors, kernels, &err) !=
            LKS_OK ||
        lks_average_create(&average, &c.train, v.tensors, v.n_tensors, &err) != LKS_OK)
        fail(&err);
    lks_model_init(m, c.seed);
    train(m, &o, &average, threads);
    fwrite(v.weights, sizeof(float), v.n_weights, out);
    for (int s = 0; s < o.n_states; s++)
        fwrite(o.state[s], sizeof(float), v.n_weights, out);
    fwrite(average.weights, sizeof(float), v.n_weights, out);
    lks_average_free(&average);
    lks_optimizer_free(&o);
}

int main(int argc, char **argv) {
    lks_error err;
    const lks_kernels *kernels;
    int threads = argc > 3 ? atoi(argv[2]) : 1;
    FILE *out = argc > 3 ? fopen(argv[3], "wb") : NULL;
    if (!out)
        return 2;
    if (lks_kernels_select(argv[1], &kernels, &err) != LKS_OK)
        fail(&err);
    lks_config c = configuration();
    lks_model *m = create(&c, kernels, threads);
    train_with(LKS_ADAMW, m, kernels, threads, out); /* each weight by itself */
    train_with(LKS_LAMB, m, kernels, threads, out);  /* by norms of its tensor */
    train_with(LKS_MUON, m, kernels, threads, out);  /* by matrices */
    lks_model_free(m);
    c.train.precision = LKS_BF16;
    m = create(&c, kernels, threads);
    train_with(LKS_ADAMW, m, kernels, threads, out);
    lks_model_free(m);
    return fclose(out) == 0 ? 0 : 1;
}
