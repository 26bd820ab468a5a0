/* Sums of gradients: partials of chunks, in order, added as integers or, for comparison, as floats. */
#ifndef LKS_NN_SUMS_H
#define LKS_NN_SUMS_H

#include "nn/op.h"

/* Gives a weighted operation `count` sums: one array per thread, or one in all where it may be and
 * is wide. */
lks_status lks_op_sums(lks_op *op, size_t count, bool may_be_wide, lks_error *err);

/* Where partials of the worker's chunk are added up, int64 or float. */
static inline void *lks_op_sums_at(const lks_op *op, const lks_worker *w, int slot) {
    return w->apart.open ? (void *)w->apart.sums : op->sums[slot];
}

/* Weight gradients by the dense kernel: elements [span) of element_offset for all outputs, summed
 * chunk by chunk over `count` samples into rows of sums[slot], [element][a->channels]. `a` describes
 * the samples; all else is filled in here. */
void lks_op_wgrad(lks_op *op, lks_worker *w, int slot, lks_wgrad_args *a, int count,
                  const int32_t *element_offset, lks_span span);

/* Whether the next partial replaces what stands in the sums: the caller's, from the last message. */
bool lks_op_fresh(const lks_op *op, const lks_worker *w);

/* Makes the last `channels` sums of sums[slot] 0 where the next partial is to replace them. */
void lks_op_clear_bias(const lks_op *op, const lks_worker *w, int slot, size_t channels);

/* Bias gradients into the last `channels` sums of sums[slot], chunk by chunk over `count` samples
 * of `pixels` output pixels. */
void lks_op_bias(lks_op *op, lks_worker *w, int slot, const float *dy, int count, int pixels,
                 int channels);

/* Adds a chunk's partial p[n] to sums[slot] at `at`. */
void lks_op_add(lks_op *op, lks_worker *w, int slot, size_t at, const float *p, size_t n);

/* Adds up the slots' sums [at, at + n) into elements to, to + step, ... (logical, counted from the
 * operation's first weight) of whichever of the two flat arrays the mode uses. */
void lks_op_take(const lks_op *op, size_t at, size_t n, size_t to, size_t step, int64_t *exact,
                 float *plain);

/* Part `part` of `parts`: rows of sums, [rows][padded], into a logical matrix [rows][width]. */
void lks_op_take_rows(const lks_op *op, int rows, size_t width, size_t padded, int64_t *exact,
                      float *plain, int part, int parts);

/* The bias, which stands in the last `padded` sums and behind the weights. */
void lks_op_take_bias(const lks_op *op, size_t padded, int64_t *exact, float *plain);

#endif
