/* Speed of the units for products in bfloat16, direction by direction, beside the unit's own peak. Usage:
 * bench_products [ISA]...; default: all that the machine has.
 *
 * One thread, 3 x 3 kernels without padding, images chunk by chunk as layers have them. Each direction is measured
 * twice. "Bare": operands stand in planes, results are floats, gradients of weights the partials of chunks. "Whole":
 * forward rounds the images first, the input's gradient the output's, those of weights are added as exact sums. The
 * transposition of weight gradients is in both; weights of a layer are packed once a step and stand by themselves.
 *
 * A time is the best of many short runs: others on the machine only ever make one longer. A core that multiplies dense
 * tiles runs at a lower clock than one that has been idle, so the peak is measured immediately before and after each
 * run, and the better one of the best run counts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "base/timer.h"
#include "support/random_data.h"

#define CHUNK       16
#define IMAGES      64
#define KERNEL      3
#define PATIENCE    0.3 /* seconds for a figure */
#define PEAK_ROUNDS 500

typedef struct shape {
    int size, in, out; /* rows and columns of the input; channels */
    bool pool;
    double density; /* of output gradients */
} shape;

static const shape shapes[] = {
    {28, 1, 32, false, 1},  {28, 1, 32, true, 1},   {13, 32, 64, true, 0.28},
    {26, 32, 64, false, 1}, {22, 64, 80, false, 1}, {10, 160, 176, false, 1},
};

/* Images of one side of the layer: as floats, and in the unit's plane. */
typedef struct plane {
    int rows, columns, channels;
    size_t row, stride, first; /* elements; first: where the image begins in the plane */
    float *values;
    char *plane;
} plane;

typedef struct bench {
    const lks_products *unit;
    const shape *s;
    plane x, dy;
    uint8_t *argmax; /* of dy's windows */
    lks_pack_args pack, pack_data;
    lks_product_args forward, data;
    lks_gradient_args weights;
} bench;

static void *get(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) {
        perror("bench_products");
        exit(1);
    }
    memset(p, 0, (bytes + 63) / 64 * 64);
    return p;
}

static float *draw(size_t n, double density) {
    float *x = get(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = lks_random_uniform(0, 1) < density ? (float)lks_random_uniform(-1, 1) : 0.0f;
    return x;
}

/* Images 320 bytes beyond a multiple of 1,024 apart, so that few of them meet in the caches. */
static size_t spread(size_t elements, size_t element) {
    size_t bytes = elements * element + LKS_PLANE_SLACK;
    return ((bytes + 703) / 1024 * 1024 + 320) / element;
}

/* border: rows above and below, and columns before each row that serve the row before as well. */
static plane make_plane(const bench *b, int rows, int columns, int channels, int border,
                        double density, bool pooled) {
    plane p = {.rows = rows, .columns = columns, .channels = channels};
    const int cells = pooled ? rows / 2 * (columns / 2) : rows * columns;
    p.row = (size_t)(columns + border) * channels;
    p.first = (size_t)border * p.row + (size_t)border * channels;
    p.stride =
        spread((size_t)(rows + 2 * border) * p.row + (size_t)border * channels, b->unit->element);
    p.values = draw((size_t)IMAGES * cells * channels, density);
    p.plane = get((IMAGES * p.stride + LKS_PLANE_SLACK) * b->unit->element);
    return p;
}

static void narrow(const bench *b, const plane *p, int image, const uint8_t *argmax) {
    const int side = argmax ? 2 : 1;
    const size_t n = (size_t)(p->rows / side) * (p->columns / side) * p->channels;
    b->unit->narrow(
        &(lks_narrow_args){.x = p->values + image * n,
                           .argmax = argmax ? argmax + image * n : NULL,
                           .rows = p->rows / side,
                           .columns = p->columns / side,
                           .channels = p->channels,
                           .out_row = p->row,
                           .out = p->plane + (image * p->stride + p->first) * b->unit->element});
}

/* Pixels of a plane row by row, or in windows. */
static int32_t *pixels(int rows, int columns, const plane *p, bool windows) {
    int32_t *offset = get((size_t)rows * columns * sizeof *offset);
    for (int i = 0; i < rows * columns; i++) {
        int row = i / columns, column = i % columns;
        if (windows) {
            row = i / 4 / (columns / 2) * 2 + i % 4 / 2;
            column = i / 4 % (columns / 2) * 2 + i % 2;
        }
        offset[i] = (int32_t)((size_t)row * p->row) + column * p->channels;
    }
    return offset;
}

/* What of a pixel's runs is not all border. */
static lks_reach *reach_of(const bench *b) {
    const int size = b->s->size, out = size - KERNEL + 1, channels = b->dy.channels;
    lks_reach *reach = get((size_t)size * size * sizeof *reach);
    for (int i = 0; i < size * size; i++) {
        int low[2], high[2], at[2] = {i / size, i % size};
        for (int d = 0; d < 2; d++) {
            low[d] = at[d] < KERNEL - 1 ? KERNEL - 1 - at[d] : 0;
            high[d] = at[d] >= out ? out + KERNEL - 1 - at[d] : KERNEL;
        }
        reach[i] = (lks_reach){(int16_t)low[0], (int16_t)high[0], (int16_t)(low[1] * channels / 32),
                               (int16_t)((high[1] * channels + 31) / 32)};
    }
    return reach;
}

static int32_t *run_offsets(const plane *p) {
    int32_t *offset = get(KERNEL * sizeof *offset);
    for (int r = 0; r < KERNEL; r++)
        offset[r] = (int32_t)((size_t)r * p->row);
    return offset;
}

/* Weights are [tap][in][out]; for the input's gradient the taps come backwards. */
static lks_pack_args pack_args(const bench *b, const float *w, bool data) {
    const shape *s = b->s;
    int32_t *tap = get(KERNEL * KERNEL * sizeof *tap);
    for (int t = 0; t < KERNEL * KERNEL; t++)
        tap[t] = data ? KERNEL * KERNEL - 1 - t : t;
    lks_pack_args p = {.w = w,
                       .n_runs = KERNEL,
                       .run_taps = KERNEL,
                       .tap = tap,
                       .channels = data ? b->dy.channels : b->x.channels,
                       .logical_channels = data ? s->out : s->in,
                       .outputs = data ? s->in : s->out,
                       .tap_step = (size_t)s->in * s->out,
                       .channel_step = data ? 1 : (size_t)s->out,
                       .output_step = data ? (size_t)s->out : 1,
                       .one_block = !data && s->in == 1};
    p.out = get(b->unit->packed_bytes(KERNEL, KERNEL * p.channels, lks_padded(p.outputs) / 16,
                                      p.one_block));
    return p;
}

static lks_product_args product_args(const plane *x, const lks_pack_args *pack, int rows,
                                     int columns, bool windows) {
    lks_product_args a = {.x = x->plane,
                          .x_stride = x->stride,
                          .images = CHUNK,
                          .n_pixels = rows * columns,
                          .pixel_offset = pixels(rows, columns, x, windows),
                          .n_runs = KERNEL,
                          .run_length = KERNEL * pack->channels,
                          .run_offset = run_offsets(x),
                          .one_block = pack->one_block,
                          .blocks = lks_padded(pack->outputs) / 16,
                          .weights = pack->out};
    a.out_stride = (size_t)a.n_pixels * a.blocks * 16;
    a.out = get(CHUNK * a.out_stride * sizeof *a.out);
    a.argmax = windows ? get(CHUNK * a.out_stride) : NULL;
    return a;
}

static bench prepare(const shape *s, const lks_products *unit) {
    bench b = {.unit = unit, .s = s};
    const int size = s->pool ? (s->size - KERNEL + 1) / 2 * 2 : s->size - KERNEL + 1;
    lks_random_seed(1);
    b.x = make_plane(&b, s->size, s->size, s->in, 0, 1, false);
    b.dy = make_plane(&b, size, size, s->out, KERNEL - 1, s->density, s->pool);
    b.dy.row = (size_t)s->size * s->out; /* the input's pitch */
    b.argmax = get((size_t)IMAGES * size * size * s->out);
    for (size_t i = 0; i < (size_t)IMAGES * size * size * s->out; i++)
        b.argmax[i] = (uint8_t)lks_random_int(0, 3);
    float *w = draw((size_t)KERNEL * KERNEL * s->in * s->out, 1);
    b.pack = pack_args(&b, w, false);
    b.pack_data = pack_args(&b, w, true);
    b.forward = product_args(&b.x, &b.pack, size, size, s->pool);
    b.forward.bias = get((size_t)b.forward.blocks * 16 * sizeof(float));
    b.forward.relu = true;
    b.data = product_args(&b.dy, &b.pack_data, s->size, s->size, false);
    b.data.reach = reach_of(&b);
    int32_t *taps = get(KERNEL * KERNEL * sizeof *taps);
    for (int t = 0; t < KERNEL * KERNEL; t++)
        taps[t] = (int32_t)((size_t)(t / KERNEL) * b.x.row) + t % KERNEL * s->in;
    b.weights = (lks_gradient_args){.x = b.x.plane,
                                    .x_stride = b.x.stride,
                                    .x_row = (int)b.x.row,
                                    .x_column = s->in,
                                    .dy = b.dy.plane + b.dy.first * unit->element,
                                    .dy_stride = b.dy.stride,
                                    .dy_row = (int)b.dy.row,
                                    .dy_column = s->out,
                                    .samples = IMAGES,
                                    .chunk = CHUNK,
                                    .group = lks_gradient_group(CHUNK),
                                    .rows = size,
                                    .columns = size,
                                    .taps = KERNEL * KERNEL,
                                    .tap_offset = taps,
                                    .channels = s->in,
                                    .blocks = s->out / 16,
                                    .row = (size_t)s->out};
    b.weights.sums = get((size_t)KERNEL * KERNEL * s->in * s->out * sizeof *b.weights.sums);
    b.weights.out = get((size_t)KERNEL * KERNEL * s->in * s->out * sizeof *b.weights.out);
    b.weights.scratch = get(unit->gradient_scratch(&b.weights));
    return b;
}

static void release(bench *b) {
    free(b->x.values);
    free(b->x.plane);
    free(b->dy.values);
    free(b->dy.plane);
    free(b->argmax);
    free((void *)b->pack.w);
    for (int d = 0; d < 2; d++) {
        lks_pack_args *p = d ? &b->pack_data : &b->pack;
        lks_product_args *a = d ? &b->data : &b->forward;
        free((void *)p->tap);
        free(p->out);
        free((void *)a->pixel_offset);
        free((void *)a->run_offset);
        free((void *)a->reach);
        free((void *)a->bias);
        free(a->out);
        free(a->argmax);
    }
    free((void *)b->weights.tap_offset);
    free(b->weights.sums);
    free(b->weights.out);
    free(b->weights.scratch);
}

static void multiply(const bench *b, const plane *p, const uint8_t *argmax,
                     const lks_product_args *args) {
    lks_product_args a = *args;
    for (int image = 0; image < IMAGES; image += CHUNK) {
        for (int i = image; i < image + CHUNK; i++)
            narrow(b, p, i, argmax);
        a.x = p->plane + image * p->stride * b->unit->element;
        b->unit->product(&a);
    }
}

static void run_forward(void *context) {
    const bench *b = context;
    multiply(b, &b->x, NULL, &b->forward);
}

static void run_data(void *context) {
    const bench *b = context;
    multiply(b, &b->dy, b->s->pool ? b->argmax : NULL, &b->data);
}

static void run_bare(const bench *b, const plane *p, const lks_product_args *args) {
    lks_product_args a = *args;
    for (int image = 0; image < IMAGES; image += CHUNK) {
        a.x = p->plane + image * p->stride * b->unit->element;
        b->unit->product(&a);
    }
}

static void run_bare_forward(void *context) {
    const bench *b = context;
    run_bare(b, &b->x, &b->forward);
}

static void run_bare_data(void *context) {
    const bench *b = context;
    run_bare(b, &b->dy, &b->data);
}

static void run_bare_weights(void *context) {
    const bench *b = context;
    lks_gradient_args a = b->weights;
    a.sums = NULL;
    a.samples = CHUNK;
    a.fresh = true;
    for (int image = 0; image < IMAGES; image += CHUNK) {
        a.x = (const char *)b->weights.x + image * b->x.stride * b->unit->element;
        a.dy = (const char *)b->weights.dy + image * b->dy.stride * b->unit->element;
        b->unit->gradient(&a);
    }
}

static void run_weights(void *context) {
    const bench *b = context;
    if (!b->unit->gradient(&b->weights)) {
        fprintf(stderr, "bench_products: a partial was refused\n");
        exit(1);
    }
}

static void run_pack(void *context) {
    const bench *b = context;
    b->unit->pack(&b->pack, 0, 1);
    b->unit->pack(&b->pack_data, 0, 1);
}

static double peak(const lks_products *unit) {
    static float out[LKS_PLANE_SLACK] = {0.5f, 1.0f};
    double best = 0;
    for (int i = 0; i < 3; i++) {
        double started = lks_now(), flop = unit->peak(out, PEAK_ROUNDS);
        double rate = flop / (lks_now() - started);
        best = rate > best ? rate : best;
    }
    return best;
}

/* Seconds of the best run, and what the unit could do then. */
typedef struct figure {
    double seconds, peak;
} figure;

static figure measure(void (*run)(void *), bench *b, double patience) {
    figure f = {INFINITY, 0};
    const double end = lks_now() + patience;
    for (int runs = 0; runs < 10 || lks_now() < end; runs++) {
        const double before = peak(b->unit), started = lks_now();
        run(b);
        const double seconds = lks_now() - started, after = peak(b->unit);
        if (seconds < f.seconds)
            f = (figure){seconds, before > after ? before : after};
    }
    return f;
}

static void report(bench *b) {
    static void (*const runs[][2])(void *) = {{run_bare_forward, run_forward},
                                              {run_bare_data, run_data},
                                              {run_bare_weights, run_weights}};
    const shape *s = b->s;
    const double flop = 2.0 * b->forward.n_pixels * KERNEL * KERNEL * s->in * s->out;
    run_data(b); /* the planes of the gradients of weights */
    run_forward(b);
    printf("  %2dx%-2d %3d->%-3d %-6s", s->size, s->size, s->in, s->out, s->pool ? "pooled" : "");
    printf("  %7.1f", 1e6 * measure(run_pack, b, PATIENCE / 4).seconds);
    for (int d = 0; d < 3; d++)
        for (int whole = 0; whole < 2; whole++) {
            if (d == 1 && s->in == 1) {
                printf(" %23s", "-");
                continue;
            }
            const figure f = measure(runs[d][whole], b, PATIENCE);
            const double seconds = f.seconds / IMAGES;
            printf(" %6.2f %5.0f %5.0f %3.0f%%", 1e6 * seconds, 1e-9 * flop / seconds,
                   1e-9 * f.peak, 100 * flop / seconds / f.peak);
        }
    printf("\n");
    fflush(stdout);
}

static void bench_table(const lks_kernels *k) {
    printf("%s: products by unit %s, first layers by %s. Microseconds to pack both forms of the "
           "weights;\nof each direction, bare and whole: microseconds an image, GFLOP/s, the "
           "unit's peak then, and the share\n  %-21s  %7s %23s %23s %23s %23s %23s %23s\n",
           k->isa, k->products->unit, k->few->unit, "input, channels", "pack", "forward, bare",
           "whole", "data, bare", "whole", "weights, bare", "whole");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bench b = prepare(&shapes[i], shapes[i].in == 1 ? k->few : k->products);
        report(&b);
        release(&b);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    return bench_tables(argc, argv, bench_table);
}
