/** @file kernels.h  The arithmetic, one table of functions per instruction set. All tables give the
 * same bits.
 *
 *  Terms: an image is [row][column][channel] with `stride` floats from one pixel to the next;
 * channels are padded with zeros to blocks of 16 (except the network's input of 1..4 channels).
 * "Pixels" are output positions in row-major order, given as offsets into the input image (in
 * floats), so that stride and padding are the caller's business; a dense layer is the case where a
 * "pixel" is a sample. Nothing here allocates, fails or synchronises. */
#ifndef LKS_KERNELS_KERNELS_H
#define LKS_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/philox.h"
#include "kernels/products.h"
#include "lockstep/status.h"

#define LKS_BLOCK 16 /**< channels in one block */

/** Channels padded to whole blocks. */
static inline int lks_padded(int channels) {
    return (channels + LKS_BLOCK - 1) / LKS_BLOCK * LKS_BLOCK;
}

/** out[i][o] = post(bias[o] + sum_k x[pixel_offset[i] + tap(k)] * w[o][k]), k ascending, one fma
 * each, starting from the bias. The taps are n_runs runs of run_length consecutive floats, at
 * run_offset[r]. */
typedef struct lks_forward_args {
    const float *x;
    int n_pixels;
    const int32_t *pixel_offset; /**< [n_pixels] */
    int n_runs, run_length;
    const int32_t *run_offset; /**< [n_runs] */
    const int32_t
        *run_weight;      /**< not NULL: k runs across the runs: the first float of every run, then
                                  the second, ...; float k of run r has its weights at [block][k *
                                  weight_step + run_weight[r]][16] */
    size_t weight_step;   /**< floats */
    int blocks;           /**< output channels / 16 */
    const float *weights; /**< [blocks][n_runs * run_length][16], in the order of k */
    const float *bias;    /**< [blocks * 16], or NULL for 0 */
    bool relu;
    float *out; /**< [n_pixels][blocks * 16]; with pool: [n_pixels / 4][blocks * 16] */
    const int32_t *out_offset; /**< [n_pixels] places in out, where they are not consecutive; else
                                  NULL, as with pool */
    uint8_t *argmax; /**< not NULL: pixels come as whole 2x2 windows, 4 consecutive ones each in
                        row-major order; out is the maximum of each window and argmax (same shape as
                        out) the place 0..3 of the first maximum */
} lks_forward_args;

/** Winograd's F(2x2, 3x3) (Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR
 * 2016): a tile of 4 x 4 inputs gives 2 x 2 outputs of a 3 x 3 convolution with 16 products a pair
 * of channels instead of 36. Position p of a tile is row p / 4, column p % 4.
 *
 * Input: out[p][t] = (B^T d B)[p], columns first, d the tile's pixels; out rows are `channels` long.
 */
typedef struct lks_winograd_input_args {
    const float *x;
    int tiles;
    const int32_t *offset; /**< [tiles][16] of each pixel in x; -1: zero */
    int channels;          /**< padded */
    float *out;            /**< [16][tiles][channels] */
    size_t out_stride;     /**< floats from position to position */
} lks_winograd_input_args;

/** Products: t = A^T m, column by column, (m0 + m1) + m2 and (m1 - m2) - m3, where m[p][t][o] = sum_k v[p][t][k] *
 * u[p][o][k], k ascending, one fma each, starting from 0. */
typedef struct lks_winograd_multiply_args {
    const float *v; /**< [16][tiles][channels] */
    size_t v_stride;
    int tiles, channels; /**< padded */
    int inputs;          /**< k < inputs <= channels */
    const float *u;      /**< [16][blocks][inputs][16] */
    size_t u_stride;
    int blocks;
    float *t; /**< [2][4][tiles][blocks * 16]: rows and columns */
    size_t t_stride;
} lks_winograd_multiply_args;

/** Output: t A, plus the bias, then ReLU, or the first maximum of the four. */
typedef struct lks_winograd_output_args {
    const float *t; /**< [2][4][tiles][channels] */
    size_t t_stride;
    int tiles, channels; /**< padded */
    const float *bias;   /**< [channels], or NULL for 0 */
    bool relu;
    const int32_t *offset; /**< [tiles][4] in out, row-major; -1: not wanted. With argmax only the
                              first of each four counts */
    float *out;
    uint8_t *argmax; /**< as in lks_forward_args, or NULL */
} lks_winograd_output_args;

/** Output gradients for the gradient of the weights: out[p][t] = (A dy A^T)[p], columns first, dy the
 * 2 x 2 pixels of tile t. Summed over tiles, products with the transformed inputs are the gradient of
 * G g G^T. */
typedef struct lks_winograd_gradient_args {
    const float *dy;
    int tiles;
    const int32_t *offset; /**< [tiles][4] of each pixel in dy; -1: zero */
    int channels;          /**< padded */
    float *out;            /**< [16][tiles][channels] */
    size_t out_stride;
} lks_winograd_gradient_args;

/** One non-zero output gradient: its pixel's offset into the input image, and its value. */
typedef struct lks_entry {
    int32_t offset;
    float g;
} lks_entry;

/** A pixel behind 2x2 max-pooling, in row-major order of pixels. */
typedef struct lks_listed_pixel {
    int32_t offset; /**< of the pixel into the input image */
    int32_t window; /**< the one it lies in */
} lks_listed_pixel;

/** Lists non-zeros of dy behind 2x2 max-pooling, per output channel in row-major order of pixels. */
typedef struct lks_list_args {
    const float *dy;       /**< [windows][channels] */
    const uint8_t *argmax; /**< same shape: place 0..3 of the maximum in its window */
    int window_rows, window_columns;
    int channels;                  /**< padded */
    const lks_listed_pixel *pixel; /**< [windows * 4] */
    int capacity;                  /**< entries per channel: at least the number of windows */
    lks_entry *entries;            /**< [channels][capacity] */
    int32_t *count;                /**< [channels] */
    uint32_t *scratch;             /**< [LKS_LIST_WORDS(windows)] */
} lks_list_args;

/** Words that hold a bit for each pixel of one block of channels, two and two words together. */
#define LKS_LIST_WORDS(windows) (((size_t)(windows)*4 + 63) / 64 * 2 * LKS_BLOCK)

/** The lists of one image, and the kernel through which their pixels look at the input. */
typedef struct lks_lists {
    const lks_entry *entries; /**< [filters][capacity] */
    const int32_t *count;     /**< [filters] */
    int capacity, filters;
    int rows, columns; /**< taps of the kernel; tap t = row * columns + column */
    int row_step;      /**< floats from row to row of the input image */
    int channels;      /**< padded: floats from pixel to pixel */
} lks_lists;

/** Weight gradients with outputs in lanes. The partial of a chunk is, for each tap and output, the
 * sum over its samples and pixels, in order, of x[s][pixel + tap] * g[s][pixel][o], where g is dy,
 * expanded by argmax where given. */
typedef struct lks_wgrad_args {
    const float *x;
    size_t x_stride; /**< floats from sample to sample */
    const float *dy;
    const uint8_t *argmax;
    size_t dy_stride;            /**< elements from sample to sample in dy and argmax */
    int samples, chunk;          /**< chunk by chunk; the last one may be shorter */
    int rows, columns;           /**< pixels; with argmax both even */
    const int32_t *pixel_offset; /**< [rows * columns] row-major; with argmax in windows of 4 as for
                                    lks_forward_args */
    int channels;                /**< padded outputs: floats from pixel to pixel in dy */
    int taps;
    const int32_t *tap_offset; /**< [taps] */
    size_t row;                /**< elements from tap to tap in sums and out: at least channels */
    int64_t *sums;             /**< [taps][row] += rint(partial * 2^30); or NULL: */
    float *out;                /**< [taps][row] += partial */
    bool fresh;   /**< the first chunk's partial replaces what stands there, whatever it is */
    bool goes_on; /**< a partial's chain begins with what stands in `out`, and replaces it */
} lks_wgrad_args;

/** Windows side by side in an image, all of one size. Their outputs, and places, stand one after the other; a cell of
 * a window is counted row by row from its first one. */
typedef struct lks_pool_args {
    int rows, columns; /**< of a window */
    int channels;      /**< floats from pixel to pixel: any number */
    size_t row;        /**< floats from row to row of the image */
    int windows;
    size_t step; /**< floats from window to window of the image */
    bool wide;   /**< places are int32_t, else uint8_t: of at most 256 cells */
} lks_pool_args;

/** Batch normalisation and the ReLU behind it: y = (x - centre[c]) * scale[c] + shift[c], each
 * operation rounded, then y <= 0 ? +0 : y, NaN stays. What ReLU lets through backward is found anew
 * from x: that costs less than to read y. */
typedef struct lks_norm_args {
    const float *x; /**< [pixels][channels] */
    size_t pixels;
    int channels;                        /**< padded */
    const float *centre, *scale, *shift; /**< [channels] */
    bool relu;
} lks_norm_args;

/** Products of two matrices whose rows all lie `stride` floats apart: out[i][j] = the sum over k < n of a(i, k) *
 * b[k][j], a chain of fused multiply-adds from +0, k ascending. out may be neither a nor b. */
typedef struct lks_multiply_args {
    const float *a; /**< a(i, k) is a[i * stride + k]; `across`, a[k * stride + i] */
    const float *b;
    float *out;
    size_t stride;
    int n;
    int rows, columns; /**< of out: multiples of 16 */
    bool across;
} lks_multiply_args;

/** Updates, and what each keeps per weight; all of it starts at 0. w is the weight, g the gradient
 * plus weight_decay * w, every operation rounded. */
typedef enum lks_update_rule {
    /** velocity v: v = momentum * v + g; w -= lr * v, with nesterov lr * (g + momentum * v) */
    LKS_UPDATE_SGD,
    /** mean m, mean square v: m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; w
     * -= lr * (m / (sqrt(v) * scale + epsilon)) */
    LKS_UPDATE_ADAM,
    /** as Adam, but weight_decay * w leaves w first and is not in g */
    LKS_UPDATE_ADAMW,
    /** mean square v as in Adam; velocity u, or NULL where momentum is 0; mean m, or NULL where not
     * centered: m = beta2 * m + (1 - beta2) * g; d = g / (sqrt(v - m^2) + epsilon); u = momentum * u
     * + d; w -= lr * u (lr * d without momentum) */
    LKS_UPDATE_RMSPROP,
    /** mean square v as in Adam, mean square u of updates: d = sqrt(u + epsilon) / sqrt(v +
     * epsilon) * g; u = beta2 * u + (1 - beta2) * d^2; w -= lr * d */
    LKS_UPDATE_ADADELTA,
    LKS_UPDATE_RULES
} lks_update_rule;
#define LKS_UPDATE_STATES 3

/** Scalars of one update, rounded once from double; those that a rule does not use are 0. */
typedef struct lks_update {
    float lr;
    float weight_decay;
    float momentum;
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float scale;
    float epsilon;
    bool nesterov;
} lks_update;

/** One update of n weights; the states, in the rule's order, in place: those below 2^-100 in
 * magnitude become +0. Returns false if a new weight is not finite. */
typedef bool (*lks_update_kernel)(float *w, float *const state[LKS_UPDATE_STATES], const float *g,
                                  size_t n, const lks_update *s);

/** Activation functions. Errors against double, over a scan of all floats: tanh below 1.5 ulp,
 * sigmoid 2.5, GELU 6.5, its tanh form 3 + 3 |z| with z = min(0, argument of its sigmoid), SiLU 3.5; all are
 * below 2^-23 max(1, |x|). What is below exp(-87) is 0. */
typedef enum lks_activation_kind {
    LKS_ACT_RELU,  /**< x <= 0 ? +0 : x; NaN stays */
    LKS_ACT_LEAKY, /**< x > 0 ? x : slope * x */
    LKS_ACT_TANH,
    LKS_ACT_SIGMOID,   /**< 1 / (1 + exp(-x)) */
    LKS_ACT_GELU,      /**< x Phi(x), Phi the normal distribution (Hendrycks & Gimpel 2016) */
    LKS_ACT_GELU_TANH, /**< their approximation 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    LKS_ACT_SILU       /**< x sigmoid(x) (Elfwing, Uchibe & Doya 2018) */
} lks_activation_kind;

/** Pooling. */
typedef struct lks_pool_kernels {
    /** y = the first maximum of each window in row-major order, NaN before all, and its place. */
    void (*max)(float *y, void *places, const float *x, const lks_pool_args *a);
    /** dx += dy where places say so, window by window. dx is the image from a row of the windows on whose first cell
     * is their cell `first`, and a->rows counts from there. */
    void (*max_backward)(float *dx, const float *dy, const void *places, int first,
                         const lks_pool_args *a);
    /** y = (0 + the window's cells in row-major order) / cells. */
    void (*mean)(float *y, const float *x, float cells, const lks_pool_args *a);
    /** dx += dy / cells, window by window. */
    void (*mean_backward)(float *dx, const float *dy, float cells, const lks_pool_args *a);
} lks_pool_kernels;

/** Batch normalisation. */
typedef struct lks_norm_kernels {
    /** sum[c] += x, square[c] += x * x, pixel by pixel, in double; x is [pixels][channels],
     * channels padded. */
    void (*moments)(double *sum, double *square, const float *x, size_t pixels, int channels);
    /** sum[c] += g, product[c] += g * ((x - mean[c]) * factor[c]), pixel by pixel, in double, where
     * g is dy, with ReLU y > 0 ? dy : +0, so +0 where y is NaN. dy is shaped as x. */
    void (*gradient_moments)(double *sum, double *product, const float *dy, const double *mean,
                             const double *factor, const lks_norm_args *a);
    /** y of x; shaped as x. */
    void (*normalise)(float *y, const lks_norm_args *a);
    /** dx = g * scale[c] + ((x - centre[c]) * slope[c] + constant[c]), each operation rounded, g as
     * in gradient_moments(); dx may be dy. */
    void (*normalise_backward)(float *dx, const float *dy, const float *slope,
                               const float *constant, const lks_norm_args *a);
} lks_norm_kernels;

/** An image looked at from elsewhere. Coordinates are 1/65536 pixel, (0, 0) the middle of the first one; all
 * of them, sums on the way included, stay below 2^31 in magnitude. */
typedef struct lks_resample_args {
    int rows, columns, channels;
    uint8_t *to;                     /**< [rows][columns][channels] */
    const uint8_t *from;             /**< the same, elsewhere */
    uint8_t fill;                    /**< what lies outside of the image */
    int32_t origin[2];               /**< down, right: where pixel (0, 0) of `to` looks */
    int32_t by_row[2], by_column[2]; /**< what a row and a column add to that */
    const int32_t *down, *right;     /**< [rows][columns], added as well; both NULL: nothing */
    uint32_t *room;                  /**< [rows + 2][columns + 2] */
} lks_resample_args;

/** A field of numbers made smooth. */
typedef struct lks_smooth_args {
    int rows, columns; /**< of the result */
    int radius;
    const int32_t *weights; /**< [2 radius + 1], at least 0; their sum is at most 2^15 + radius */
    const int32_t *field;   /**< [rows + 2 radius][columns + 2 radius], -2^15 <= x < 2^15 */
    int32_t *room;          /**< [rows + 2 radius][columns] */
    int32_t *out;           /**< [rows][columns] */
} lks_smooth_args;

/** Images, for augmentation: in integers, so that nothing is left to rounding modes. */
typedef struct lks_image_kernels {
    /** Bilinear: coordinates are rounded to 1/256 pixel, half up, and the value of the four pixels around to a whole
     * number, half up. */
    void (*resample)(const lks_resample_args *a);
    /** out = the weights applied along rows, then along columns, each sum divided by 2^15 and rounded, half up. */
    void (*smooth)(const lks_smooth_args *a);
} lks_image_kernels;

/** Dropout. */
typedef struct lks_dropout_kernels {
    /** keep[i] = words[i] >= threshold; y[i] = keep ? x[i] * scale : +0. */
    void (*forward)(float *y, uint8_t *keep, const float *x, const uint32_t *words, size_t n,
                    uint32_t threshold, float scale);
    /** dx[i] = keep[i] ? dy[i] * scale : +0. */
    void (*backward)(float *dx, const float *dy, const uint8_t *keep, size_t n, float scale);
} lks_dropout_kernels;

typedef struct lks_kernels {
    const char *isa; /**< "portable", "avx2", "avx512", "amx", "neon" */

    void (*forward)(const lks_forward_args *a);

    void (*winograd_input)(const lks_winograd_input_args *a);
    void (*winograd_multiply)(const lks_winograd_multiply_args *a);
    void (*winograd_output)(const lks_winograd_output_args *a);
    /** u[p][l] = (G w[..][l] G^T)[p] for a block of 16 filters or channels l; rows of w are taps,
     * row-major. u_stride: floats from position to position. */
    void (*winograd_weights)(float *u, size_t u_stride, const float w[9][LKS_BLOCK]);
    void (*winograd_gradient)(const lks_winograd_gradient_args *a);
    /** dw[t * n + i] = (G^T du[..][i] G)[t] for the nine taps t, i < n, n a multiple of 16; u_stride:
     * floats from position to position. */
    void (*winograd_weight_gradients)(float *dw, const float *du, size_t u_stride, size_t n);

    void (*list)(const lks_list_args *a);
    /** dx[entry + tap t + c] += g * w[filter][t][c], w [filters][taps][channels], for the filters one after the
     * other and the entries of each last to first: so the order of each element is (filter, kernel row, kernel
     * column). */
    void (*scatter)(float *dx, const float *w, const lks_lists *l);
    /** dw[filter][t][c] += x[entry + tap t + c] * g over the entries first to last; dw as w above. */
    void (*gather)(float *dw, const float *x, const lks_lists *l);

    /** False if a partial for `sums` is NaN, infinite or not below 2^21 in magnitude; sums are then
     * garbage. */
    bool (*wgrad)(const lks_wgrad_args *a);
    /** db[c] += the sum over i, ascending, of dy[i][c]. */
    void (*bias)(float *db, const float *dy, size_t n, int channels);

    /** sum[i] += rint(p[i] * 2^30); false if any p[i] is NaN, infinite or |p[i]| >= 2^21 (sum is
     * then garbage). */
    bool (*accumulate)(int64_t *sum, const float *p, size_t n);
    /** out[i] = (float)((double)sum[i] * 2^-30 / count). */
    void (*dequantise)(float *out, const int64_t *sum, size_t n, int64_t count);

    /** Words of elements [4 * first_block, 4 * (first_block + blocks)) of the stream. */
    void (*philox)(uint32_t *out, const lks_stream *stream, uint64_t first_block, size_t blocks);
    lks_dropout_kernels dropout;
    /** y[i] = f(x[i]); y and x may not overlap. */
    void (*activate)(lks_activation_kind kind, float *y, const float *x, size_t n, float slope);
    /** dx[i] = dy[i] * f'(x[i]), where y is what activate() made of x; nothing may overlap. f' is
     * 1 - y * y for tanh, y * (1 - y) for sigmoid, slope at 0 for leaky ReLU; from x for GELU and SiLU. */
    void (*activate_backward)(lks_activation_kind kind, float *dx, const float *dy, const float *x,
                              const float *y, size_t n, float slope);
    /** dx[i] = y[i] > 0 ? dy[i] : +0; dx may be dy. */
    void (*relu_backward)(float *dx, const float *dy, const float *y, size_t n);

    /** y[i] = a[i] + b[i], with `relu` ReLU of it; y may be a or b. */
    void (*add)(float *y, const float *a, const float *b, size_t n, bool relu);

    lks_pool_kernels pool;
    lks_norm_kernels norm;
    lks_image_kernels image;

    void (*multiply)(const lks_multiply_args *a);

    lks_update_kernel update[LKS_UPDATE_RULES];

    /** The sum over i < n, modulo 2^64, of words[i] * LKS_HASH_MULTIPLIER(first + i), words of 32 bits as
     * unsigned numbers: see lks_hash_bytes(). Hashes of parts, each with its own first, add up to that of the
     * whole. */
    uint64_t (*hash)(const void *words, size_t n, uint32_t first);

    /** Independent chains x = x * out[0] + out[1] in registers, @p rounds of each; a sum goes to
     * out[2..17], so that nothing is left out. Returns the floating-point operations done: the most
     * that this table can do a second, for comparison. */
    double (*peak)(float *out, size_t rounds);

    /** Products in bfloat16: the unit for layers of any shape, and that for those with so few products for an output
     * that larger units gain nothing: always "fma". */
    const lks_products *products, *few;
} lks_kernels;

/** The best table this machine runs, or the one that @p force names (as `isa`; NULL or "" for the
 * best). LKS_ERR_CONFIG where it is unknown or the machine cannot run it: the message lists what can be run. Where the
 * processor has AMX, asks the system for its tiles, for all threads of the process. */
lks_status lks_kernels_select(const char *force, const lks_kernels **kernels, lks_error *err);

/** The most tables that one machine can run. */
#define LKS_MAX_TABLES 5

/** The tables that this machine can run, portable first, the best last; returns their number. For tests. */
int lks_kernels_usable(const lks_kernels *tables[LKS_MAX_TABLES]);

#endif
