#include "products_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/exact.h"
#include "support/random_data.h"

/* The tile unit on models of its tiles. */
extern const lks_products lks_tile_products_portable, lks_tile_products_avx512;

static int tile_models(const lks_products **units) {
    int n = 0;
    units[n++] = &lks_tile_products_portable;
#ifdef LKS_TILE_MODEL_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bf16"))
        units[n++] = &lks_tile_products_avx512;
#endif
    return n;
}

int products_units(const lks_products *units[16]) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n = tile_models(units), n_tables = lks_kernels_usable(tables);
    for (int t = 0; t < n_tables; t++) {
        int seen = 0;
        while (seen < n && units[seen] != tables[t]->products)
            seen++;
        if (seen == n)
            units[n++] = tables[t]->products;
    }
    return n;
}

static void *get(size_t bytes) {
    void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!p) {
        perror("aligned_alloc");
        exit(1);
    }
    memset(p, 0, bytes);
    return p;
}

float products_round(float v) {
    int exponent;
    if (isnan(v) || isinf(v))
        return v;
    if (fabsf(v) < 0x1p-50f)
        return 0.0f;
    double significand = frexp((double)v, &exponent); /* at least 1/2; a bfloat16 has 8 bits */
    double nearest = ldexp(rint(ldexp(significand, 8)), exponent - 8);
    return (float)nearest;
}

plane_case plane_case_new(int images, int rows, int columns, int channels) {
    plane_case p = {.images = images, .rows = rows, .columns = columns, .channels = channels};
    int gap = channels % LKS_BLOCK ? 1 : LKS_BLOCK;
    p.row = (size_t)(columns * channels + lks_random_int(0, 2) * gap);
    p.stride = (size_t)rows * p.row + LKS_PLANE_SLACK + (size_t)(lks_random_int(0, 3) * gap);
    p.values = get((size_t)images * rows * columns * channels * sizeof *p.values);
    p.rounded = get(((size_t)images * p.stride + LKS_PLANE_SLACK) * sizeof *p.rounded);
    lks_fill_awkward(p.values, (size_t)images * rows * columns * channels);
    plane_case_round(&p);
    return p;
}

void plane_case_round(plane_case *p) {
    const float *v = p->values;
    for (int s = 0; s < p->images; s++)
        for (int r = 0; r < p->rows; r++)
            for (int i = 0; i < p->columns * p->channels; i++)
                p->rounded[s * p->stride + r * p->row + i] = products_round(*v++);
}

void plane_case_free(plane_case *p) {
    free(p->values);
    free(p->rounded);
}

void *plane_case_narrow(const plane_case *p, const lks_products *unit, bool *finite) {
    char *plane = get(((size_t)p->images * p->stride + LKS_PLANE_SLACK) * unit->element);
    size_t image = (size_t)p->rows * p->columns * p->channels;
    for (int s = 0; s < p->images; s++)
        finite[s] = unit->narrow(&(lks_narrow_args){.x = p->values + s * image,
                                                    .rows = p->rows,
                                                    .columns = p->columns,
                                                    .channels = p->channels,
                                                    .out_row = p->row,
                                                    .out = plane + s * p->stride * unit->element});
    return plane;
}

/* The recurrence of one block: two chains from +0 over at most 32 products, then their sum. */
typedef struct chains {
    float e, o;
    int k;
} chains;

static void chains_add(chains *s, float a, float b) {
    float *chain = s->k % 2 ? &s->o : &s->e;
    *chain = fmaf(a, b, *chain);
    s->k++;
}

static void chains_end(chains *s, float *c) {
    float sum = s->e + s->o;
    *c = *c + sum;
    *s = (chains){0};
}

/* --- products */

static float product_at(const product_case *c, int image, int pixel, int output) {
    const lks_product_args *a = &c->a;
    const float *x = c->x.rounded + image * c->x.stride + a->pixel_offset[pixel];
    float sum = 0.0f;
    chains s = {0};
    for (int r = 0; r < a->n_runs; r++) {
        for (int j = 0; j < a->run_length; j++) {
            const float *w = c->rounded_w + ((size_t)r * a->run_length + j) * a->blocks * 16;
            chains_add(&s, x[a->run_offset[r] + j], w[output]);
            if (s.k == 32)
                chains_end(&s, &sum);
        }
        if (!a->one_block && s.k > 0)
            chains_end(&s, &sum);
    }
    if (s.k > 0)
        chains_end(&s, &sum);
    return a->bias ? sum + a->bias[output] : sum;
}

static float relu_of(const product_case *c, float y) {
    return c->a.relu && y <= 0.0f ? 0.0f : y;
}

static size_t out_place(const product_case *c, int image, int pixel, int output) {
    const lks_product_args *a = &c->a;
    size_t at = a->out_offset ? (size_t)a->out_offset[pixel] : (size_t)pixel * a->blocks * 16;
    return image * a->out_stride + at + output;
}

/* The first maximum of a window; NaN before all, the first NaN of several. */
static void expect_window(product_case *c, int image, int window, int output) {
    float best = product_at(c, image, 4 * window, output);
    int place = 0;
    for (int k = 1; k < 4; k++) {
        float y = product_at(c, image, 4 * window + k, output);
        if (y > best || (isnan(y) && !isnan(best))) {
            best = y;
            place = k;
        }
    }
    size_t at = image * c->a.out_stride + (size_t)window * c->a.blocks * 16 + output;
    c->want[at] = relu_of(c, best);
    c->want_argmax[at] = (uint8_t)place;
}

void product_case_expect(product_case *c) {
    const lks_product_args *a = &c->a;
    for (size_t i = 0; i < c->n_out; i++)
        c->want[i] = NAN;
    memset(c->want_argmax, 99, c->n_out);
    for (int s = 0; s < a->images; s++)
        for (int o = 0; o < a->blocks * 16; o++)
            if (c->pooled)
                for (int w = 0; w < a->n_pixels / 4; w++)
                    expect_window(c, s, w, o);
            else
                for (int i = 0; i < a->n_pixels; i++)
                    c->want[out_place(c, s, i, o)] = relu_of(c, product_at(c, s, i, o));
}

/* Weights, with gaps between outputs, channels and taps, the taps in any order. */
static void draw_weights(product_case *c, int logical_channels, int run_taps) {
    const lks_product_args *a = &c->a;
    const int channels = c->x.channels, taps = a->n_runs * run_taps, outputs = c->outputs;
    bool outputs_last = lks_random_int(0, 1);
    size_t inner = (size_t)(outputs_last ? outputs : logical_channels) + lks_random_int(0, 3);
    size_t step = inner * (outputs_last ? logical_channels : outputs) + lks_random_int(0, 3);
    int32_t *tap = get((size_t)taps * sizeof *tap);
    c->w = get((size_t)taps * step * sizeof *c->w);
    lks_fill_awkward(c->w, (size_t)taps * step);
    for (int t = 0; t < taps; t++) {
        int j = lks_random_int(0, t);
        tap[t] = tap[j];
        tap[j] = t;
    }
    c->pack = (lks_pack_args){.w = c->w,
                              .n_runs = a->n_runs,
                              .run_taps = run_taps,
                              .tap = tap,
                              .channels = channels,
                              .logical_channels = logical_channels,
                              .outputs = outputs,
                              .tap_step = step,
                              .channel_step = outputs_last ? inner : 1,
                              .output_step = outputs_last ? 1 : inner,
                              .one_block = a->one_block};
}

static void round_weights(product_case *c) {
    const lks_pack_args *p = &c->pack;
    size_t width = (size_t)c->a.blocks * 16;
    c->rounded_w =
        get((size_t)p->n_runs * p->run_taps * p->channels * width * sizeof *c->rounded_w);
    for (int t = 0; t < p->n_runs * p->run_taps; t++)
        for (int i = 0; i < p->logical_channels; i++)
            for (int o = 0; o < p->outputs; o++)
                c->rounded_w[((size_t)t * p->channels + i) * width + o] = products_round(
                    p->w[p->tap[t] * p->tap_step + i * p->channel_step + o * p->output_step]);
}

/* Runs and pixels of a convolution, or of a dense layer: one pixel, whose rows are the runs. */
static void set_geometry(product_case *c, const int kernel[2], const int stride[2], int rows,
                         int columns) {
    lks_product_args *a = &c->a;
    int32_t *pixels = get((size_t)rows * columns * sizeof *pixels);
    int32_t *runs = get((size_t)kernel[0] * sizeof *runs);
    for (int i = 0; i < rows * columns; i++) {
        int row = i / columns, column = i % columns;
        if (c->pooled) {
            int window = i / 4;
            row = window / (columns / 2) * 2 + i % 4 / 2;
            column = window % (columns / 2) * 2 + i % 2;
        }
        pixels[i] =
            (int32_t)((size_t)(row * stride[0]) * c->x.row) + column * stride[1] * c->x.channels;
    }
    for (int r = 0; r < kernel[0]; r++)
        runs[r] = (int32_t)((size_t)r * c->x.row);
    a->n_pixels = rows * columns;
    a->pixel_offset = pixels;
    a->n_runs = kernel[0];
    a->run_offset = runs;
    a->run_length = kernel[1] * c->x.channels;
    a->one_block = a->n_runs * a->run_length <= 32 && (a->n_runs > 1 || c->x.channels % 16 != 0);
}

/* Places of pixels in an image of out, in any order and with gaps. */
static void draw_places(product_case *c) {
    lks_product_args *a = &c->a;
    const int width = a->blocks * 16;
    int32_t *places = get((size_t)a->n_pixels * sizeof *places);
    for (int i = 0; i < a->n_pixels; i++) {
        int j = lks_random_int(0, i);
        places[i] = places[j];
        places[j] = 2 * i * width;
    }
    a->out_offset = places;
}

static void clear_border(plane_case *x) {
    for (int s = 0; s < x->images; s++)
        for (int r = 0; r < x->rows; r++)
            for (int i = 0; i < x->columns * x->channels; i++) {
                int column = i / x->channels;
                if (r == 0 || r >= x->rows - 2 || column == 0 || column >= x->columns - 2)
                    x->values[((size_t)s * x->rows + r) * x->columns * x->channels + i] = 0.0f;
            }
    plane_case_round(x);
}

/* As narrow as it can be: from the operands themselves. */
static void find_reach(product_case *c) {
    lks_product_args *a = &c->a;
    lks_reach *reach = get((size_t)a->n_pixels * sizeof *reach);
    for (int i = 0; i < a->n_pixels; i++) {
        lks_reach r = {INT16_MAX, 0, INT16_MAX, 0};
        for (int s = 0; s < c->x.images; s++)
            for (int run = 0; run < a->n_runs; run++)
                for (int j = 0; j < a->run_length; j++) {
                    if (c->x.rounded[s * c->x.stride + a->pixel_offset[i] + a->run_offset[run] +
                                     j] == 0.0f)
                        continue;
                    int16_t b = (int16_t)(j / 32), n = (int16_t)run;
                    r.first_run = n < r.first_run ? n : r.first_run;
                    r.end_run = n >= r.end_run ? (int16_t)(n + 1) : r.end_run;
                    r.first_block = b < r.first_block ? b : r.first_block;
                    r.end_block = b >= r.end_block ? (int16_t)(b + 1) : r.end_block;
                }
        if (r.end_run == 0)
            r = (lks_reach){0, 0, 0, 0};
        reach[i] = r;
    }
    a->reach = reach;
}

/* Large enough that products of two overflow; halves of opposite sign make infinity minus infinity. */
static void enlarge(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (lks_random_int(0, 3) == 0)
            x[i] = lks_random_int(0, 1) ? 0x1.8p65f : -0x1.8p65f;
}

product_case product_case_new(const product_choice *choice) {
    product_case c = {.pooled = choice->pooled, .outputs = lks_random_int(1, 80)};
    const bool dense = choice->kernel[0] == 0;
    int logical = choice->padded ? lks_random_int(1, 70) : lks_random_int(1, 4), stride[2], in[2];
    int rows = choice->pooled ? 2 * lks_random_int(1, 3) : dense ? 1 : lks_random_int(1, 6);
    int columns = choice->pooled ? 2 * lks_random_int(1, 4) : dense ? 1 : lks_random_int(1, 7);
    int kernel[2] = {choice->kernel[0], choice->kernel[1]};
    rows = choice->size[0] ? choice->size[0] : rows;
    columns = choice->size[1] ? choice->size[1] : columns;
    for (int d = 0; d < 2; d++) {
        kernel[d] = dense ? lks_random_int(1, 4) : kernel[d];
        stride[d] = lks_random_int(0, 1) ? 1 : lks_random_int(2, 3);
        in[d] = ((d ? columns : rows) - 1) * stride[d] + kernel[d];
    }
    c.x = plane_case_new(choice->images, in[0] + (dense ? 0 : lks_random_int(0, 1)), in[1],
                         choice->padded ? lks_padded(logical) : logical);
    set_geometry(&c, kernel, stride, rows, columns);
    lks_product_args *a = &c.a;
    a->x_stride = c.x.stride;
    a->images = choice->images;
    a->blocks = lks_padded(c.outputs) / 16;
    a->relu = lks_random_int(0, 1);
    if (lks_random_int(0, 3)) {
        float *bias = get((size_t)a->blocks * 16 * sizeof *bias);
        lks_fill_awkward(bias, (size_t)a->blocks * 16);
        a->bias = bias;
    }
    if (!c.pooled && lks_random_int(0, 1))
        draw_places(&c);
    size_t places = (size_t)a->n_pixels * (a->out_offset ? 2 : 1) * a->blocks * 16;
    a->out_stride = places / (c.pooled ? 4 : 1) + (size_t)lks_random_int(0, 2) * 16;
    c.n_out = a->out_stride * (size_t)a->images;
    draw_weights(&c, logical, kernel[1]);
    if (choice->huge) {
        enlarge(c.w, (size_t)c.pack.n_runs * c.pack.run_taps * c.pack.tap_step);
        enlarge(c.x.values, (size_t)c.x.images * c.x.rows * c.x.columns * c.x.channels);
        plane_case_round(&c.x);
    }
    round_weights(&c);
    if (choice->border) {
        clear_border(&c.x);
        find_reach(&c);
    }
    c.want = get(c.n_out * sizeof *c.want);
    c.want_argmax = get(c.n_out);
    product_case_expect(&c);
    return c;
}

void product_case_free(product_case *c) {
    plane_case_free(&c->x);
    free((void *)c->a.pixel_offset);
    free((void *)c->a.run_offset);
    free((void *)c->a.bias);
    free((void *)c->a.out_offset);
    free((void *)c->a.reach);
    free((void *)c->pack.tap);
    free(c->w);
    free(c->rounded_w);
    free(c->want);
    free(c->want_argmax);
}

size_t product_case_wrong(const product_case *c, const lks_products *unit, int parts) {
    lks_product_args a = c->a;
    lks_pack_args pack = c->pack;
    bool finite[64];
    void *x = plane_case_narrow(&c->x, unit, finite);
    size_t bytes = unit->packed_bytes(a.n_runs, a.run_length, a.blocks, a.one_block);
    char *weights = get(bytes + 64);
    memset(weights, 77, bytes + 64);
    uint8_t *argmax = get(c->n_out + 1);
    memset(argmax, 99, c->n_out + 1);
    a.out = lks_guarded_alloc(c->n_out); /* full of NaN */
    a.argmax = c->pooled ? argmax : NULL;
    a.x = x;
    a.weights = pack.out = weights;
    for (int p = 0; p < parts; p++)
        unit->pack(&pack, p, parts);
    unit->product(&a);

    size_t wrong = bytes % 64 != 0;
    for (int i = 0; i < 64; i++)
        wrong += weights[bytes + i] != 77;
    for (int s = 0; s < a.images; s++) {
        size_t at = s * a.out_stride, n = a.out_stride;
        if (!finite[s])
            continue;
        wrong += lks_differing_bits(a.out + at, c->want + at, n);
        for (size_t i = at; c->pooled && i < at + n; i++)
            wrong += argmax[i] != c->want_argmax[i];
    }
    wrong += argmax[c->n_out] != 99;
    wrong += !lks_guarded_free(a.out, c->n_out);
    free(argmax);
    free(weights);
    free(x);
    return wrong;
}

/* --- gradients of weights */

/* +0 for an image or a pixel that is not there. */
static float operand(const plane_case *p, int image, int end, size_t at, bool there) {
    return there && image < end ? p->rounded[image * p->stride + at] : 0.0f;
}

/* The partial of the chunk that begins with image `first`, for one input of a tap and one output. */
static float gradient_at(const gradient_case *c, int first, int tap, int channel, int output) {
    const lks_gradient_args *a = &c->a;
    const int end = first + a->chunk < a->samples ? first + a->chunk : a->samples;
    const int n = a->group, side = 32 / n;
    float sum = 0.0f;
    for (int image = first; image < end; image += n)
        for (int row = 0; row < a->rows; row++)
            for (int column = 0; column < a->columns; column += side) {
                chains s = {0};
                for (int pixel = 0; pixel < side; pixel++)
                    for (int i = 0; i < n; i++) {
                        const int col = column + pixel;
                        const size_t x = (size_t)row * a->x_row + (size_t)col * a->x_column +
                                         a->tap_offset[tap] + channel;
                        const int shrink = c->argmax ? 2 : 1;
                        const size_t dy = (size_t)(row / shrink) * a->dy_row +
                                          (size_t)(col / shrink) * a->dy_column + output;
                        const bool there = col < a->columns;
                        const bool chosen =
                            there && image + i < end &&
                            (!c->argmax || c->argmax[(image + i) * a->argmax_stride + dy] ==
                                               row % 2 * 2 + col % 2);
                        chains_add(&s, operand(&c->x, image + i, end, x, there),
                                   operand(&c->dy, image + i, end, dy, chosen));
                    }
                chains_end(&s, &sum);
            }
    return sum;
}

void gradient_case_expect(gradient_case *c) {
    const lks_gradient_args *a = &c->a;
    float *to = c->want;
    for (int chunk = 0; chunk < c->n_chunks; chunk++)
        for (int t = 0; t < a->taps; t++)
            for (int i = 0; i < a->channels; i++)
                for (int o = 0; o < a->blocks * 16; o++)
                    *to++ = gradient_at(c, chunk * a->chunk, t, i, o);
}

/* Places of windows, as the plane of dy has them. */
static void draw_argmax(gradient_case *c) {
    lks_gradient_args *a = &c->a;
    a->argmax_stride = c->dy.stride + (size_t)lks_random_int(0, 1) * 16;
    const size_t n = (size_t)a->samples * a->argmax_stride;
    c->argmax = get(n);
    for (size_t i = 0; i < n; i++)
        c->argmax[i] = (uint8_t)lks_random_int(0, 3);
    a->argmax = c->argmax;
}

gradient_case gradient_case_new(const gradient_choice *choice) {
    gradient_case c = {.n_chunks = (choice->samples + choice->chunk - 1) / choice->chunk};
    const int *kernel = choice->kernel, *stride = choice->stride;
    int channels = choice->padded ? lks_random_int(1, 40) : lks_random_int(1, 4);
    int rows = lks_random_int(1, 5), columns = lks_random_int(1, 7),
        outputs = lks_random_int(1, 70);
    rows = choice->size[0] ? choice->size[0] : rows;
    columns = choice->size[1] ? choice->size[1] : columns;
    const int shrink = choice->windows ? 2 : 1; /* rows and columns, so far, are those of dy */
    rows *= shrink;
    columns *= shrink;
    channels = choice->channels[0] ? choice->channels[0] : channels;
    outputs = choice->channels[1] ? choice->channels[1] : outputs;
    c.x = plane_case_new(choice->samples, (rows - 1) * stride[0] + kernel[0],
                         (columns - 1) * stride[1] + kernel[1],
                         choice->padded ? lks_padded(channels) : channels);
    c.dy = plane_case_new(choice->samples, rows / shrink, columns / shrink, lks_padded(outputs));
    size_t n = (size_t)choice->samples * c.dy.rows * c.dy.columns * c.dy.channels;
    for (size_t i = 0; i < n; i++)
        if (lks_random_uniform(0, 1) >= choice->density)
            c.dy.values[i] = 0.0f;
    plane_case_round(&c.dy);
    int32_t *offset = get((size_t)kernel[0] * kernel[1] * sizeof *offset);
    for (int t = 0; t < kernel[0] * kernel[1]; t++)
        offset[t] = (int32_t)((size_t)(t / kernel[1]) * c.x.row) + t % kernel[1] * c.x.channels;
    c.a = (lks_gradient_args){.x_stride = c.x.stride,
                              .x_row = (int)c.x.row * stride[0],
                              .x_column = c.x.channels * stride[1],
                              .dy_stride = c.dy.stride,
                              .dy_row = (int)c.dy.row,
                              .dy_column = c.dy.channels,
                              .samples = choice->samples,
                              .chunk = choice->chunk,
                              .group = lks_gradient_group(choice->chunk),
                              .rows = rows,
                              .columns = columns,
                              .taps = kernel[0] * kernel[1],
                              .tap_offset = offset,
                              .channels = channels,
                              .blocks = c.dy.channels / 16,
                              .row = (size_t)c.dy.channels + (size_t)lks_random_int(0, 2) * 16};
    if (choice->windows)
        draw_argmax(&c);
    c.want = get((size_t)c.n_chunks * c.a.taps * channels * c.dy.channels * sizeof *c.want);
    gradient_case_expect(&c);
    return c;
}

void gradient_case_free(gradient_case *c) {
    plane_case_free(&c->x);
    plane_case_free(&c->dy);
    free((void *)c->a.tap_offset);
    free(c->argmax);
    free(c->want);
}

/* What stood in `out` or `sums` before; beyond the outputs it has to stay. */
static float before_of(size_t i) {
    return (float)(i % 1000) * 0.25f - 100.0f;
}

static int64_t quantum(float p) {
    return (int64_t)rint((double)p * 0x1p30);
}

static size_t wrong_element(const gradient_case *c, size_t element, size_t output,
                            const int64_t *sums, const float *out, bool fresh) {
    const lks_gradient_args *a = &c->a;
    const size_t at = element * a->row + output, width = (size_t)a->blocks * 16;
    const size_t partials = (size_t)a->taps * a->channels * width;
    float y = before_of(at);
    int64_t q = (int64_t)at * 12345 - 1000000;
    for (int chunk = 0; output < width && chunk < c->n_chunks; chunk++) {
        const float p = c->want[chunk * partials + element * width + output];
        const bool first = fresh && chunk == 0;
        y = first ? p : y + p;
        if (sums)
            q = (first ? 0 : q) + quantum(p);
    }
    return sums ? sums[at] != q : lks_differing_bits(&out[at], &y, 1);
}

static bool all_within(const gradient_case *c) {
    const lks_gradient_args *a = &c->a;
    size_t n = (size_t)c->n_chunks * a->taps * a->channels * a->blocks * 16;
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)c->want[i]) < 0x1p21))
            return false;
    return true;
}

size_t gradient_case_wrong(const gradient_case *c, const lks_products *unit, bool sums,
                           bool fresh) {
    lks_gradient_args a = c->a;
    const size_t elements = (size_t)a.taps * a.channels, n = elements * a.row;
    bool finite[256];
    void *x = plane_case_narrow(&c->x, unit, finite), *dy = plane_case_narrow(&c->dy, unit, finite);
    a.x = x;
    a.dy = dy;
    a.fresh = fresh;
    a.out = lks_guarded_alloc(n);
    a.sums = sums ? get(n * sizeof *a.sums) : NULL;
    size_t bytes = unit->gradient_scratch(&a), wrong = 0;
    char *scratch = get(bytes + 64);
    memset(scratch, 0xff, bytes + 64); /* NaN, if it is read as it comes */
    a.scratch = scratch;
    for (size_t i = 0; i < n; i++) {
        a.out[i] = before_of(i);
        if (sums)
            a.sums[i] = (int64_t)i * 12345 - 1000000;
    }
    const bool good = unit->gradient(&a), expected = !sums || all_within(c);
    wrong += good != expected;
    for (size_t i = 0; good && i < elements; i++)
        for (size_t o = 0; o < a.row; o++)
            wrong += wrong_element(c, i, o, a.sums, a.out, fresh);
    for (int i = 0; i < 64; i++)
        wrong += scratch[bytes + i] != (char)0xff;
    wrong += !lks_guarded_free(a.out, n);
    free(a.sums);
    free(scratch);
    free(x);
    free(dy);
    return wrong;
}
