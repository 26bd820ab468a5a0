/* Speed of batch normalisation with the ReLU behind it, pass by pass, beside copying as many values in
 * the same run. Usage: bench_norm [ISA]...; default: all that the machine has.
 *
 * One thread. A time is the best of many runs: others on the machine only ever make one longer. One
 * image stays in the second-level cache, a batch does not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/memory.h"
#include "lockstep/timer.h"
#include "nn/op.h"
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

static void die(const lks_error *err) {
    fprintf(stderr, "bench_norm: %s\n", err->text);
    exit(1);
}

/* A 1 x 1 convolution makes the input channels, so that gradients flow back to them. */
static lks_model *make_model(lks_shape s, const lks_kernels *kernels) {
    static float pixels[1][256];
    lks_layer_config layers[] = {
        {.kind = LKS_CONV2D,
         .name = "conv",
         .filters = s.channels,
         .kernel = {1, 1},
         .stride = {1, 1},
         .trainable = true},
        {.kind = LKS_BATCHNORM,
         .name = "batchnorm",
         .momentum = 0.1,
         .epsilon = 1e-5,
         .affine = true,
         .trainable = true},
        {.kind = LKS_RELU, .name = "relu"},
        {.kind = LKS_GLOBAL_AVGPOOL, .name = "mean"},
        {.kind = LKS_DENSE, .name = "dense", .units = 10, .trainable = true}};
    int n = sizeof layers / sizeof *layers;
    for (int i = 0; i < n; i++) {
        layers[i].input_layer = i - 1;
        layers[i].from_layer = -1;
    }
    lks_config c = {.layers = layers, .n_layers = n, .init = LKS_INIT_HE_NORMAL};
    c.train.chunk = 16;
    lks_model *m;
    lks_error err;
    if (lks_model_create(&m, &c, (lks_shape){s.rows, s.columns, 1}, 10, (const float(*)[256])pixels,
                         kernels, 1, IMAGES, &err) != LKS_OK)
        die(&err);
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
    fill(b.op->in->value, n);
    fill(b.op->out->gradient, n);
    b.copy = lks_alloc(n, sizeof(float), "a copy", &err);
    if (!b.copy)
        die(&err);
    return b;
}

static void run_copy(bench *b) {
    memcpy(b->copy, b->op->in->value, b->op->in->size * b->images * sizeof(float));
}

static void run_moments(bench *b) {
    b->op->class->moments(b->op, b->model->workers[0], 0, b->images, false);
}

static void run_forward(bench *b) {
    b->op->class->forward(b->op, b->model->workers[0], 0, b->images);
}

static void run_gradient_moments(bench *b) {
    b->op->class->moments(b->op, b->model->workers[0], 0, b->images, true);
}

static void run_backward(bench *b) {
    b->op->class->backward(b->op, b->model->workers[0], 0, b->images);
}

static double best_time(void (*run)(bench *), bench *b) {
    double best = INFINITY, end = lks_now() + PATIENCE;
    for (int i = 0; i < 10 || lks_now() < end; i++) {
        double started = lks_now();
        run(b);
        double seconds = lks_now() - started;
        best = seconds < best ? seconds : best;
    }
    return best;
}

static void bench_table(const lks_kernels *k) {
    static void (*const runs[])(bench *) = {run_copy, run_moments, run_forward,
                                            run_gradient_moments, run_backward};
    static const int images[] = {1, IMAGES};
    printf("%s: nanoseconds for 1000 values\n"
           "  %-12s %6s  %9s %9s %9s %9s %9s\n",
           k->isa, "shape", "images", "copy", "moments", "forward", "gradients", "backward");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench b = prepare(shapes[i], k);
        double values = (double)shapes[i].rows * shapes[i].columns * shapes[i].channels;
        for (int n = 0; n < 2; n++) {
            b.images = images[n];
            printf("  %2dx%-2dx%-5d  %6d ", shapes[i].rows, shapes[i].columns, shapes[i].channels,
                   b.images);
            for (int r = 0; r < 5; r++)
                printf(" %9.1f", 1e12 * best_time(runs[r], &b) / (values * b.images));
            printf("\n");
            fflush(stdout);
        }
        lks_free(b.copy);
        lks_model_free(b.model);
    }
}

int main(int argc, char **argv) {
    const lks_kernels *tables[4];
    lks_error err;
    int n = lks_kernels_usable(tables);
    for (int i = 1; i < argc; i++)
        if (lks_kernels_select(argv[i], &tables[i - 1], &err) != LKS_OK)
            die(&err);
    for (int i = 0; i < (argc > 1 ? argc - 1 : n); i++)
        bench_table(tables[i]);
    return 0;
}
