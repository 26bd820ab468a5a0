/* Speed of the convolution and dense layers, direction by direction and shape by shape, beside the FMA
 * peak measured in the same run. Usage: bench_kernels [ISA]...; default: all that the machine has.
 *
 * One thread. A time is the best of many short runs: others on the machine only ever make one longer.
 * The peak is measured anew before every shape, and the share is that of this moment. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "base/timer.h"
#include "lockstep/model.h"
#include "nn/op.h"
#include "support/layers.h"
#include "support/random_data.h"

#define IMAGES   16  /* a chunk */
#define PATIENCE 0.4 /* seconds for a figure */

typedef struct shape {
    const char *what;
    int rows, columns, in, out;
    int kernel, stride, pad; /* kernel 0: a dense layer */
    bool relu, pool;
    double density; /* share of output gradients that are not zero */
} shape;

static const shape shapes[] = {
    {"first layer", 28, 28, 1, 32, 3, 1, 0, true, false, 1},
    {"first layer, pooled", 28, 28, 1, 32, 3, 1, 0, true, true, 1},
    {"first layer", 28, 28, 1, 24, 5, 1, 0, true, false, 1},
    {"first layer, pooled", 28, 28, 1, 24, 5, 1, 0, true, true, 1},
    {"dense gradients", 13, 13, 32, 64, 3, 1, 0, false, false, 1},
    {"dense gradients", 26, 26, 32, 64, 3, 1, 0, false, false, 1},
    {"dense gradients", 22, 22, 64, 80, 3, 1, 0, false, false, 1},
    {"dense gradients", 10, 10, 160, 176, 3, 1, 0, false, false, 1},
    {"dense gradients", 14, 14, 48, 64, 5, 1, 0, false, false, 1},
    {"ragged, stride 2", 15, 15, 21, 37, 3, 2, 1, false, false, 1},
    {"padded", 14, 14, 64, 64, 3, 1, 1, false, false, 1},
    {"few channels", 14, 14, 16, 16, 3, 1, 1, false, false, 1},
    {"few channels", 14, 14, 16, 32, 3, 1, 1, false, false, 1},
    {"few channels", 14, 14, 32, 16, 3, 1, 1, false, false, 1},
    {"few channels", 14, 14, 32, 32, 3, 1, 1, false, false, 1},
    {"7 x 7", 22, 22, 48, 96, 7, 1, 0, false, false, 1},
    {"pooled, 7 % dense", 13, 13, 32, 64, 3, 1, 0, true, true, 0.28},
    {"pooled, 7 % dense", 26, 26, 32, 64, 3, 1, 0, true, true, 0.28},
    {"pooled, 25 % dense", 26, 26, 32, 64, 3, 1, 0, true, true, 1},
    {"dense layer", 5, 5, 64, 10, 0, 0, 0, false, false, 1},
    {"dense layer", 5, 5, 32, 256, 0, 0, 0, true, false, 0.5},
    {"dense layer", 12, 12, 64, 128, 0, 0, 0, true, false, 0.5},
    {"dense layer", 8, 8, 176, 10, 0, 0, 0, false, false, 1},
};

typedef struct bench {
    lks_model *model;
    lks_op *op;
    const shape *s;
    double flop;            /* of one direction over all images, every position counted */
    double seconds, needed; /* of the direction measured last: time and flop really done */
} bench;

/* A 1 x 1 convolution makes the input channels, so that gradients flow back to them. */
static lks_model *make_model(const shape *s, const lks_kernels *kernels) {
    static float pixels[1][256];
    const bool first = s->in == 1;
    char before[64], own[128];
    lks_layer_config layers[6];
    int n = 0;
    snprintf(before, sizeof before, "filters=%d kernel=1 bias=false", s->in);
    if (!first)
        layers[n++] = lks_test_layer(0, "conv2d", before);
    if (s->kernel) {
        snprintf(own, sizeof own, "filters=%d kernel=%d stride=%d padding=%d", s->out, s->kernel,
                 s->stride, s->pad);
        layers[n] = lks_test_layer(n, "conv2d", own);
    } else {
        snprintf(own, sizeof own, "units=%d", s->out);
        layers[n] = lks_test_layer(n, "flatten", "");
        n++;
        layers[n] = lks_test_layer(n, "dense", own);
    }
    n++;
    if (s->relu) {
        layers[n] = lks_test_layer(n, "relu", "");
        n++;
    }
    if (s->pool) {
        layers[n] = lks_test_layer(n, "maxpool", "window=2");
        n++;
    }
    if (s->kernel) {
        layers[n] = lks_test_layer(n, "flatten", "");
        n++;
    }
    layers[n] = lks_test_layer(n, "dense", "units=10");
    n++;
    lks_config c = {.layers = layers, .n_layers = n, .init = LKS_INIT_HE_NORMAL};
    c.train.chunk = IMAGES;
    lks_model *m;
    lks_error err;
    if (lks_model_create(&m, &c, (lks_shape){s->rows, s->columns, 1}, 10,
                         (const float(*)[256])pixels, kernels, 1, IMAGES, &err) != LKS_OK)
        bench_die(&err);
    lks_model_init(m, 1);
    return m;
}

static void fill(float *x, size_t n, double density) {
    for (size_t i = 0; i < n; i++)
        x[i] = lks_random_uniform(0, 1) < density ? (float)lks_random_uniform(-1, 1) : 0.0f;
}

static bench prepare(const shape *s, const lks_kernels *kernels) {
    bench b = {.model = make_model(s, kernels), .s = s};
    b.op = b.model->ops[s->in == 1 ? 1 : 2];
    lks_random_seed(1);
    const lks_worker *w = b.model->workers[0]; /* its memory has room for the chunk */
    fill(lks_value(b.op->in, w, 0), b.op->in->size * IMAGES, 1);
    const lks_shape out = b.op->out->shape;
    double pixels = (double)out.rows * out.columns * (s->pool ? 4 : 1);
    double taps = s->kernel ? s->kernel * s->kernel : s->rows * s->columns;
    b.flop = 2.0 * IMAGES * pixels * s->in * s->out * taps;
    b.op->class->forward(b.op, b.model->workers[0], 0, IMAGES);
    /* behind ReLU only positive outputs pass gradients: make all so, density decides alone */
    float *y = lks_value(b.op->out, w, 0);
    for (size_t i = 0; s->relu && i < b.op->out->size * IMAGES; i++)
        y[i] = y[i] > 0 ? y[i] : 1.0f;
    fill(lks_gradient(b.op->out, w, 0), b.op->out->size * IMAGES, s->density);
    return b;
}

static void run_forward(void *context) {
    bench *b = context;
    b->op->class->forward(b->op, b->model->workers[0], 0, IMAGES);
}

static void run_backward(void *context) {
    bench *b = context;
    b->op->class->backward(b->op, b->model->workers[0], 0, IMAGES);
}

static void run_weights(void *context) {
    bench *b = context;
    b->op->class->weights(b->op, b->model->workers[0], 0, 0, IMAGES, 0, 1);
}

static void measure(void (*run)(void *), bench *b) {
    int64_t before = lks_model_flop(b->model);
    int runs;
    b->seconds = bench_best(run, b, PATIENCE, &runs);
    b->needed = (double)(lks_model_flop(b->model) - before) / runs;
}

static double peak(const lks_kernels *k) {
    static float out[32] = {0.5f, 1.0f};
    double best = 0, end = lks_now() + PATIENCE / 4;
    while (lks_now() < end) {
        double started = lks_now(), flop = k->peak(out, 20000);
        double rate = flop / (lks_now() - started);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Behind lists, backward is making them and, where asked for, the input's gradient. */
static void report(bench *b, double peak) {
    const shape *s = b->s;
    void (*const runs[])(void *) = {run_forward, run_backward, run_weights};
    char kernel[16] = "dense";
    if (s->kernel)
        snprintf(kernel, sizeof kernel, "%dx%d s%d", s->kernel, s->kernel, s->stride);
    printf("  %2dx%-2d %3d->%-3d %-6s  %-19s", s->rows, s->columns, s->in, s->out, kernel, s->what);
    for (int d = 0; d < 3; d++) {
        if (d == 1 && !b->op->dx) {
            printf("  %26s", "-");
            continue;
        }
        measure(runs[d], b);
        printf("  %6.1f %7.1f %3.0f %% %4.0f %%", 1e6 * b->seconds / IMAGES,
               1e-9 * b->needed / b->seconds, 100 * b->needed / b->seconds / peak,
               100 * b->flop / b->seconds / peak);
    }
    printf("\n");
    fflush(stdout);
}

static void bench_table(const lks_kernels *k) {
    printf(
        "%s: peak %.1f GFLOP/s. Of each direction: microseconds an image; GFLOP/s really done and "
        "their share of the\npeak; the share if every position had been computed as it is written\n"
        "  %-38s  %26s  %26s  %26s\n",
        k->isa, 1e-9 * peak(k), "input, channels, kernel, stride", "forward", "backward, data",
        "backward, weights");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench b = prepare(&shapes[i], k);
        report(&b, peak(k));
        lks_model_free(b.model);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    return bench_tables(argc, argv, bench_table);
}
