#include "conv_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/random_data.h"

static void *get(size_t count, size_t size) {
    void *p = calloc(count + 1, size);
    if (!p) {
        perror("calloc");
        exit(1);
    }
    return p;
}

int conv_case_window_pixel(const conv_case *c, int w, int k) {
    int row = w / (c->columns / 2) * 2 + k / 2, column = w % (c->columns / 2) * 2 + k % 2;
    return row * c->columns + column;
}

static void fill_offsets(conv_case *c) {
    for (int y = 0; y < c->rows; y++)
        for (int x = 0; x < c->columns; x++)
            c->pixels[y * c->columns + x] =
                (y * c->stride[0] * c->in_columns + x * c->stride[1]) * c->pixel_stride;
    if (c->rows % 2 == 0 && c->columns % 2 == 0)
        for (int i = 0; i < c->rows * c->columns; i++)
            c->windows[i] = c->pixels[conv_case_window_pixel(c, i / 4, i % 4)];
    for (int t = 0; t < c->taps; t++) {
        int row = t / c->kernel[1], column = t % c->kernel[1];
        c->tap_offset[t] = (row * c->in_columns + column) * c->pixel_stride;
        for (int e = 0; e < c->channels; e++)
            c->element_offset[t * c->channels + e] = c->tap_offset[t] + e;
    }
}

conv_case conv_case_new(const int kernel[2], bool padded, int rows, int columns, int samples) {
    conv_case c = {
        .kernel = {kernel[0], kernel[1]}, .rows = rows, .columns = columns, .samples = samples};
    for (int d = 0; d < 2; d++)
        c.stride[d] = lks_random_int(0, 1) ? 1 : lks_random_int(2, 3);
    c.taps = kernel[0] * kernel[1];
    c.channels = !padded ? lks_random_int(1, 4) : lks_random_int(5, c.taps > 9 ? 33 : 80);
    c.pixel_stride = padded ? lks_padded(c.channels) : c.channels;
    c.in_rows = (c.rows - 1) * c.stride[0] + kernel[0] + lks_random_int(0, 1);
    c.in_columns = (c.columns - 1) * c.stride[1] + kernel[1] + lks_random_int(0, 1);
    c.in_size = (size_t)c.in_rows * c.in_columns * c.pixel_stride;
    c.filters = LKS_BLOCK * lks_random_int(1, 5);

    size_t n_x = c.in_size * (size_t)samples, n_w = (size_t)c.taps * c.channels * c.filters;
    size_t pixels = (size_t)c.rows * c.columns;
    c.x = get(n_x, sizeof *c.x);
    c.weights = get(n_w, sizeof *c.weights);
    c.bias = get((size_t)c.filters, sizeof *c.bias);
    c.pixels = get(pixels, sizeof *c.pixels);
    c.windows = get(pixels, sizeof *c.windows);
    c.tap_offset = get((size_t)c.taps, sizeof *c.tap_offset);
    c.element_offset = get((size_t)c.taps * c.channels, sizeof *c.element_offset);
    lks_fill_awkward(c.x, n_x);
    lks_fill_awkward(c.weights, n_w);
    lks_fill_awkward(c.bias, (size_t)c.filters);
    fill_offsets(&c);
    return c;
}

conv_case conv_case_draw(const int kernel[2], bool padded, bool even, int samples) {
    int rows = even ? 2 * lks_random_int(1, 2) : lks_random_int(1, 5);
    int columns = even ? 2 * lks_random_int(1, 4) : lks_random_int(1, 6);
    return conv_case_new(kernel, padded, rows, columns, samples);
}

void conv_case_free(conv_case *c) {
    free(c->x);
    free(c->weights);
    free(c->bias);
    free(c->pixels);
    free(c->windows);
    free(c->tap_offset);
    free(c->element_offset);
}

chain chain_start(float value) {
    return (chain){.value = value, .exact = value, .size = fabsf(value), .terms = value != 0};
}

void chain_add(chain *s, float a, float b) {
    double term = (double)a * (double)b; /* exact */
    s->value = fmaf(a, b, s->value);
    s->exact += term;
    s->size += fabs(term);
    s->terms++;
}

bool chain_within(const chain *s, float value) {
    double bound = 4 * sqrt(s->terms) * 0x1p-24 * s->size + s->terms * 0x1p-150;
    return fabs((double)value - s->exact) <= bound;
}
