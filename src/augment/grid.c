/* A random grid: the cheap elastic distortion. Nodes spread evenly over the image move, and what lies between moves
 * with them, by bilinear interpolation. */
#include "augment/operation.h"

#include <math.h>

#define NODES_MAX 32

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(grid),
     .meaning =
         "elastic distortion by a random grid, at a tenth of the cost: standard deviation of "
         "how far a node moves, in pixels, in each direction",
     .type = LKS_OPT_DOUBLE, .max = 100, .preset = "0"},
    {LKS_AUGMENT_KEY(grid_nodes), .meaning = "nodes of that grid in each direction",
     .type = LKS_OPT_INT, .min = 2, .max = NODES_MAX, .preset = "7"}};

static bool is_on(const lks_augment_config *c) {
    return c->grid > 0;
}

#define STEPS 16384 /* between two nodes */

/* From pixel to pixel of `pixels`, in 1/256 of a step, so that the last one lies on the last node. */
static int pace(int pixels, int nodes) {
    return pixels > 1 ? STEPS * 256 * (nodes - 1) / (pixels - 1) : 0;
}

/* Of `nodes`, what lies `steps` behind the first one. */
static int32_t between(const int32_t *nodes, int32_t steps, int stride) {
    const int32_t *a = nodes + steps / STEPS * stride;
    return a[0] + (int32_t)((int64_t)(a[stride] - a[0]) * (steps % STEPS) / STEPS);
}

/* Adds to a direction of the map. node [n + 1][n + 1] has a row and a column more, equal to the last one, for the pixel
 * on the last node. */
static void bend(int32_t *to, const int32_t *node, int n, const lks_shape *s) {
    const int down = pace(s->rows, n), along = pace(s->columns, n);
    int32_t line[NODES_MAX + 1];
    for (int r = 0; r < s->rows; r++) {
        for (int k = 0; k <= n; k++)
            line[k] = between(node + k, r * down / 256, n + 1);
        for (int c = 0; c < s->columns; c++)
            *to++ += between(line, c * along / 256, 1);
    }
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    const int n = c->grid_nodes, all = n * n;
    const double most =
        c->grid * sqrt(3.0) * LKS_PIXEL; /* of uniform numbers with that deviation */
    int32_t node[(NODES_MAX + 1) * (NODES_MAX + 1)];
    uint32_t words[2 * NODES_MAX * NODES_MAX + 3];
    canvas->kernels->philox(words, s, 0, (2 * (size_t)all + 3) / 4);
    lks_canvas_bend(canvas);
    for (int d = 0; d < 2; d++) {
        for (int i = 0; i < (n + 1) * (n + 1); i++) {
            const int row = i / (n + 1), column = i % (n + 1);
            const int drawn = (row < n ? row : n - 1) * n + (column < n ? column : n - 1);
            node[i] = (int32_t)floor(most * ((int32_t)words[d * all + drawn] * 0x1p-31) + 0.5);
        }
        bend(d ? canvas->map.right : canvas->map.down, node, n, &canvas->shape);
    }
}

const lks_augment_operation lks_augment_grid = {.stream = 3,
                                                .moves = true,
                                                .options = options,
                                                .n_options = sizeof options / sizeof *options,
                                                .is_on = is_on,
                                                .apply = apply};
