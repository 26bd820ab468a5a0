/* Speed of batch normalisation with the ReLU behind it, pass by pass, beside copying as many values in
 * the same run. Usage: bench_norm [ISA]...; default: all that the machine has.
 *
 * One thread. A time is the best of many runs: others on the machine only ever make one longer. One
 * image stays in the second-level cache, a batch does not. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "nn/op.h"
#include "support/layers.h"
#include "support/random_data.h"

#define IMAGES   120
#define PATIENCE 0.2 /* seconds for a figure */

static const lks_shape shapes[] = {
    {26, 26, 32}, {22, 22, 64}, {16, 16, 112}, {8, 8, 176}, {14, 14, 7}};

typedef struct bench {
    lks_model *model;
    lks_op *op;
    int images;
    float *copy;
} bench;

/* A 1 x 1 convolution makes the input channels, so that gradients flow back to them. */
static lks_model *make_model(lks_shape s, const lks_kernels *kernels) {
    static float pixels[1][256];
    char channels[32];
    snprintf(channels, sizeof channels, "filters=%d kernel=1 bias=false", s.channels);
    lks_layer_config layers[] = {lks_test_layer(0, "conv2d", channels),
                                 lks_test_layer(1, "batchnorm", ""), lks_test_layer(2, "relu", ""),
                                 lks_test_layer(3, "global_avgpool", ""),
                                 lks_test_layer(4, "dense", "units=10 bias=false")};
    int n = sizeof layers / sizeof *layers;
    lks_config c = {.layers = layers, .n_layers = n, .init = LKS_INIT_HE_NORMAL};
    c.train.chunk = 16;
    lks_model *m;
    lks_error err;
    if (lks_model_create(&m, &c, (lks_shape){s.rows, s.columns, 1}, 10, (const float(*)[256])pixels,
                         kernels, 1, IMAGES, &err) != LKS_OK)
        bench_die(&err);
    lks_model_init(m, 1);
    return m;
}

static void fill(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)lks_random_uniform(-1, 1);
}

static bench prepare(lks_shape s, const lks_kernels *kernels) {
    lks_error err;
    bench b = {.model = make_model(s, kernels)};
    b.op = b.model->ops[2];
    size_t n = b.op->in->size * IMAGES;
    lks_random_seed(1);
    fill(lks_value(b.op->in, b.model->workers[0], 0), n);
    fill(lks_gradient(b.op->out, b.model->workers[0], 0), n);
    b.copy = lks_alloc(n, sizeof(float), "a copy", &err);
    if (!b.copy)
        bench_die(&err);
    return b;
}

static void run_copy(void *context) {
    bench *b = context;
    memcpy(b->copy, lks_value(b->op->in, b->model->workers[0], 0),
           b->op->in->size * b->images * sizeof(float));
}

static void run_moments(void *context) {
    bench *b = context;
    b->op->class->moments(b->op, b->model->workers[0], 0, b->images, false);
}

static void run_forward(void *context) {
    bench *b = context;
    b->op->class->forward(b->op, b->model->workers[0], 0, b->images);
}

static void run_gradient_moments(void *context) {
    bench *b = context;
    b->op->class->moments(b->op, b->model->workers[0], 0, b->images, true);
}

static void run_backward(void *context) {
    bench *b = context;
    b->op->class->backward(b->op, b->model->workers[0], 0, b->images);
}

static void bench_table(const lks_kernels *k) {
    static void (*const runs[])(void *) = {run_copy, run_moments, run_forward, run_gradient_moments,
                                           run_backward};
    static const int images[] = {1, IMAGES};
    printf("%s: nanoseconds for 1000 values\n"
           "  %-12s %6s  %9s %9s %9s %9s %9s\n",
           k->isa, "shape", "images", "copy", "moments", "forward", "gradients", "backward");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench b = prepare(shapes[i], k);
        double values = (double)shapes[i].rows * shapes[i].columns * shapes[i].channels;
        for (int n = 0; n < 2; n++) {
            int done;
            b.images = images[n];
            printf("  %2dx%-2dx%-5d  %6d ", shapes[i].rows, shapes[i].columns, shapes[i].channels,
                   b.images);
            for (int r = 0; r < 5; r++)
                printf(" %9.1f",
                       1e12 * bench_best(runs[r], &b, PATIENCE, &done) / (values * b.images));
            printf("\n");
            fflush(stdout);
        }
        lks_free(b.copy);
        lks_model_free(b.model);
    }
}

int main(int argc, char **argv) {
    return bench_tables(argc, argv, bench_table);
}
