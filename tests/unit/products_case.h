/* Random products in bfloat16 as layers ask for them, and what products.h says of their results: plain loops, one
 * operation a line, that share no code with the units under test. */
#ifndef LKS_PRODUCTS_CASE_H
#define LKS_PRODUCTS_CASE_H

#include "kernels/kernels.h"

/* Of all tables that this machine runs, and models of tiles; each unit once. */
int products_units(const lks_products *units[16]);

/* The nearest bfloat16 as products.h defines it, by way of the number's significand in double. */
float products_round(float v);

/* Images as a layer has them, in planes with a pitch and something between images. */
typedef struct plane_case {
    int images, rows, columns, channels; /* channels: floats from pixel to pixel */
    size_t row, stride;                  /* elements from row to row, image to image */
    float *values;                       /* [images][rows][columns][channels], not rounded */
    float *rounded;                      /* [images][stride], zero where no pixel is */
} plane_case;
plane_case plane_case_new(int images, int rows, int columns, int channels);
/* Rounds what `values` holds once more. */
void plane_case_round(plane_case *p);
void plane_case_free(plane_case *p);
/* The plane made by a unit, LKS_PLANE_SLACK included; to be freed. finite[image]: what narrow() answered. */
void *plane_case_narrow(const plane_case *p, const lks_products *unit, bool *finite);

typedef struct product_case {
    plane_case x;
    int outputs;
    bool pooled;
    lks_product_args a;   /* but for x, weights, out and argmax, which belong to a unit */
    lks_pack_args pack;   /* but for out */
    float *w, *rounded_w; /* rounded_w: [n_runs][run_length][blocks * 16] */
    size_t n_out;
    float *want; /* [n_out]; NaN where nothing is written */
    uint8_t *want_argmax;
} product_case;

typedef struct product_choice {
    int kernel[2]; /* kernel[0] 0: a dense layer */
    bool padded;   /* channels in whole blocks; else 1 to 4 */
    bool pooled, border, huge;
    int images;
    int size[2]; /* rows and columns of pixels, even if pooled; 0: any small number */
} product_choice;
/* border: pixels at the edge are zero and `reach` says so; huge: sums overflow, so that NaN comes of finite operands. */
product_case product_case_new(const product_choice *choice);
void product_case_free(product_case *c);
/* Once more from the operands as they now are. */
void product_case_expect(product_case *c);
/* Packs in `parts` parts and multiplies; returns the elements of out and argmax that are wrong, or were written outside.
 * Images for which narrow() says false are left out. */
size_t product_case_wrong(const product_case *c, const lks_products *unit, int parts);

typedef struct gradient_case {
    plane_case x, dy;
    lks_gradient_args a; /* but for x, dy, scratch and what is added to */
    int n_chunks;
    uint8_t *argmax; /* where there are windows */
    float *want;     /* [n_chunks][taps * channels][blocks * 16] partials */
} gradient_case;

typedef struct gradient_choice {
    int kernel[2], stride[2];
    bool padded;
    double density; /* of dy */
    int samples, chunk;
    bool windows;    /* dy is that behind 2 x 2 pooling */
    int size[2];     /* rows and columns of dy; 0: any small number */
    int channels[2]; /* in and out; 0: any */
} gradient_choice;
gradient_case gradient_case_new(const gradient_choice *choice);
void gradient_case_free(gradient_case *c);
void gradient_case_expect(gradient_case *c);
/* Wrong elements of `sums` or `out`, with those outside that were written, and 1 for a wrong answer. */
size_t gradient_case_wrong(const gradient_case *c, const lks_products *unit, bool sums, bool fresh);

#endif
