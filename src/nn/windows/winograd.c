/* Tiles of all images in groups: transform, sixteen matrix products that transform columns back as they come, transform
 * rows back. A tile is computed by itself, so groups and images cannot show in the result. */
#include "nn/windows/winograd.h"

#include <string.h>

#define POSITIONS 16
#define HALVES    8  /* of them left when columns are transformed back */
#define LEAST     16 /* channels on either side for which the transforms pay */
#define GROUP     12 /* tiles at a time: what the products like best, in the first-level cache */
#define BLOCKS    2  /* of outputs at a time, for the same reasons */
#define SKEW      LKS_BLOCK /* keeps the positions out of each other's cache sets */
#define HALF      ((size_t)GROUP * BLOCKS * LKS_BLOCK + SKEW) /* floats from half to half */

bool lks_winograd_suits(const lks_window *window, int channels, int filters) {
    return window->size[0] == 3 && window->size[1] == 3 && window->stride[0] == 1 &&
           window->stride[1] == 1 && channels >= LEAST && filters >= LEAST;
}

/* Floats from position to position of `group` tiles. */
static size_t in_position(const lks_winograd *w, int group) {
    return (size_t)group * w->channels + SKEW;
}

static size_t out_position(const lks_winograd *w, int group) {
    return (size_t)group * w->blocks * LKS_BLOCK + SKEW;
}

/* -1 beyond the image */
static int32_t place(lks_shape s, int stride, int row, int column) {
    bool inside = row >= 0 && row < s.rows && column >= 0 && column < s.columns;
    return inside ? (row * s.columns + column) * stride : -1;
}

static void fill_offsets(lks_winograd *w, const lks_winograd_shape *s, int tile_columns) {
    for (int t = 0; t < w->tiles; t++) {
        int row = t / tile_columns, column = t % tile_columns;
        for (int p = 0; p < POSITIONS; p++)
            w->in_offset[t * POSITIONS + p] = place(
                s->in, s->in_stride, 2 * row - s->pad[0] + p / 4, 2 * column - s->pad[1] + p % 4);
        for (int k = 0; k < 4; k++)
            w->out_offset[4 * t + k] =
                s->pool ? place(s->out, s->out_stride, row, column)
                        : place(s->out, s->out_stride, 2 * row + k / 2, 2 * column + k % 2);
    }
    for (int i = 0; i < w->gradient_group; i++)
        w->group_offset[i] = i * w->channels;
    for (int i = 0; i < w->inputs; i++)
        w->input_offset[i] = i;
}

/* Tiles whose products are added up in one go for the weights' gradient. For each group its tiles and
 * all the sums are fetched and put away once: so that it is the sums no more often than the tiles,
 * which counts where they do not stay in the cache. No more than a chunk has. */
static int gradient_group(const lks_winograd *w, int outputs, int chunk) {
    int group = 2 * w->channels * outputs / (w->channels + outputs) / GROUP * GROUP;
    int most = w->tiles * chunk;
    group = group < most ? group : most;
    return group < GROUP ? GROUP : group;
}

static size_t gradient_position(const lks_winograd *w) {
    return (size_t)w->inputs * w->blocks * LKS_BLOCK + SKEW;
}

lks_status lks_winograd_create(lks_winograd *w, lks_op *op, const lks_winograd_shape *s,
                               bool learns, lks_error *err) {
    int window = s->pool ? 1 : 2;
    int tile_columns = (s->out.columns + window - 1) / window;
    w->op = op;
    w->inputs = s->in.channels;
    w->channels = s->in_stride;
    w->blocks = s->out_stride / LKS_BLOCK;
    w->tiles = (s->out.rows + window - 1) / window * tile_columns;
    w->gradient_group = learns ? gradient_group(w, s->out_stride, op->model->chunk) : GROUP;
    size_t tiles = (size_t)w->tiles;
    w->in_offset = lks_op_alloc(op, tiles * POSITIONS, sizeof(int32_t), err);
    w->out_offset = lks_op_alloc(op, tiles * 4, sizeof(int32_t), err);
    w->group_offset = lks_op_alloc(op, (size_t)w->gradient_group, sizeof(int32_t), err);
    w->input_offset = lks_op_alloc(op, (size_t)w->inputs, sizeof(int32_t), err);
    w->u =
        lks_op_alloc(op, (size_t)POSITIONS * w->blocks * w->inputs * LKS_BLOCK, sizeof(float), err);
    if (!w->in_offset || !w->out_offset || !w->group_offset || !w->input_offset || !w->u)
        return err->status;
    fill_offsets(w, s, tile_columns);
    const int most = w->gradient_group;
    const size_t scratch[] = {POSITIONS * in_position(w, GROUP) + HALVES * HALF,
                              POSITIONS * (in_position(w, most) + out_position(w, most)) +
                                  (POSITIONS + 9) * gradient_position(w)};
    for (int i = 0; i < 1 + learns; i++)
        if (scratch[i] > op->scratch_floats)
            op->scratch_floats = scratch[i];
    return LKS_OK;
}

/* The nine taps of one input and a block of outputs, zero beyond the last. The array is [3][3][channels
 * of the layer][filters]; turned around, filters are inputs and taps come backwards. */
static void taps_of(const lks_winograd *w, bool turned, int block, int input,
                    float taps[9][LKS_BLOCK]) {
    size_t each = w->op->n_weights / 9, outputs = each / (size_t)w->inputs;
    size_t filters = turned ? (size_t)w->inputs : outputs, step = turned ? filters : 1;
    size_t first = (size_t)block * LKS_BLOCK;
    size_t from = turned ? first * filters + (size_t)input : (size_t)input * filters + first;
    size_t n = outputs - first < LKS_BLOCK ? outputs - first : LKS_BLOCK;
    memset(taps, 0, sizeof(float[9][LKS_BLOCK]));
    for (int t = 0; t < 9; t++) {
        const float *tap = w->op->weights + each * (size_t)(turned ? 8 - t : t) + from;
        for (size_t l = 0; l < n; l++)
            taps[t][l] = tap[l * step];
    }
}

void lks_winograd_pack(lks_winograd *w, bool turned, int part, int parts) {
    size_t stride = (size_t)w->blocks * w->inputs * LKS_BLOCK;
    lks_span mine = lks_part(w->blocks * w->inputs, part, parts);
    for (int i = mine.first; i < mine.first + mine.count; i++) {
        float taps[9][LKS_BLOCK];
        taps_of(w, turned, i / w->inputs, i % w->inputs, taps);
        w->op->model->kernels->winograd_weights(w->u + (size_t)i * LKS_BLOCK, stride,
                                                (const float(*)[LKS_BLOCK])taps);
    }
}

int64_t lks_winograd_products(const lks_winograd *w, int count) {
    return (int64_t)POSITIONS * w->tiles * count;
}

/* Calls of a kernel for tiles [first, first + n) of all images, which may begin and end within one. */
typedef struct piece {
    int image, tile, n, done;
} piece;

static piece next_piece(const lks_winograd *w, int first, int n, int done) {
    int at = first + done, image = at / w->tiles, tile = at % w->tiles;
    int left = w->tiles - tile;
    return (piece){image, tile, left < n - done ? left : n - done, done};
}

static void transform_inputs(const lks_winograd *w, const lks_winograd_run *r, int first, int n,
                             int group, float *v) {
    piece p;
    for (int done = 0; done < n; done += p.n) {
        p = next_piece(w, first, n, done);
        const lks_winograd_input_args a = {.x = r->x + p.image * r->x_size,
                                           .tiles = p.n,
                                           .offset = w->in_offset + (size_t)p.tile * POSITIONS,
                                           .channels = w->channels,
                                           .out = v + (size_t)done * w->channels,
                                           .out_stride = in_position(w, group)};
        w->op->model->kernels->winograd_input(&a);
    }
}

static void transform_outputs(const lks_winograd *w, const lks_winograd_run *r, int first, int n,
                              lks_span blocks, const float *t) {
    piece p;
    const int channels = blocks.count * LKS_BLOCK;
    const size_t block = (size_t)blocks.first * LKS_BLOCK;
    for (int done = 0; done < n; done += p.n) {
        p = next_piece(w, first, n, done);
        const size_t at = p.image * r->out_size + block;
        const lks_winograd_output_args a = {.t = t + (size_t)done * channels,
                                            .t_stride = HALF,
                                            .tiles = p.n,
                                            .channels = channels,
                                            .bias = r->bias ? r->bias + block : NULL,
                                            .relu = r->relu,
                                            .offset = w->out_offset + (size_t)p.tile * 4,
                                            .out = r->out + at,
                                            .argmax = r->argmax ? r->argmax + at : NULL};
        w->op->model->kernels->winograd_output(&a);
    }
}

static void multiply(const lks_winograd *w, const float *v, int n, lks_span blocks, float *t) {
    const size_t each = (size_t)w->inputs * LKS_BLOCK;
    const lks_winograd_multiply_args a = {.v = v,
                                          .v_stride = in_position(w, GROUP),
                                          .tiles = n,
                                          .channels = w->channels,
                                          .inputs = w->inputs,
                                          .u = w->u + (size_t)blocks.first * each,
                                          .u_stride = (size_t)w->blocks * each,
                                          .blocks = blocks.count,
                                          .t = t,
                                          .t_stride = HALF};
    w->op->model->kernels->winograd_multiply(&a);
}

void lks_winograd_convolve(const lks_winograd *w, const lks_winograd_run *r, float *scratch) {
    float *v = scratch, *t = scratch + POSITIONS * in_position(w, GROUP);
    int total = w->tiles * r->count;
    for (int first = 0; first < total; first += GROUP) {
        int n = total - first < GROUP ? total - first : GROUP;
        transform_inputs(w, r, first, n, GROUP, v);
        for (int block = 0; block < w->blocks; block += BLOCKS) {
            const int left = w->blocks - block;
            const lks_span blocks = {block, left < BLOCKS ? left : BLOCKS};
            multiply(w, v, n, blocks, t);
            transform_outputs(w, r, first, n, blocks, t);
        }
    }
}

static void transform_gradients(const lks_winograd *w, const lks_winograd_run *r, const float *dy,
                                lks_span blocks, int first, int n, float *z) {
    piece p;
    int channels = blocks.count * LKS_BLOCK;
    for (int done = 0; done < n; done += p.n) {
        p = next_piece(w, first, n, done);
        size_t at = p.image * r->out_size + (size_t)blocks.first * LKS_BLOCK;
        const lks_winograd_gradient_args a = {.dy = dy + at,
                                              .tiles = p.n,
                                              .offset = w->out_offset + (size_t)p.tile * 4,
                                              .channels = channels,
                                              .out = z + (size_t)done * channels,
                                              .out_stride = out_position(w, w->gradient_group)};
        w->op->model->kernels->winograd_gradient(&a);
    }
}

/* Adds the products of n tiles to du. */
static void add_products(const lks_winograd *w, const float *v, const float *z, lks_span blocks,
                         int n, bool goes_on, float *du) {
    for (int p = 0; p < POSITIONS; p++) {
        const lks_wgrad_args a = {.x = v + p * in_position(w, w->gradient_group),
                                  .dy = z + p * out_position(w, w->gradient_group),
                                  .samples = 1,
                                  .chunk = 1,
                                  .rows = 1,
                                  .columns = n,
                                  .pixel_offset = w->group_offset,
                                  .channels = blocks.count * LKS_BLOCK,
                                  .taps = w->inputs,
                                  .tap_offset = w->input_offset,
                                  .row = (size_t)blocks.count * LKS_BLOCK,
                                  .out = du + p * gradient_position(w),
                                  .fresh = !goes_on,
                                  .goes_on = goes_on};
        w->op->model->kernels->wgrad(&a);
    }
}

float *lks_winograd_weight_gradient(const lks_winograd *w, const lks_winograd_run *r,
                                    const float *dy, lks_span blocks, float *scratch) {
    const int group = w->gradient_group;
    float *v = scratch, *z = v + POSITIONS * in_position(w, group);
    float *du = z + POSITIONS * out_position(w, group), *dw = du + POSITIONS * gradient_position(w);
    int total = w->tiles * r->count;
    for (int first = 0; first < total; first += group) {
        int n = total - first < group ? total - first : group;
        transform_inputs(w, r, first, n, group, v);
        transform_gradients(w, r, dy, blocks, first, n, z);
        add_products(w, v, z, blocks, n, first > 0, du);
    }
    w->op->model->kernels->winograd_weight_gradients(dw, du, gradient_position(w),
                                                     (size_t)w->inputs * blocks.count * LKS_BLOCK);
    return dw;
}
