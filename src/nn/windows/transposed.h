/* Input gradients of any convolution by dense products: the transposed convolution. */
#ifndef LKS_NN_TRANSPOSED_H
#define LKS_NN_TRANSPOSED_H

#include "nn/windows/window.h"

/* Pixels of the input that are reached by the same taps, through outputs at the same distances. */
typedef struct lks_pixel_class {
    int n_pixels; /* of one image */
    int32_t
        *pixel_offset;   /* [images][n_pixels] output of the first tap, in the output's gradient */
    int32_t *out_offset; /* [images][n_pixels] the pixel in the input's gradient */
    int n_runs;          /* taps */
    int32_t *run_offset; /* [n_runs] from the first tap's output */
    int32_t *run_weight; /* [n_runs] */
} lks_pixel_class;

typedef struct lks_transposed {
    lks_op *op;
    int filters, taps, groups;
    int images; /* worked on together, so that small classes fill the registers, too */
    lks_pixel_class *classes;
    int n_classes;
    int64_t products; /* for one image, and one channel on either side */
    float *weights;   /* [in blocks][filters][taps][16]; 0 from group to group */
} lks_transposed;

/* For the convolution `op` with `window`, `pad` rows and columns of zeros before the image, and
 * op->in and op->out as they are, whose channels fall into `groups`. Memory is the operation's. */
lks_status lks_transposed_create(lks_transposed *t, lks_op *op, const lks_window *window,
                                 const int pad[2], int groups, lks_error *err);

/* Repacks a share of the weights. */
void lks_transposed_pack(lks_transposed *t, int part, int parts);

/* Writes op->dx of images [first, first + count) from the gradient of op->out. Each element is a
 * chain over (filter, kernel row, kernel column). */
void lks_transposed_run(const lks_transposed *t, const lks_worker *w, int first, int count);

#endif
