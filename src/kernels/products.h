/** @file products.h  Products in bfloat16 (`train.precision: bf16`), with the same bits on every unit that computes
 * them: AMX tiles, or the fused multiply-adds of any processor.
 *
 *  **Operands** are rounded as they enter a product: r(v) is the nearest bfloat16, ties to even; +0 where |v| < 2^-50;
 *  infinity stays, NaN stays a (quiet) NaN. So every product of two operands is 0 or at least 2^-100 in magnitude and a
 *  multiple of 2^-114: no subnormal number can occur, which AMX would flush.
 *
 *  **The recurrence** is that of TDPBF16PS (Intel SDM, vol. 2): the sum over k goes in blocks of 32. In a block, chain
 *  e takes k = 0, 2, 4, ..., chain o k = 1, 3, 5, ...; each begins with +0 and takes one fused multiply-add a k, all
 *  rounded to nearest even; then c = c + (e + o), c = +0 before the first block. Products with a zero operand change no
 *  bit (c, e and o are never -0), so a unit may leave them out, and whole blocks of them.
 *
 *  **Blocks** of convolutions and dense layers: k runs over the kernel's rows; a row is a run of consecutive elements
 *  (kernel columns x channels, channels padded to blocks of 16 but for the network's input). Each run is cut into
 *  blocks of 32 of its own, the last one with zero weights behind its end. Only where all taps of all runs together
 *  are at most 32 elements they are one block, in the order of the runs (forward only: data gradients never).
 *  A dense layer is one run of all its input, padding of channels included, and its data gradient one run of its units.
 *  The data gradient of a convolution is for each phase (row + padding) mod stride, and so for columns, a convolution
 *  of dy with the taps of that phase in reverse order. A bias's gradient adds up dy, rounded, pixel by pixel.
 *
 *  **An image with an infinite or NaN operand** is answered by lks_products.narrow() with false. What a product makes
 *  of it then depends on the unit (a block may reach over the end of a run), so the caller replaces the image's results
 *  by NaN, and refuses the partial sums of its chunk.
 *
 *  A unit stores operands in its own way: `element` bytes each, 2 (bfloat16) or 4 (a float that holds the value of one).
 *  Offsets and strides of operands count elements, so that a caller need not know. Planes begin at multiples of 64
 *  bytes and end with LKS_PLANE_SLACK elements that may be read and must be finite. */
#ifndef LKS_KERNELS_PRODUCTS_H
#define LKS_KERNELS_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LKS_PLANE_SLACK 64

/** Rounds one image into a plane. out[r * out_row + c * channels + i] = r(x[(r * columns + c) * channels + i]), where
 * `relu` is given only if relu is > 0 in the same place, else +0. With argmax, x is the output gradient behind 2x2
 * max-pooling and the image has twice its rows and columns: the value goes to its place of the window, +0 to the other
 * three. */
typedef struct lks_narrow_args {
    const float *x;        /**< [rows][columns][channels] */
    const float *relu;     /**< same shape: what ReLU gave, or NULL */
    const uint8_t *argmax; /**< same shape: place 0..3, or NULL */
    int rows, columns;     /**< of x */
    int channels;          /**< floats from pixel to pixel: any number */
    size_t out_row;        /**< elements from row to row of the plane */
    void *out;
    float *
        sums; /**< [channels] += each rounded value, pixel by pixel in the order of x, one addition each; or NULL.
                      The bias's gradient */
} lks_narrow_args;

/** Weights of one layer as a unit wants them. The weight of run r, place t * channels + i within it (t < run_taps, i <
 * channels), output o is r(w[tap[r * run_taps + t] * tap_step + i * channel_step + o * output_step]) where i <
 * logical_channels and o < outputs, else 0. So the same call packs for forward, for the flipped kernel of the data
 * gradient, and for a dense layer. */
typedef struct lks_pack_args {
    const float *w;
    int n_runs, run_taps;
    const int32_t *tap; /**< [n_runs][run_taps] */
    int channels,
        logical_channels; /**< of the operand x: floats from pixel to pixel, and how many of them count */
    int outputs;          /**< logical */
    size_t tap_step, channel_step, output_step;
    bool one_block;
    void *out; /**< packed_bytes(), multiple of 64 bytes */
} lks_pack_args;

/** For a pixel the runs and, within each, the blocks that can be other than zero: [first, end). A hint: a unit may
 * compute the others, too. */
typedef struct lks_reach {
    int16_t first_run, end_run, first_block, end_block;
} lks_reach;

/** out[s][i][o] = post(c + bias[o]) for images s, pixels i, outputs o, where c is the recurrence over x[s *
 * x_stride + pixel_offset[i] + run_offset[r] + j] * w[r][j][o]. */
typedef struct lks_product_args {
    const void *x;
    size_t x_stride; /**< elements from image to image */
    int images;
    int n_pixels;
    const int32_t
        *pixel_offset; /**< [n_pixels] elements; pixels two and two neighbours where it can be */
    const lks_reach *reach;    /**< [n_pixels], or NULL for everything */
    int n_runs, run_length;    /**< run_length: run_taps * channels */
    const int32_t *run_offset; /**< [n_runs] elements */
    bool one_block;
    int blocks; /**< outputs, padded, / 16 */
    const void *
        weights; /**< packed by the same unit with the same n_runs, run_length, outputs and one_block */
    const float *bias; /**< [blocks * 16], or NULL: nothing is added */
    bool relu;
    float *
        out; /**< [images] of out_stride floats, in each [n_pixels][blocks * 16]; with argmax [n_pixels / 4] */
    size_t out_stride; /**< floats from image to image */
    const int32_t *
        out_offset; /**< [n_pixels] places in an image of out, where they are not consecutive; else NULL,
                                    as with argmax */
    uint8_t *
        argmax; /**< not NULL: pixels come as whole 2x2 windows, as for lks_forward_args; [images] of out_stride */
} lks_product_args;

/** Weight gradients. For each chunk of images, each tap t, channel i < channels and output o the partial is the
 * recurrence over blocks of 32: k = pixel * n + image, n = `group` images and 32 / n neighbouring pixels of a row; the
 * groups of a chunk's images outermost, then rows, then the groups of pixels; missing images and pixels are zero.
 * Product k is x[s * x_stride + row * x_row + column * x_column + tap_offset[t] + i] * dy[s * dy_stride + row * dy_row +
 * column * dy_column + o]. */
typedef struct lks_gradient_args {
    const void *x;
    size_t x_stride;
    int x_row,
        x_column; /**< elements from output row to row and column to column: strides included */
    const void *dy;
    size_t dy_stride;
    int dy_row, dy_column;
    const uint8_t *
        argmax; /**< NULL, or dy is that behind 2x2 max-pooling: dy_row and dy_column count windows, and a
                                product has dy only where its pixel is this place, 0..3, of its window, else 0. It
                                lies as dy does, but for argmax_stride. rows and columns are even then. */
    size_t argmax_stride;
    int samples, chunk; /**< chunk by chunk; the last one may be shorter */
    int group;          /**< lks_gradient_group(chunk) */
    int rows, columns;  /**< pixels of the output */
    int taps;
    const int32_t *tap_offset; /**< [taps] elements */
    int channels; /**< to be computed at each tap: any number; x has `channels` padded to 16 there, or
                                    as many as there are where the network's input is read */
    int blocks;   /**< of outputs, 16 each */
    size_t row;   /**< elements from row to row of sums and out, at least blocks * 16 */
    int64_t *sums; /**< [taps * channels][row] += rint(partial * 2^30); or NULL: */
    float *out;    /**< [taps * channels][row] += partial */
    bool fresh;    /**< the first chunk's partial replaces what stands there, whatever it is */
    void *
        scratch; /**< gradient_scratch() bytes, a multiple of 64, of these arguments or of such with more samples,
                        taps, channels or blocks */
} lks_gradient_args;

/** Images in one block of 32 of a weight gradient: 16, or the least power of two that holds a smaller chunk. */
static inline int lks_gradient_group(int chunk) {
    int n = 1;
    while (n < chunk && n < 16)
        n *= 2;
    return n;
}

typedef struct lks_products {
    const char *unit; /**< "amx" or "fma" */
    size_t element;   /**< bytes */

    /** False if an operand is infinite or NaN (with relu: one that counts). */
    bool (*narrow)(const lks_narrow_args *a);
    size_t (*packed_bytes)(int n_runs, int run_length, int blocks, bool one_block);
    /** Part `part` of `parts` of the packed weights, cut by blocks of outputs. */
    void (*pack)(const lks_pack_args *a, int part, int parts);
    void (*product)(const lks_product_args *a);
    size_t (*gradient_scratch)(const lks_gradient_args *a);
    /** False if a partial for `sums` is NaN, infinite or not below 2^21 in magnitude; sums are then garbage. */
    bool (*gradient)(const lks_gradient_args *a);
    /** The most that this unit can do a second, as lks_kernels.peak(). */
    double (*peak)(float *out, size_t rounds);
} lks_products;

#endif
