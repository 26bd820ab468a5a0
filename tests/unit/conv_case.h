/* A random convolution for the kernel tests: geometry, data, and the offsets that the kernels take,
 * computed from the coordinates one by one. */
#ifndef LKS_CONV_CASE_H
#define LKS_CONV_CASE_H

#include "kernels/kernels.h"

typedef struct conv_case {
    int kernel[2], stride[2];
    int channels, pixel_stride; /* of the input: logical, and floats from pixel to pixel */
    int rows, columns;          /* output pixels; even where windows are asked for */
    int in_rows, in_columns;
    int filters; /* output channels, whole blocks */
    int taps;    /* kernel rows * columns */
    int samples;
    size_t in_size;      /* floats of one input image */
    float *x;            /* [samples][in_size] */
    float *weights;      /* [taps][channels][filters] */
    float *bias;         /* [filters] */
    int32_t *pixels;     /* [rows * columns] input offsets, row-major */
    int32_t *windows;    /* the same in 2x2 windows, four pixels each; only where both are even */
    int32_t *tap_offset; /* [taps] */
    int32_t *element_offset; /* [taps * channels] */
} conv_case;

/* @p padded: channels in whole blocks, as behind a first layer; else 1 to 4 without padding. */
conv_case conv_case_new(const int kernel[2], bool padded, int rows, int columns, int samples);

/* The same with up to 5 x 6 pixels, or, where @p even, up to 4 x 8 in whole 2x2 windows. */
conv_case conv_case_draw(const int kernel[2], bool padded, bool even, int samples);
void conv_case_free(conv_case *c);

/* Output pixel (row-major) of place @p k in window @p w. */
int conv_case_window_pixel(const conv_case *c, int w, int k);

/* A sum as a chain of fused multiply-adds in float, and the same in double with the sum of the
 * terms' sizes. */
typedef struct chain {
    float value;
    double exact, size;
    int terms;
} chain;
chain chain_start(float value);
void chain_add(chain *s, float a, float b);

/* |value - exact| <= 4 sqrt(K) 2^-24 sum|terms|, K the number of terms, plus half a denormal step
 * for each of them. */
bool chain_within(const chain *s, float value);

#endif
